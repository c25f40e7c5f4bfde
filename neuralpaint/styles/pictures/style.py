"""The style of a picture, or of several: the Gaussians of its features, at each scale and level, of each region."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from neuralpaint.images.io import ImageLike, load_image
from neuralpaint.images.resample import area_pool, resize
from neuralpaint.images.streaming import open_photo
from neuralpaint.styles.pictures.gaussian import Gaussian, Moments, barycentre
from neuralpaint.styles.pictures.network import STRIDES, PictureStyleNetwork
from neuralpaint.styles.pictures.tiles import Tile, TiledCoder, divided, padded

SMALLEST = 32
"""Pixels that a style picture needs along each side."""
EVERYWHERE = 0
"""The label of a picture without regions."""
_WHOLE = 1 << 23  # pixels of a style picture, of which more are read in bands
_LEAST_CELLS = 16  # features in a region, fewer of which have no statistics worth the name
_PLAIN = (
    1e-5  # variance of colours, below which a picture is a single colour: a twentieth of a level of 8 bits, squared
)

Statistics = Mapping[int, Mapping[int, Gaussian]]
"""Gaussians by level, then by label."""


def measure(
    network: PictureStyleNetwork, picture: Tensor, labels: Tensor | None, side: int, levels: Sequence[int] = (1, 2, 3)
) -> dict[int, dict[int, Gaussian]]:
    """The Gaussians of a picture's features.

    Args:
        picture: `[1, 3, H, W]` in [0, 1].
        labels: int64 `[H, W]`, or None if all is one region.
        side: of a tile, in pixels.

    Returns:
        By level, then by label. Regions of too few features are left out.
    """
    coder = TiledCoder(network, padded(picture), max(levels), side)
    sums = {level: _Sums(labels, coder.picture.shape[2:], level) for level in levels}
    for tile, found in coder.all_features():
        for level, each in sums.items():
            each.add(divided(tile, STRIDES[level - 1]), found[level - 1])
    return {level: each.gaussians() for level, each in sums.items()}


def regional(coder: TiledCoder, labels: Tensor | None, level: int) -> dict[int, Gaussian]:
    """The Gaussian of each region of a picture on one level, by label; see `measure`."""
    sums = _Sums(labels, coder.picture.shape[2:], level)
    for tile, features in coder.features():
        sums.add(tile, features)
    return sums.gaussians()


class _Sums:
    """The moments of a level's features, for each region of a picture."""

    def __init__(self, labels: Tensor | None, size: Sequence[int], level: int) -> None:
        self.weights = None if labels is None else shares(labels, size, level)
        self.moments = {label: Moments() for label in ([EVERYWHERE] if self.weights is None else self.weights)}
        self.least = min(_LEAST_CELLS, size[0] * size[1] // STRIDES[level - 1] ** 2)

    def add(self, tile: Tile, features: Tensor) -> None:
        """Adds a tile's features; where they are is in units of features."""
        top, bottom, left, right = tile
        for label, each in self.moments.items():
            share = None if self.weights is None else self.weights[label][:, :, top:bottom, left:right]
            if share is None or bool(share.any()):
                each.add(features, share)

    def gaussians(self) -> dict[int, Gaussian]:
        """By label, without regions of too few features."""
        return {label: each.gaussian() for label, each in self.moments.items() if each.count >= self.least}


def shares(labels: Tensor, size: Sequence[int], level: int) -> dict[int, Tensor]:
    """The share of each label in each feature's square of pixels.

    Args:
        labels: int64 `[H, W]`; extended at the bottom and at the right to `size`, the size of the padded picture.

    Returns:
        `[1, 1, h, w]` by label; they sum to 1.
    """
    height, width = size
    rows = torch.arange(height, device=labels.device).clamp_max(labels.shape[0] - 1)
    columns = torch.arange(width, device=labels.device).clamp_max(labels.shape[1] - 1)
    full = labels[rows][:, columns]
    stride = STRIDES[level - 1]
    cells = (height // stride, width // stride)
    return {int(k): area_pool((full == k).float()[None, None], cells) for k in full.unique()}


def mixed(styles: Sequence[Statistics], weights: Sequence[float]) -> dict[int, dict[int, Gaussian]]:
    """The barycentre of several styles, level by level. A region's is that of the styles which have it."""
    found: dict[int, dict[int, Gaussian]] = {}
    for level in styles[0]:
        found[level] = {}
        for label in sorted({label for style in styles for label in style[level]}):
            having = [(s[level][label], w) for s, w in zip(styles, weights, strict=True) if label in s[level] and w > 0]
            total = sum(w for _, w in having)
            if total > 0:
                found[level][label] = barycentre([g for g, _ in having], [w / total for _, w in having])
    return found


def load_style_picture(
    image: ImageLike,
    *,
    most: int,
    name: str = "style_image",
    background: str | Sequence[float] = "white",
    device: torch.device | str = "cpu",
) -> tuple[Tensor, tuple[int, int]]:
    """(A style picture `[3, h, w]`, of at most about `most` pixels, but not below 64 along a side; its full size).

    Args:
        name: what messages call it, unless it has a path.

    Raises:
        ValueError: it cannot be read, is smaller than 32 pixels, or a single colour.
    """
    called = os.fspath(image) if isinstance(image, (str, os.PathLike)) else name
    large = open_photo(image, background, max(_WHOLE, most), name=str(called))
    if large is None:
        picture = load_image(image, device, background, name=str(called))
        height, width = picture.shape[1:]
    else:
        height, width = large.height, large.width
        picture = large.shrunk(round(min(height, width) * (max(_WHOLE, most) / (height * width)) ** 0.5))
        picture = picture.to(device).float() / 255
    check_style_picture(picture, str(called))
    factor = min(1.0, max((most / (height * width)) ** 0.5, 64 / min(height, width)))
    return resize(picture, round(height * factor), round(width * factor)), (height, width)


def check_style_picture(picture: Tensor, name: str) -> None:
    """Raises ValueError if a picture `[3, H, W]` has no style to take: too small, or a single colour."""
    height, width = picture.shape[1:]
    if min(height, width) < SMALLEST:
        raise ValueError(f"{name} is {width}x{height} pixels: a style picture needs {SMALLEST} along each side")
    if float(picture.flatten(1).var(1, correction=0).max()) < _PLAIN:
        raise ValueError(f"{name} is a single colour, which has no style to take: choose another picture")
