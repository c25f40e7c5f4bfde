"""Plain-torch implementations, written for speed, that the ops are compared with. Autograd differentiates them."""

from __future__ import annotations

import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush


def blend(canvas: Tensor, foreground: Tensor, alpha: Tensor) -> Tensor:
    """`composite`: one `lerp` a stroke."""
    # unbind, not indexing: the gradient of an index is as large as the whole tensor.
    for colour, matte in zip(foreground.unbind(1), alpha.unbind(1), strict=True):
        canvas = torch.lerp(canvas, colour, matte)
    return canvas


def render_by_maps(canvas: Tensor, strokes: Tensor, brush: Brush) -> Tensor:
    """`render`: foregrounds and mattes of all strokes by our `rasterize`, then the plain-torch blend."""
    batch, count, _ = strokes.shape
    foreground, alpha = ops.rasterize(strokes.flatten(0, 1), brush, *canvas.shape[2:])
    return blend(canvas, foreground.unflatten(0, (batch, count)), alpha.unflatten(0, (batch, count)))


def sinkhorn_separable(mass_x: Tensor, mass_y: Tensor, epsilon: float = 0.01, iterations: int = 5) -> Tensor:
    """`sinkhorn` with squared Euclidean cost: log-sum-exp over rows, then over columns; float32, masses positive."""
    log_x, log_y = ((mass / mass.sum((1, 2), keepdim=True)).log() for mass in (mass_x, mass_y))
    distances = []
    for side in mass_x.shape[1:]:
        points = torch.arange(side, dtype=mass_x.dtype, device=mass_x.device) / side
        distances.append((points[:, None] - points[None]).square())
    rows, columns = distances

    def log_sums(potential: Tensor, by_row: Tensor, by_column: Tensor) -> Tensor:
        """log Σ_j exp(potential_j + by_row_ij + by_column_ij) for every pixel i."""
        inner = (potential[:, :, None, :] + by_column).logsumexp(-1)
        return (inner[:, None] + by_row[:, :, None]).logsumexp(2)

    kernel = (-rows / epsilon, -columns / epsilon)
    g = torch.zeros_like(log_y)
    for _ in range(iterations):
        f = log_x - log_sums(g, *kernel)
        g = log_y - log_sums(f, *kernel)
    down = log_sums(g, kernel[0] + rows.log(), kernel[1])
    along = log_sums(g, kernel[0], kernel[1] + columns.log())
    return ((f + down).exp() + (f + along).exp()).sum((1, 2))
