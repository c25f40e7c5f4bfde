"""What the benchmarks share: options, the machine in the header, the fixtures `device` and `measure`, a table of rates
at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from neuralpaint import _extension as extension
from neuralpaint.utils.machine import describe

_ROWS = pytest.StashKey[list[tuple[str, str, float, float, float, float, str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--threads", type=int, default=None, help="threads for torch and the kernels")
    parser.addoption("--device", action="append", help="cpu or cuda; may be given twice; by default all that are there")
    parser.addoption("--full", action="store_true", help="every size, dtype and brush, not the subset of `make bench`")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: runs with --full only")
    threads = config.getoption("threads")
    if threads is not None:
        torch.set_num_threads(threads)
    config.stash[_ROWS] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("full"):
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        there = ["cpu", *(["cuda"] if extension.HAS_CUDA and torch.cuda.is_available() else [])]
        wanted = metafunc.config.getoption("device") or there
        for name in wanted:
            if name not in there:
                raise pytest.UsageError(f"--device {name}: use one of {', '.join(there)}")
        metafunc.parametrize("device", [torch.device(name) for name in wanted], ids=str)


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

    Rows of one group are compared with each other. `once=True` is for what takes seconds. On a GPU a call ends when its
    kernels have.
    """
    device = request.node.callspec.params.get("device") if hasattr(request.node, "callspec") else None
    on_gpu = device is not None and device.type == "cuda"

    def run(group: str, name: str, function: Callable[[], Any], count: float, unit: str, once: bool = False) -> Any:
        if on_gpu:
            group += ", cuda"
        benchmark.group, benchmark.name = group, f"{group}: {name}"
        benchmark.extra_info.update({"count": count, "unit": unit})

        def call() -> Any:
            result = function()
            torch.cuda.synchronize()
            return result

        timed = call if on_gpu else function
        result = benchmark.pedantic(timed, rounds=1, iterations=1) if once else benchmark(timed)
        if benchmark.stats is not None:  # None with --benchmark-disable
            stats = benchmark.stats.stats
            spread = stats.iqr / stats.median
            benchmark.extra_info |= {"per_second": count / stats.median, "spread": spread}
            row = (group, name, stats.min, stats.median, spread if stats.rounds > 1 else float("nan"))
            request.config.stash[_ROWS].append((*row, count / stats.median, unit))
        return result

    return run


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash[_ROWS]
    if not rows:
        return
    width = max(len(row[1]) for row in rows) + 2
    terminalreporter.write_line(pytest_report_header())
    for group in dict.fromkeys(row[0] for row in rows):
        terminalreporter.write_line("")
        terminalreporter.write_line(f"{group}", bold=True)
        terminalreporter.write_line(f"  {'':<{width}}{'shortest':>12}{'median':>12}{'spread':>8}{'at the median':>26}")
        for _, name, shortest, median, spread, rate, unit in (row for row in rows if row[0] == group):
            times = f"{_milliseconds(shortest):>12}{_milliseconds(median):>12}"
            scatter = f"{'' if spread != spread else format(spread, '.0%'):>8}"
            rate_text = f"{rate:>14,.{0 if rate >= 10 else 2}f} {unit}/s"
            terminalreporter.write_line(f"  {name:<{width}}{times}{scatter}{rate_text}")
    terminalreporter.write_line("")
    terminalreporter.write_line("spread: interquartile range of the rounds, as a share of the median")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f} ms"
