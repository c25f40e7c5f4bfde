"""`render_loss`: the pixel losses of `render` against a target, and their gradient, in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neuralpaint import _extension  # noqa: F401  (registers the kernels)
from neuralpaint.brushes import Brush
from neuralpaint.ops.checks import as_origin, as_single, check_factor, check_render, check_width
from neuralpaint.ops.transforms import refuse_unsupported, register_undifferentiable
from neuralpaint.utils.profiling import span


@span("render_loss")
def render_loss(
    canvas: Tensor,
    strokes: Tensor,
    brush: Brush | str,
    target: Tensor,
    *,
    l1: float = 0.0,
    l2: float = 1.0,
    weight: Tensor | None = None,
    softness: float | Tensor = 1.0,
    origin: Tensor | Sequence[float] | None = None,
    pixels_per_unit: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Value and gradient of l1 · Σw|d| + l2 · Σwd², with d = `render(canvas, strokes, ...)` − `target`.

    What the inner loop of a search needs: each stroke is drawn once, where `render` and its backward pass draw it
    twice, and neither picture nor its gradient goes through memory. Not differentiable itself.

    Args:
        canvas, strokes, brush, origin, pixels_per_unit: as of `render`.
        softness: as of `render`, or a scalar tensor of the canvas's dtype and device, whose value is not checked: so
            that a recorded CUDA graph reads another one at every replay.
        target: `[B, 3, H, W]`, of the canvas's dtype and device.
        l1, l2: weights of the two losses.
        weight: `[B, 1, H, W]`, w: how much a pixel counts, of the canvas's dtype and device; None: all count 1.

    Returns:
        Σw|d| `[B]`, Σwd² `[B]` (without l1 and l2), and the derivatives by the strokes `[B, T, P]` of the weighted sum
        over the batch.

    Raises:
        TypeError, ValueError: an argument is of the wrong type, shape or range; the message names it.
    """
    refuse_unsupported("render_loss", canvas, strokes, target, weight)
    canvas, strokes, target = as_single(canvas), as_single(strokes), as_single(target)
    brush, scale = check_render(canvas, strokes, brush, pixels_per_unit)
    if not isinstance(target, Tensor) or target.shape != canvas.shape or target.dtype != canvas.dtype:
        raise ValueError(f"target must be a tensor of the canvas's shape {list(canvas.shape)} and dtype {canvas.dtype}")
    if target.device != canvas.device:
        raise ValueError(f"target must be on the canvas's device {canvas.device}, got {target.device}")
    if weight is None:
        weight = canvas[:, :0]
    else:
        _check_weight(weight := as_single(weight), canvas)
    l1, l2 = check_factor("l1", l1, canvas.dtype), check_factor("l2", l2, canvas.dtype)
    if not isinstance(softness, Tensor):
        width = check_width("softness", softness, canvas.dtype)
        softness = torch.full((), width, dtype=canvas.dtype, device=canvas.device)
    elif softness.shape != () or softness.dtype != canvas.dtype or softness.device != canvas.device:
        raise ValueError(f"softness must be a number, or a scalar tensor of {canvas.dtype} on {canvas.device}")
    losses, gradient = _call(
        target,
        weight,
        canvas,
        strokes,
        brush.kind,
        brush.texture_on(strokes.device),
        as_origin(origin, canvas),
        scale,
        softness,
        l1,
        l2,
    )
    return losses[:, 0], losses[:, 1], gradient


def _check_weight(weight: Tensor, canvas: Tensor) -> None:
    shape = (canvas.shape[0], 1, *canvas.shape[2:])
    if not isinstance(weight, Tensor) or weight.shape != shape or weight.dtype != canvas.dtype:
        raise ValueError(f"weight must be a tensor of shape {list(shape)} and dtype {canvas.dtype}, or None")
    if weight.device != canvas.device:
        raise ValueError(f"weight must be on the canvas's device {canvas.device}, got {weight.device}")


@torch.library.register_fake("neuralpaint::render_loss")
def _render_loss_fake(
    target: Tensor,
    weight: Tensor,
    canvas: Tensor,
    strokes: Tensor,
    kind: int,
    texture: Tensor,
    origin: Tensor,
    pixels_per_unit: float,
    softness: Tensor,
    l1: float,
    l2: float,
) -> tuple[Tensor, Tensor]:
    return canvas.new_empty((canvas.shape[0], 2)), strokes.new_empty(strokes.shape)


_call = register_undifferentiable("render_loss", ("target", "weight", "canvas", "strokes", "origin"))
