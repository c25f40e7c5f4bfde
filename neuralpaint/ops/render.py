"""`render`: strokes composited onto canvases in one pass, with no foregrounds or mattes in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from neuralpaint import _extension  # noqa: F401  (registers the kernels)
from neuralpaint.brushes import Brush
from neuralpaint.ops.checks import as_origin, as_single, check_render, check_width
from neuralpaint.ops.transforms import refuse_second_derivatives, refuse_unsupported, register_derivatives
from neuralpaint.utils.profiling import span


@span("render")
def render(
    canvas: Tensor,
    strokes: Tensor,
    brush: Brush | str,
    *,
    softness: float = 1.0,
    origin: Tensor | Sequence[float] | None = None,
    pixels_per_unit: float | None = None,
) -> Tensor:
    """Paints strokes onto canvases in order: h ← α·c + (1 − α)·h (SNP §3.1), c and α as `rasterize` gives them.

    A canvas may be a whole painting, a block or a tile of one: `origin` and `pixels_per_unit` say which part of the
    plane its pixels show, and a part comes out with the pixels that the whole would have there. Differentiable by
    `canvas` and `strokes`. Strokes cost only where they are. Of second derivatives there are those of the gradient by
    the canvas; those of the gradient by the strokes raise NotImplementedError, and `ops.reference.render` has them.

    Args:
        canvas: `[B, 3, H, W]`, float32 or float64, what lies under the strokes, RGB in [0, 1].
        strokes: `[B, T, P]`, of the same dtype, T strokes for each canvas, first to last.
        brush: a `Brush` or its name.
        softness: width of an antialiased edge, in pixels.
        origin: `[B, 2]` or one pair, (x, y) in units of the canvas's top-left corner; (0, 0) by default.
        pixels_per_unit: pixels in one unit; by default the canvas's shorter side.

    Returns:
        `[B, 3, H, W]`, new memory.

    Raises:
        TypeError, ValueError: an argument is of the wrong type, shape or range; the message names it.
    """
    refuse_unsupported("render", canvas, strokes)
    canvas, strokes, origin = as_single(canvas), as_single(strokes), as_single(origin)
    brush, scale = check_render(canvas, strokes, brush, pixels_per_unit)
    return _call(
        canvas,
        strokes,
        brush.kind,
        brush.texture_on(strokes.device),
        as_origin(origin, canvas),
        scale,
        check_width("softness", softness, strokes.dtype),
    )


@torch.library.register_fake("neuralpaint::render")
def _render_fake(
    canvas: Tensor,
    strokes: Tensor,
    kind: int,
    texture: Tensor,
    origin: Tensor,
    pixels_per_unit: float,
    softness: float,
) -> Tensor:
    return canvas.new_empty(canvas.shape)


@torch.library.register_fake("neuralpaint::render_backward")
def _render_backward_fake(
    grad: Tensor,
    canvas: Tensor,
    strokes: Tensor,
    kind: int,
    texture: Tensor,
    origin: Tensor,
    pixels_per_unit: float,
    softness: float,
) -> tuple[Tensor, Tensor]:
    return canvas.new_empty(canvas.shape), strokes.new_empty(strokes.shape)


def _setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
    canvas, strokes, ctx.kind, texture, origin, ctx.pixels_per_unit, ctx.softness = inputs
    ctx.save_for_backward(canvas, strokes, texture, origin)


@span("render backward")
def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    canvas, strokes, texture, origin = ctx.saved_tensors
    check_width("softness", ctx.softness, strokes.dtype)
    grad_canvas, grad_strokes = _call_backward(
        grad, canvas, strokes, ctx.kind, texture, origin, ctx.pixels_per_unit, ctx.softness
    )
    return grad_canvas, grad_strokes, None, None, None, None, None


def _setup_context_of_backward(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    grad, _, strokes, ctx.kind, texture, origin, *ctx.sizes = inputs
    ctx.save_for_backward(grad, strokes, texture, origin)
    ctx.set_materialize_grads(False)


def _backward_of_backward(ctx: Any, by_canvas: Tensor | None, by_strokes: Tensor | None) -> tuple[Tensor | None, ...]:
    """Of the derivative by the canvas alone: the picture is affine in the canvas, so that the kernels have it."""
    if by_strokes is not None:
        refuse_second_derivatives("render", "strokes")
    if by_canvas is None:
        return (None,) * 8
    grad, strokes, texture, origin = ctx.saved_tensors
    rest, black = (strokes, ctx.kind, texture, origin, *ctx.sizes), torch.zeros_like(by_canvas)
    by_grad = _call(by_canvas, *rest) - _call(black, *rest)
    through_strokes = _call_backward(grad, by_canvas, *rest)[1] - _call_backward(grad, black, *rest)[1]
    return by_grad, None, through_strokes, None, None, None, None, None


_call_backward = register_derivatives(
    "render_backward",
    ("grad", "canvas", "strokes", "origin"),
    _backward_of_backward,
    _setup_context_of_backward,
)
_call = register_derivatives("render", ("canvas", "strokes", "origin"), _backward, _setup_context)
