"""Features as Gaussians: their mean and covariance, maps between two of them, and the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

METHODS = ("transport", "whitening", "moments")
"""How one Gaussian is mapped to another: see `affine_map`."""
_FLOOR = 1e-5  # added to variances, as a share of their mean: keeps roots of singular covariances finite
_ROUNDS = 20  # of the fixed point for barycentres, which has converged to 1e-6 long before


@dataclass(frozen=True)
class Gaussian:
    """Mean `[C]` and covariance `[C, C]` of features, float64 on the CPU."""

    mean: Tensor
    covariance: Tensor

    @property
    def variance(self) -> float:
        """The mean variance of a channel."""
        return float(self.covariance.diagonal().mean())


class Moments:
    """Collects the Gaussian of features that come in pieces.

    Each piece is summed around the mean of the first, in float32 for its products and in float64 across pieces, which
    avoids the cancellation of E[x²] − E[x]².
    """

    def __init__(self) -> None:
        self.count = 0.0
        self._origin: Tensor | None = None
        self._sum: Tensor | None = None
        self._products: Tensor | None = None

    def add(self, features: Tensor, weights: Tensor | None = None) -> None:
        """Adds features `[1, C, h, w]`, each with its weight, `[1, 1, h, w]` ≥ 0, if given."""
        rows = features[0].flatten(1)
        if self._origin is None:
            self._origin = rows.mean(1, keepdim=True)
        rows = rows - self._origin
        weighted = rows if weights is None else rows * weights.reshape(1, -1)
        self.count += rows.shape[1] if weights is None else float(weights.sum(dtype=torch.float64))
        total = weighted.sum(1, dtype=torch.float64).cpu()
        products = (weighted @ rows.T).to("cpu", torch.float64)
        self._sum = total if self._sum is None else self._sum + total
        self._products = products if self._products is None else self._products + products

    def gaussian(self) -> Gaussian:
        """The Gaussian of all that was added. ValueError if that was nothing."""
        if self._origin is None or self._sum is None or self._products is None or self.count <= 0:
            raise ValueError("no features were added")
        shift = self._sum / self.count
        covariance = self._products / self.count - shift[:, None] * shift
        return Gaussian(self._origin[:, 0].to("cpu", torch.float64) + shift, (covariance + covariance.T) / 2)


def affine_map(source: Gaussian, target: Gaussian, method: str = "transport") -> tuple[Tensor, Tensor]:
    """The map x → A·x + b after which features of `source` have the statistics of `target`.

    Args:
        method: "transport": the optimal transport between Gaussians, which moves features least; covariances agree.
            "whitening": decorrelates, then correlates anew: covariances agree. "moments": scales each channel: means
            and variances agree.

    Returns:
        A `[C, C]` and b `[C]`, float64.

    References:
        Transport: Dowson and Landau, "The Fréchet distance between multivariate normal distributions", 1982: A =
        S^-½ (S^½ T S^½)^½ S^-½. Whitening: Li et al., "Universal style transfer via feature transforms", NeurIPS 2017.
        Moments: Huang and Belongie, "Arbitrary style transfer in real-time with adaptive instance normalization",
        ICCV 2017.
    """
    floor = _FLOOR * max(source.variance, 1e-12)
    before, after = (_raised(g.covariance, floor) for g in (source, target))
    if method == "moments":
        matrix = (after.diagonal() / before.diagonal()).sqrt().diag()
    else:
        root, inverse = _roots(before)
        if method == "whitening":
            matrix = _roots(after)[0] @ inverse
        elif method == "transport":
            matrix = inverse @ _roots(root @ after @ root)[0] @ inverse
        else:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    return matrix, target.mean - matrix @ source.mean


def barycentre(gaussians: Sequence[Gaussian], weights: Sequence[float]) -> Gaussian:
    """The Gaussian with the least weighted sum of squared transport distances to several.

    Args:
        weights: one each, ≥ 0, that sum to 1.

    Reference: Álvarez-Esteban et al., "A fixed-point approach to barycenters in Wasserstein space", 2016, equation 7.
    """
    pairs = [(g, w) for g, w in zip(gaussians, weights, strict=True) if w > 0]
    mean = torch.stack([w * g.mean for g, w in pairs]).sum(0)
    covariance = torch.stack([w * g.covariance for g, w in pairs]).sum(0)
    if len(pairs) > 1:
        floor = _FLOOR * max(g.variance for g, _ in pairs)
        each = [(_raised(g.covariance, floor), w) for g, w in pairs]
        for _ in range(_ROUNDS):
            root, inverse = _roots(_raised(covariance, floor))
            middle = torch.stack([w * _roots(root @ c @ root)[0] for c, w in each]).sum(0)
            new = inverse @ middle @ middle @ inverse
            done = float((new - covariance).norm() / new.norm()) < 1e-7
            covariance = (new + new.T) / 2
            if done:
                break
    return Gaussian(mean, covariance)


def _raised(covariance: Tensor, floor: float) -> Tensor:
    return covariance + floor * torch.eye(len(covariance), dtype=covariance.dtype)


def _roots(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Square root and its inverse of a symmetric, positive matrix."""
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    values = values.clamp_min(1e-9 * values[-1].clamp_min(1e-300)).sqrt()
    return (vectors * values) @ vectors.T, (vectors / values) @ vectors.T
