"""Checks of arguments that the ops share. Messages name the argument and say what would do."""

from __future__ import annotations

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor  # torch itself has loaded it

from neuralpaint.brushes import Brush


def check_strokes(strokes: Tensor, brush: Brush, dim: int) -> None:
    """Strokes must be a float32 or float64 tensor of `dim` dimensions, of the brush's length, finite."""
    if not isinstance(strokes, Tensor):
        raise TypeError(f"strokes must be a tensor, got {type(strokes).__name__}")
    if strokes.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"strokes must be float32 or float64, got {strokes.dtype}")
    if strokes.ndim != dim or strokes.shape[-1] != brush.count:
        shape = "[N, P]" if dim == 2 else "[B, T, P]"
        raise ValueError(
            f"strokes must be {shape} with P = {brush.count} for brush {brush.name!r}, got {list(strokes.shape)}"
        )
    check_finite("strokes", strokes)


def check_finite(name: str, tensor: Tensor) -> None:
    """No NaN or infinity. On a GPU, and while compiling, this is left out: it would stall the device. Fake tensors hold
    no values."""
    if torch.compiler.is_compiling() or tensor.device.type != "cpu" or isinstance(tensor, FakeTensor):
        return
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity")


def check_side(name: str, value: int) -> int:
    """A number of pixels."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number of pixels, got {value!r}")
    if not 1 <= value <= 65536:
        raise ValueError(f"{name} must be from 1 to 65536 pixels, got {value}")
    return value
