"""What the benchmarks ran on. As a program: prints the name of the results file of a run that starts now."""

from __future__ import annotations

import datetime
import os
import platform
import re
from pathlib import Path

import torch

from neuralpaint import __version__, extension

RESULTS = Path(__file__).parent / "results"


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe() -> dict[str, str | int]:
    """The facts that a timing depends on; no host name."""
    facts: dict[str, str | int] = {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "simd": extension.SIMD,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "neuralpaint": __version__,
    }
    if extension.HAS_CUDA and torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def results_file() -> Path:
    """benchmarks/results/<date>-<machine>.json; the folder is created."""
    RESULTS.mkdir(exist_ok=True)
    facts = describe()
    machine = re.sub(r"[^a-z0-9]+", "-", f"{facts['cpu']} {facts['cores']} cores".lower()).strip("-")
    return RESULTS / f"{datetime.date.today()}-{machine}.json"


if __name__ == "__main__":
    print(results_file())
