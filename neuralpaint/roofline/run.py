"""Runs the cases and collects the results; writes profiler traces."""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from neuralpaint.roofline.cases import Case, cases, painting
from neuralpaint.roofline.limits import Limits
from neuralpaint.roofline.timing import time_call
from neuralpaint.utils.files import atomic_write
from neuralpaint.utils.machine import describe
from neuralpaint.utils.profiling import span


@dataclass(frozen=True)
class Row:
    """The result of one case. Times in milliseconds; `low_ms` and `high_ms` are quartiles; rates are at the median."""

    op: str
    variant: str
    direction: str
    shape: str
    median_ms: float
    low_ms: float
    high_ms: float
    shortest_ms: float
    rounds: int
    per_second: float
    unit: str
    gb_per_s: float | None
    covered_pixels_per_s: float | None
    limit: str | None
    limit_ms: float | None
    share: float | None


def measure(case: Case, limits: Limits, seconds: float) -> Row:
    """Measures the limit that applies to a case, then times the case."""
    function, work = case.build(limits.device)
    bound = work.limit(limits)
    with torch.inference_mode(False), torch.enable_grad():
        timing = time_call(function, limits.device, seconds, case.rounds)
    median = timing.median
    return Row(
        op=case.op,
        variant=case.variant,
        direction=case.direction,
        shape=case.shape,
        median_ms=1e3 * median,
        low_ms=1e3 * timing.low,
        high_ms=1e3 * timing.high,
        shortest_ms=1e3 * timing.shortest,
        rounds=timing.rounds,
        per_second=case.count / median,
        unit=case.unit,
        gb_per_s=work.bytes / median / 1e9 if bound and bound[0] in ("fill", "copy") else None,
        covered_pixels_per_s=work.covered / median if work.covered else None,
        limit=bound[0] if bound else None,
        limit_ms=1e3 * bound[1] if bound else None,
        share=bound[1] / median if bound else None,
    )


def run(
    device: torch.device, quick: bool = False, progress: Callable[[str, int, int], None] | None = None
) -> dict[str, Any]:
    """Measures the limits of the machine and all cases: {"machine", "date", "limits", "rows", …}, JSON-serializable.

    `progress(name, done, total)` is called before each measurement.
    """
    wanted = list(cases(quick))
    limits = Limits(device, 0.05 if quick else 0.15)
    if progress:
        progress("limits of the machine", 0, len(wanted) + 1)
    table = limits.table()
    rows = []
    for index, case in enumerate(wanted):
        if progress:
            progress(case.name, index + 1, len(wanted) + 1)
        with span(f"bench {case.name}"):
            rows.append(measure(case, limits, 0.1 if quick else 0.5))
    return {
        "format": "neuralpaint.bench",
        "version": 1,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "device": str(device),
        "machine": describe(device),
        "limits": table,
        "rows": [asdict(row) for row in rows],
    }


def write_trace(path: Path, device: torch.device, quick: bool = False) -> None:
    """Writes a Chrome trace (chrome://tracing, ui.perfetto.dev) of two calls of every case and one small painting."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    prepared = [(case.name, case.build(device)[0]) for case in cases(quick) if case.op != "paint"]
    prepared.append(("painting", painting("oil", 50, 96, "fast").build(device)[0]))
    for _, function in prepared:  # warm up, so that the trace shows steady-state calls
        function()
    with torch.profiler.profile(activities=activities) as profile:
        for name, function in prepared:
            for _ in range(1 if name == "painting" else 2):
                with span(f"bench {name}"):
                    function()
    with tempfile.TemporaryDirectory() as folder:
        # The profiler compresses depending on the suffix.
        file = Path(folder) / ("trace.json.gz" if path.suffix == ".gz" else "trace.json")
        profile.export_chrome_trace(os.fspath(file))
        with atomic_write(path) as target:
            target.write(file.read_bytes())


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Runs torch and our kernels on `count` threads; None leaves the number unchanged."""
    before = torch.get_num_threads()
    try:
        if count is not None:
            torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)
