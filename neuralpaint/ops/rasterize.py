"""`rasterize`: strokes to foregrounds and alpha mattes, each stroke on a canvas of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neuralpaint import _extension  # noqa: F401  (registers the kernels)
from neuralpaint.brushes import Brush, get_brush
from neuralpaint.ops.checks import as_single, check_side, check_strokes, check_width
from neuralpaint.ops.transforms import refuse_unsupported, register_derivatives
from neuralpaint.utils.profiling import span

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.uint8)


@span("rasterize")
def rasterize(
    strokes: Tensor,
    brush: Brush | str,
    height: int,
    width: int,
    *,
    softness: float = 1.0,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """Draws each stroke alone, as a colour picture and an alpha matte.

    One unit is the shorter side: a point (x, y) of a stroke lies at pixel (x, y) · min(height, width). An edge is the
    exact box filter, `softness` pixels wide, of the stroke's outline, so the same strokes give the same picture at any
    size. Differentiable by `strokes`: the derivatives are those of the values computed here, edges included.

    Numbers outside of [0, 1] are drawn too, up to a limit beyond which they count as the limit and have no derivative:
    lengths and positions ±2²⁶ pixels, colours ±8192, opacity 0 to 2, and the ratios of a curve's middle point ±16. So
    every finite stroke gives a finite picture and gradient.

    Args:
        strokes: `[N, P]`, float32 or float64, each number in [0, 1] in the order of `brush.parameters`;
            docs/conventions.md says what it means.
        brush: a `Brush` or its name.
        height: rows of the output, in pixels.
        width: columns of the output, in pixels.
        softness: width of an antialiased edge, in pixels; wider edges reach further with their gradient.
        dtype: that of the strokes (the default), float16, bfloat16, or uint8 (⌊255·x + ½⌋, no gradient).

    Returns:
        foreground `[N, 3, height, width]`: the stroke's colour wherever it covers anything, else 0 (so that
        edges blend without a dark fringe); alpha `[N, 1, height, width]`: coverage times the stroke's opacity.

    Raises:
        TypeError, ValueError: an argument is of the wrong type, shape or range; the message names it.
    """
    brush = get_brush(brush)
    refuse_unsupported("rasterize", strokes)
    strokes = as_single(strokes)
    check_strokes(strokes, brush, 2)
    dtype = strokes.dtype if dtype is None else dtype
    if dtype not in _DTYPES or (dtype != strokes.dtype and dtype in (torch.float32, torch.float64)):
        raise ValueError(f"dtype must be that of the strokes, float16, bfloat16 or uint8, got {dtype}")
    return _call(
        strokes,
        brush.kind,
        brush.texture_on(strokes.device),
        check_side("height", height),
        check_side("width", width),
        check_width("softness", softness, strokes.dtype),
        dtype,
    )


@torch.library.register_fake("neuralpaint::rasterize")
def _rasterize_fake(
    strokes: Tensor, kind: int, texture: Tensor, height: int, width: int, softness: float, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    n = strokes.shape[0]
    return strokes.new_empty((n, 3, height, width), dtype=dtype), strokes.new_empty((n, 1, height, width), dtype=dtype)


@torch.library.register_fake("neuralpaint::rasterize_backward")
def _rasterize_backward_fake(
    grad_foreground: Tensor, grad_alpha: Tensor, strokes: Tensor, kind: int, texture: Tensor, softness: float
) -> Tensor:
    return strokes.new_empty(strokes.shape)


def _setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    strokes, ctx.kind, texture, _, _, ctx.softness, dtype = inputs
    ctx.save_for_backward(strokes, texture)
    if not dtype.is_floating_point:
        ctx.mark_non_differentiable(*output)


@span("rasterize backward")
def _backward(ctx: Any, grad_foreground: Tensor, grad_alpha: Tensor) -> tuple[Tensor | None, ...]:
    strokes, texture = ctx.saved_tensors
    check_width("softness", ctx.softness, strokes.dtype)
    grad = _call_backward(grad_foreground, grad_alpha, strokes, ctx.kind, texture, ctx.softness)
    return grad, None, None, None, None, None, None


_call_backward = register_derivatives("rasterize_backward", ("grad_foreground", "grad_alpha", "strokes"))
_call = register_derivatives("rasterize", ("strokes",), _backward, _setup_context)
