"""What the benchmarks ran on. As a program: prints the name of the results file of a run that starts now."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from neuralpaint.utils.machine import cpu_model, describe

__all__ = ["RESULTS", "cpu_model", "describe", "results_file"]

RESULTS = Path(__file__).parent / "results"


def results_file() -> Path:
    """benchmarks/results/<date>-<machine>.json; the folder is created."""
    RESULTS.mkdir(exist_ok=True)
    facts = describe()
    machine = re.sub(r"[^a-z0-9]+", "-", f"{facts['cpu']} {facts['cores']} cores".lower()).strip("-")
    return RESULTS / f"{datetime.date.today()}-{machine}.json"


if __name__ == "__main__":
    print(results_file())
