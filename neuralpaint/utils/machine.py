"""Describes the machine and the build, for timings."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from neuralpaint._version import __version__

if TYPE_CHECKING:
    import torch


def cpu_model() -> str:
    """The name of the processor, as reported by the system."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe(device: torch.device | None = None) -> dict[str, str | int]:
    """The facts that a timing depends on, without the host name. Includes the GPU of `device`, or any if None."""
    import torch

    from neuralpaint import _extension

    facts: dict[str, str | int] = {
        "cpu": cpu_model(),
        "cores": processors(),
        "threads": torch.get_num_threads(),
        "simd": _extension.LEVEL,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "neuralpaint": __version__,
    }
    wanted = device is None or device.type == "cuda"
    if wanted and _extension.HAS_CUDA and torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name(device)
        facts["cuda"] = str(torch.version.cuda)
    return facts


def processors() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def hardware(device: torch.device) -> str:
    """Describes the hardware of a device: the GPU, or the processor and the number of threads."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{cpu_model()}, {threads} thread{'s' if threads > 1 else ''}"
