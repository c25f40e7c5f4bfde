"""What a timing depends on: the machine and the build."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

from neuralpaint import _extension as extension
from neuralpaint._version import __version__


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe(device: torch.device | None = None) -> dict[str, str | int]:
    """The facts that a timing depends on; no host name. The GPU is that of `device`, by default any there is."""
    facts: dict[str, str | int] = {
        "cpu": cpu_model(),
        "cores": processors(),
        "threads": torch.get_num_threads(),
        "simd": extension.LEVEL,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "neuralpaint": __version__,
    }
    wanted = device is None or device.type == "cuda"
    if wanted and extension.HAS_CUDA and torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name(device)
        facts["cuda"] = str(torch.version.cuda)
    return facts


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def hardware(device: torch.device) -> str:
    """The processor or GPU that did the work, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{name}, {torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''}"
