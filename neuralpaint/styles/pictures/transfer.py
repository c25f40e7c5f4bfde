"""Transfers the style of pictures to a photo: coarse to fine over scales, deep to shallow over levels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.images.resample import resize
from neuralpaint.styles.pictures.gaussian import Gaussian, affine_map
from neuralpaint.styles.pictures.network import PictureStyleNetwork
from neuralpaint.styles.pictures.style import EVERYWHERE, Statistics, measure, mixed, regional, shares
from neuralpaint.styles.pictures.tiles import Tile, TiledCoder, padded

COARSEST = 128
"""Pixels that the shorter side of the coarsest scale has at least, if the photo has them."""


@dataclass(frozen=True)
class Blend:
    """How far each step of the transfer goes.

    Attributes:
        method: how statistics are matched: see `gaussian.affine_map`.
        levels: share of the mapped features by level, 0 to 1; the rest stay the photo's. Level 3 carries motifs,
            level 1 colours.
        grain: standard deviation of the noise that is added to the photo at each scale. The maps turn it into the
            pictures' texture, which smooth places would otherwise lack.
        coarse: factor of these shares and of the noise at all scales but the finest; large forms stay the photo's.
        residual: share that is added, after each level, of what its decoder loses of a picture.
        detail: share of the photo's own detail that is added when a coarser result is enlarged, 0 to 1.
    """

    method: str = "transport"
    levels: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({3: 1.0, 2: 1.0, 1: 1.0}))
    coarse: float = 0.25
    residual: float = 0.25
    detail: float = 1.0
    grain: float = 0.06


@dataclass(frozen=True)
class StylePicture:
    """A picture `[3, H, W]` in [0, 1] whose style is taken; labels int64 `[H, W]` of its regions, or None."""

    picture: Tensor
    labels: Tensor | None = None


@torch.inference_mode()
def transfer(
    network: PictureStyleNetwork,
    photo: Tensor,
    styles: Sequence[StylePicture],
    weights: Sequence[float],
    *,
    labels: Tensor | None = None,
    blend: Blend | None = None,
    side: int = 1024,
    progress: Callable[[float], None] | None = None,
) -> Tensor:
    """Transfers the style of one or several pictures.

    At each scale, the photo's features are mapped to the statistics of the pictures' features: level 3, then 2, then 1,
    with a decoder after each. Statistics are those of whole pictures, so tiles leave no seams.

    Args:
        photo: `[1, 3, H, W]` in [0, 1].
        styles, weights: the pictures and the weight of each, which sum to 1.
        labels: int64 `[H, W]`: each region takes the style of the regions with the same label; one without any stays
            as it is.
        side: of a tile, in pixels.
        progress: called with the fraction done.

    Returns:
        `[1, 3, H, W]` in [0, 1].
    """
    blend = blend or Blend()
    sizes = scale_sizes(*photo.shape[2:])
    done, total = 0.0, sum(h * w for h, w in sizes)
    current: Tensor | None = None
    for k, size in enumerate(sizes):
        content = resize(photo, *size)
        picture = content
        if current is not None:
            coarse = resize(resize(photo, *sizes[k - 1]), *size)
            picture = (resize(current, *size) + blend.detail * (content - coarse)).clamp_(0, 1)
        factor = blend.coarse if k < len(sizes) - 1 else 1.0
        if blend.grain:
            picture = (picture + factor * blend.grain * _noise(size).to(picture)).clamp_(0, 1)
        wanted = _style_at(network, styles, weights, size, tuple(blend.levels), side)
        there = None if labels is None else _nearest(labels, size)
        current = match_levels(network, picture, wanted, there, blend, factor, side)
        done += size[0] * size[1]
        if progress is not None:
            progress(done / total)
    assert current is not None
    if labels is not None:
        known = torch.cat([style.labels.unique() for style in styles if style.labels is not None])
        current = torch.where(torch.isin(labels, known), current, photo)
    return current


def match_levels(
    network: PictureStyleNetwork,
    picture: Tensor,
    wanted: Statistics,
    labels: Tensor | None,
    blend: Blend,
    factor: float,
    side: int,
) -> Tensor:
    """A picture `[1, 3, H, W]` whose features have the wanted statistics, level by level, to a factor of the shares."""
    height, width = picture.shape[2:]
    for level, full in blend.levels.items():
        share = factor * full
        if share == 0:
            continue
        coder = TiledCoder(network, padded(picture), level, side)
        maps = _maps(regional(coder, labels, level), wanted[level], blend.method, share, picture)
        weights = None if labels is None else shares(labels, coder.picture.shape[2:], level)
        if maps:
            picture = coder.decode(partial(_apply, maps, weights), blend.residual)
            picture = picture[:, :, :height, :width]
    return picture


def scale_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of each scale, coarsest first: halves, while the shorter side has `COARSEST` pixels."""
    count = max(0, int(math.log2(max(1.0, min(height, width) / COARSEST))))
    return [(max(1, round(height / 2**k)), max(1, round(width / 2**k))) for k in range(count, -1, -1)]


def _style_at(
    network: PictureStyleNetwork,
    styles: Sequence[StylePicture],
    weights: Sequence[float],
    size: tuple[int, int],
    levels: tuple[int, ...],
    side: int,
) -> Statistics:
    """The statistics of the pictures, reduced to about the area of a scale."""
    found = []
    for style in styles:
        height, width = style.picture.shape[1:]
        factor = min(1.0, (size[0] * size[1] / (height * width)) ** 0.5)
        reduced = (max(8, round(height * factor)), max(8, round(width * factor)))
        labels = None if style.labels is None else _nearest(style.labels, reduced)
        found.append(measure(network, resize(style.picture[None], *reduced), labels, side, levels))
    return mixed(found, weights)


def _noise(size: tuple[int, int]) -> Tensor:
    """Normal noise `[1, 1, H, W]`, the same for the same size."""
    return torch.randn(1, 1, *size, generator=torch.Generator("cpu").manual_seed(0))


def _maps(
    have: Mapping[int, Gaussian], wanted: Mapping[int, Gaussian], method: str, share: float, like: Tensor
) -> dict[int, tuple[Tensor, Tensor]]:
    """The map of each region that has a partner, blended with the identity: (matrix as a 1×1 filter, shift)."""
    maps = {}
    for label in sorted(have.keys() & wanted.keys()):
        matrix, shift = affine_map(have[label], wanted[label], method)
        matrix = share * matrix + (1 - share) * torch.eye(len(matrix), dtype=matrix.dtype)
        maps[label] = (matrix[:, :, None, None].to(like), (share * shift).to(like))
    return maps


def _apply(
    maps: Mapping[int, tuple[Tensor, Tensor]], weights: Mapping[int, Tensor] | None, features: Tensor, tile: Tile
) -> Tensor:
    if weights is None:
        return F.conv2d(features, *maps[EVERYWHERE])
    top, bottom, left, right = tile
    result = features
    for label, (matrix, shift) in maps.items():
        weight = weights[label][:, :, top:bottom, left:right]
        if bool(weight.any()):
            result = result + weight * (F.conv2d(features, matrix, shift) - features)
    return result


def _nearest(labels: Tensor, size: tuple[int, int]) -> Tensor:
    """Labels `[H, W]` at another size, without new ones in between."""
    if tuple(labels.shape) == size:
        return labels
    rows, columns = (
        ((torch.arange(to, device=labels.device) * 2 + 1) * side // (2 * to))
        for side, to in zip(labels.shape, size, strict=True)
    )
    return labels[rows][:, columns]
