"""Plain-torch truth for `sinkhorn`, with the n×n cost matrix: differentiable by autograd, arguments unchecked."""

from __future__ import annotations

import torch
from torch import Tensor


def cost_matrix(height: int, width: int, cost: str = "sqeuclidean", device: torch.device | None = None) -> Tensor:
    """Costs between all pixels `[h·w, h·w]` in float64, pixel (i, j) at (i/h, j/w)."""
    rows = torch.arange(height, dtype=torch.float64, device=device) / height
    columns = torch.arange(width, dtype=torch.float64, device=device) / width
    points = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    squared = (points[:, None] - points[None]).square().sum(-1)
    return squared if cost == "sqeuclidean" else squared.sqrt()


def sinkhorn(
    mass_x: Tensor, mass_y: Tensor, epsilon: float = 0.01, iterations: int = 5, cost: str = "sqeuclidean"
) -> Tensor:
    """Costs `[B]` for masses `[B, h, w]`, as in `neuralpaint.ops.sinkhorn`, computed in float64.

    The logarithm of a mass is never formed, only that of a kernel sum: the scaling exp(F) is the mass times exp(−log
    Σ), so that values and derivatives are right where a mass is zero.
    """
    distances = cost_matrix(mass_x.shape[1], mass_x.shape[2], cost, mass_x.device)
    mu, nu = (mass.double().flatten(1) / mass.double().sum((1, 2))[:, None] for mass in (mass_x, mass_y))

    def kernel_sum(mass: Tensor, potential: Tensor) -> Tensor:
        """−log Σ_j mass_j exp(potential_j − C_ij/ε), shifted by the largest exponent of a pixel with mass."""
        exponents = potential[:, None, :] - distances / epsilon
        shift = exponents.masked_fill((mass == 0)[:, None, :], -torch.inf).amax(-1, keepdim=True).detach()
        return -(shift[..., 0] + (mass[:, None, :] * (exponents - shift).exp()).sum(-1).log())

    by_y = torch.zeros_like(nu)  # G = log ν + by_y, but for the start, which is G = 0
    weights = torch.ones_like(nu)
    for _ in range(iterations):
        by_x = kernel_sum(weights, by_y)
        by_y = kernel_sum(mu, by_x)
        weights = nu
    plan = (by_x[:, :, None] + by_y[:, None, :] - distances / epsilon).exp() * mu[:, :, None] * nu[:, None, :]
    return (plan * distances).sum((1, 2))
