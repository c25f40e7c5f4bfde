"""`composite`: sequential soft blending of foregrounds onto a canvas."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neuralpaint import _extension  # noqa: F401  (registers the kernels)
from neuralpaint.ops.checks import as_single
from neuralpaint.ops.transforms import refuse_unsupported, register_derivatives
from neuralpaint.utils.profiling import span


@span("composite")
def composite(canvas: Tensor, foreground: Tensor, alpha: Tensor) -> Tensor:
    """Lays strokes over a canvas, in order: h ← α·c + (1 − α)·h, starting from h = canvas.

    Differentiable by all three arguments, any number of times. The backward pass recomputes the canvases under the
    strokes, so it divides by nothing (α = 1 is exact) and keeps nothing but the arguments. Second derivatives are plain
    torch, which keeps T canvases.

    Args:
        canvas: `[B, 3, H, W]`, float32 or float64; RGB, as a rule in [0, 1].
        foreground: `[B, T, 3, H, W]`, the colours c of T strokes, the first laid first.
        alpha: `[B, T, 1, H, W]`, their mattes α in [0, 1].

    Returns:
        The canvas `[B, 3, H, W]` after the last stroke (equal to `canvas` for T = 0).

    Raises:
        TypeError: an argument is no tensor, or not of the canvas's dtype, float32 or float64 (under autocast, half
            precision becomes float32).
        ValueError: an argument does not fit the others in shape or device.
    """
    refuse_unsupported("composite", canvas, foreground, alpha)
    canvas, foreground, alpha = as_single(canvas), as_single(foreground), as_single(alpha)
    for name, tensor in (("canvas", canvas), ("foreground", foreground), ("alpha", alpha)):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} must be a tensor, got {type(tensor).__name__}")
    if canvas.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"canvas must be float32 or float64, got {canvas.dtype}")
    if canvas.ndim != 4 or canvas.shape[1] != 3:
        raise ValueError(f"canvas must be [B, 3, H, W], got {list(canvas.shape)}")
    batch, _, height, width = canvas.shape
    if max(height, width) > 2**30:
        raise ValueError(f"canvas must have sides of at most 2^30, got {list(canvas.shape)}")
    for name, tensor, channels in (("foreground", foreground, 3), ("alpha", alpha, 1)):
        if tensor.dtype != canvas.dtype:
            raise TypeError(f"{name} must have the canvas's dtype {canvas.dtype}, got {tensor.dtype}")
        if tensor.device != canvas.device:
            raise ValueError(f"{name} must be on the canvas's device {canvas.device}, got {tensor.device}")
        if tensor.ndim != 5 or (tensor.shape[0], *tensor.shape[2:]) != (batch, channels, height, width):
            raise ValueError(
                f"{name} must be [B, T, {channels}, H, W] with B, H, W = {batch}, {height}, {width} of the canvas, "
                f"got {list(tensor.shape)}"
            )
    if alpha.shape[1] != foreground.shape[1]:
        raise ValueError(f"alpha must have the foreground's T = {foreground.shape[1]} strokes, got {alpha.shape[1]}")
    return _call(canvas, foreground, alpha)


@torch.library.register_fake("neuralpaint::composite")
def _composite_fake(canvas: Tensor, foreground: Tensor, alpha: Tensor) -> Tensor:
    return canvas.new_empty(canvas.shape)


@torch.library.register_fake("neuralpaint::composite_backward")
def _composite_backward_fake(
    grad: Tensor, canvas: Tensor, foreground: Tensor, alpha: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return canvas.new_empty(canvas.shape), foreground.new_empty(foreground.shape), alpha.new_empty(alpha.shape)


def _setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


@span("composite backward")
def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return _call_backward(grad, *ctx.saved_tensors)


def _setup_context_of_backward(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs)


def _backward_of_backward(ctx: Any, by_canvas: Tensor, by_foreground: Tensor, by_alpha: Tensor) -> tuple[Tensor, ...]:
    """From the derivatives by the three gradients, those by what the gradients were made of.

    `moving` is how the canvas under each stroke moves if the arguments move along the three: the backward pass is
    linear in `grad`, and its transpose is forward mode.
    """
    grad, canvas, foreground, alpha = ctx.saved_tensors
    strokes = [part.unbind(1) for part in (foreground, alpha, by_foreground, by_alpha)]
    under, moving = [canvas], [by_canvas]
    for color, matte, color_moves, matte_moves in zip(*strokes, strict=True):
        moving.append(matte * color_moves + matte_moves * (color - under[-1]) + (1 - matte) * moving[-1])
        under.append(matte * color + (1 - matte) * under[-1])
    turn = torch.zeros_like(canvas)  # by the canvas over a stroke
    by_colors, by_mattes = [], []
    for index in range(alpha.shape[1] - 1, -1, -1):
        color, matte, color_moves, matte_moves = (part[index] for part in strokes)
        by_colors.append(matte_moves * grad + matte * turn)
        product = grad * (color_moves - moving[index]) + turn * (color - under[index])
        by_mattes.append(product.sum(1, keepdim=True))
        turn = (1 - matte) * turn - matte_moves * grad
        grad = (1 - matte) * grad
    if not by_colors:
        return moving[-1], turn, torch.zeros_like(foreground), torch.zeros_like(alpha)
    return moving[-1], turn, torch.stack(by_colors[::-1], 1), torch.stack(by_mattes[::-1], 1)


_call_backward = register_derivatives(
    "composite_backward",
    ("grad", "canvas", "foreground", "alpha"),
    _backward_of_backward,
    _setup_context_of_backward,
)
_call = register_derivatives("composite", ("canvas", "foreground", "alpha"), _backward, _setup_context)
