"""Resolves device names."""

from __future__ import annotations

import torch

from neuralpaint import _extension as extension


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device of that name: "cpu", "cuda", "cuda:1" …; "auto" is a GPU if this build can use one, else the CPU.

    Raises:
        ValueError: the name is unknown, or the device is not available on this machine or in this build.
        TypeError: it is neither a name nor a `torch.device`.
    """
    if not isinstance(device, (str, torch.device)):
        raise TypeError(f"device must be a name or a torch.device, got {device!r}")
    gpus = torch.cuda.device_count() if extension.HAS_CUDA and torch.cuda.is_available() else 0
    if device == "auto":
        return torch.device("cuda" if gpus else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ValueError(f"unknown device {str(device)!r}: use auto, cpu or cuda") from None
    if chosen.type not in ("cpu", "cuda"):
        raise ValueError(f"device {str(device)!r} is not supported: use auto, cpu or cuda")
    if chosen.type == "cuda" and not extension.HAS_CUDA:
        raise ValueError(f"no device {str(device)!r}: neuralpaint has no CUDA kernels ({extension.NO_CUDA}); use cpu")
    if chosen.type == "cuda" and (chosen.index or 0) >= gpus:
        raise ValueError(f"no device {str(device)!r}: torch finds {gpus} GPUs; use auto or cpu")
    return chosen
