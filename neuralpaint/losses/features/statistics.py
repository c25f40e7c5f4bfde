"""Statistics of features, whose differences are a distance of styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from neuralpaint.losses.features.gram import gram

Statistics = Literal["covariance", "gram"]
STATISTICS: tuple[Statistics, ...] = ("covariance", "gram")

_LEAST = 1e-12


def check_statistics(kind: str, name: str = "statistics") -> Statistics:
    """Returns the kind of statistics. ValueError if it is unknown."""
    for known in STATISTICS:
        if kind == known:
            return known
    raise ValueError(f"{name} must be one of {', '.join(map(repr, STATISTICS))}, got {kind!r}")


def statistics(features: Tensor, kind: Statistics) -> list[Tensor]:
    """Statistics over all positions of features `[B, C, h, w]`.

    Returns:
        For "gram" the Gram matrices `[B, C, C]`; for "covariance" the covariances `[B, C, C]` and the means `[B, C]`.

    References:
        Gram matrices: Gatys et al., "Image style transfer using convolutional neural networks", CVPR 2016, equation 3.
        Means and covariances: Li et al., "Universal style transfer via feature transforms", NeurIPS 2017.
    """
    if kind == "gram":
        return [gram(features)]
    mean = features.mean((2, 3), keepdim=True)
    return [gram(features - mean), mean[:, :, 0, 0]]


def style_difference(found: Sequence[Tensor], wanted: Sequence[Tensor], kind: Statistics) -> Tensor:
    """Distance `[B]` of statistics from those of a painting, which are `[B, …]` or `[1, …]`; 0 if they agree.

    For Gram matrices |G − A|² / |A|². For means m and covariances S: |S − T|² / |T|² + |m − n|² / tr T, so that a shift
    of a feature counts by how much the painting itself varies. Gram matrices hold both in one number, in which the
    means outweigh what the features do around them: that is, colours outweigh the touch.
    """
    matrix, target = found[0], wanted[0]
    distance = (matrix - target).square().sum((1, 2)) / target.square().sum((1, 2)).clamp_min(_LEAST)
    if kind == "covariance":
        variance = target.diagonal(dim1=1, dim2=2).sum(1).clamp_min(_LEAST)
        distance = distance + (found[1] - wanted[1]).square().sum(1) / variance
    return distance
