"""Checks of arguments that the ops share. Messages name the argument and say what would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor  # torch itself has loaded it

from neuralpaint.brushes import Brush, get_brush
from neuralpaint.utils.validation import check_positive, check_weight, shown


def as_single(value: Any) -> Any:
    """Where autocast is on, a half-precision tensor as float32, which the ops compute in; anything else as it is."""
    if isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16):
        device = value.device.type
        if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):  # not of "meta"
            return value.float()
    return value


def check_factor(name: str, value: float, dtype: torch.dtype) -> float:
    """A number of at least 0 that stays finite as `dtype`."""
    number, most = check_weight(name, value), torch.finfo(dtype).max
    if number > most:
        raise ValueError(f"{name} must be at most {most:.3g} for {dtype}, got {shown(value)}")
    return number


def check_width(name: str, value: float, dtype: torch.dtype) -> float:
    """A number above 0, such as a length, that `dtype` holds to its full precision."""
    number, limits = check_positive(name, value), torch.finfo(dtype)
    if not limits.tiny <= number <= limits.max:
        raise ValueError(f"{name} must be from {limits.tiny:.3g} to {limits.max:.3g} for {dtype}, got {shown(value)}")
    return number


def check_strokes(strokes: Tensor, brush: Brush, dim: int) -> None:
    """Strokes must be a float32 or float64 tensor of `dim` dimensions, of the brush's length, finite."""
    if not isinstance(strokes, Tensor):
        raise TypeError(f"strokes must be a tensor, got {type(strokes).__name__}")
    if strokes.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"strokes must be float32 or float64, got {strokes.dtype}")
    if strokes.ndim != dim or strokes.shape[-1] != brush.num_parameters:
        shape = "[N, P]" if dim == 2 else "[B, T, P]"
        raise ValueError(
            f"strokes must be {shape} with P = {brush.num_parameters} for brush {brush.name!r}, "
            f"got {list(strokes.shape)}"
        )
    check_finite("strokes", strokes)


def has_values(tensor: Tensor) -> bool:
    """Whether Python may look at the values. On a GPU that would stall the device; while compiling, exporting or
    tracing there are none; fake tensors hold none; and under vmap there is one for each example."""
    if torch.compiler.is_compiling() or tensor.device.type != "cpu" or _traced():
        return False
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        if torch._C._functorch.is_batchedtensor(tensor):
            return False
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return not isinstance(tensor, FakeTensor)


def _traced() -> bool:
    """Whether a mode is on that records operators or computes with fake tensors, such as that of make_fx."""
    keys = torch._C._TorchDispatchModeKey
    return any(torch._C._get_dispatch_mode(key) is not None for key in (keys.PROXY, keys.FAKE, keys.FUNCTIONAL))


def check_finite(name: str, tensor: Tensor) -> None:
    """No NaN or infinity; left out where `has_values` says no."""
    if has_values(tensor) and not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity")


def check_side(name: str, value: int) -> int:
    """A number of pixels."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number of pixels, got {value!r}")
    if not 1 <= value <= 65536:
        raise ValueError(f"{name} must be from 1 to 65536 pixels, got {shown(value)}")
    return value


def check_render(
    canvas: Tensor, strokes: Tensor, brush: Brush | str, pixels_per_unit: float | None
) -> tuple[Brush, float]:
    """The brush and pixels per unit, when canvas and strokes fit together."""
    brush = get_brush(brush)
    check_strokes(strokes, brush, 3)
    if not isinstance(canvas, Tensor):
        raise TypeError(f"canvas must be a tensor, got {type(canvas).__name__}")
    if canvas.dtype != strokes.dtype:
        raise TypeError(f"canvas must have the dtype of the strokes, {strokes.dtype}, got {canvas.dtype}")
    if canvas.device != strokes.device:
        raise ValueError(f"canvas must be on the device of the strokes, {strokes.device}, got {canvas.device}")
    if canvas.ndim != 4 or canvas.shape[1] != 3 or canvas.shape[2] < 1 or canvas.shape[3] < 1:
        raise ValueError(f"canvas must be [B, 3, H, W] with H and W at least 1, got {list(canvas.shape)}")
    if canvas.shape[0] != strokes.shape[0]:
        raise ValueError(
            f"canvas and strokes must have the same batch size, got {canvas.shape[0]} and {strokes.shape[0]}"
        )
    if max(canvas.shape[0], 1) * (strokes.shape[1] + 1) >= 2**31:
        raise ValueError(f"strokes must be fewer than 2^31 in one call, got {list(strokes.shape)}")
    if max(canvas.shape[2:]) > 2**30:
        raise ValueError(f"canvas must have sides of at most 2^30, got {list(canvas.shape)}")
    scale = float(min(canvas.shape[2:])) if pixels_per_unit is None else pixels_per_unit
    return brush, check_width("pixels_per_unit", scale, strokes.dtype)


def as_origin(origin: Tensor | Sequence[float] | None, canvas: Tensor) -> Tensor:
    """An origin as `[B, 2]` of the canvas's dtype and device; zeros for None. ValueError if it does not fit."""
    batch = canvas.shape[0]
    if origin is None:
        return canvas.new_zeros(batch, 2)
    try:
        corner = torch.as_tensor(origin, dtype=canvas.dtype, device=canvas.device)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise ValueError(f"origin must be (x, y) or [B, 2] numbers ({error})") from None
    if corner.shape not in ((2,), (batch, 2)):
        raise ValueError(f"origin must be (x, y) or [B, 2] with B = {batch}, got shape {list(corner.shape)}")
    check_finite("origin", corner)
    return corner.expand(batch, 2)
