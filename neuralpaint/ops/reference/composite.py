"""Plain-torch truth for `composite`: differentiable by autograd, any floating dtype, arguments unchecked."""

from __future__ import annotations

from torch import Tensor


def composite(canvas: Tensor, foreground: Tensor, alpha: Tensor) -> Tensor:
    """Shapes as in `neuralpaint.ops.composite`."""
    for colour, matte in zip(foreground.unbind(1), alpha.unbind(1), strict=True):
        canvas = matte * colour + (1 - matte) * canvas
    return canvas
