"""What the benchmarks share: the machine in the header, the fixture `measure`, a table of rates at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmarks.machine import describe

_ROWS = pytest.StashKey[list[tuple[str, str, float, float, float, str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--threads", type=int, default=None, help="threads for torch and the kernels")


def pytest_configure(config: pytest.Config) -> None:
    threads = config.getoption("threads")
    if threads is not None:
        torch.set_num_threads(threads)
    config.stash[_ROWS] = []


def pytest_report_header() -> str:
    return "machine: " + ", ".join(f"{name} {fact}" for name, fact in describe().items())


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info.clear()
    machine_info.update(describe())


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    for result in output_json["benchmarks"]:
        result["stats"].pop("data", None)  # every single timing: too much to keep


@pytest.fixture
def measure(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`measure(group, name, function, count, unit)` times `function()`, which handles `count` units; returns its
    result.

    Rows of one group are compared with each other. `once=True` is for what takes seconds.
    """

    def run(group: str, name: str, function: Callable[[], Any], count: float, unit: str, once: bool = False) -> Any:
        benchmark.group, benchmark.name = group, f"{group}: {name}"
        benchmark.extra_info.update({"count": count, "unit": unit})
        result = benchmark.pedantic(function, rounds=1, iterations=1) if once else benchmark(function)
        if benchmark.stats is not None:  # None with --benchmark-disable
            stats = benchmark.stats.stats
            benchmark.extra_info["per_second"] = count / stats.median
            request.config.stash[_ROWS].append((group, name, stats.min, stats.median, count / stats.median, unit))
        return result

    return run


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash[_ROWS]
    if not rows:
        return
    width = max(len(row[1]) for row in rows) + 2
    for group in dict.fromkeys(row[0] for row in rows):
        terminalreporter.write_line("")
        terminalreporter.write_line(f"{group}", bold=True)
        terminalreporter.write_line(f"  {'':<{width}}{'shortest':>12}{'median':>12}{'at the median':>26}")
        for _, name, shortest, median, rate, unit in (row for row in rows if row[0] == group):
            times = f"{_milliseconds(shortest):>12}{_milliseconds(median):>12}"
            terminalreporter.write_line(f"  {name:<{width}}{times}{rate:>14,.{0 if rate >= 10 else 2}f} {unit}/s")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f} ms"
