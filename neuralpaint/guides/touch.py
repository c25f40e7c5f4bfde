"""How long and how wide the strokes of a picture are, by how far it resembles itself along its edges and across."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.guides.tangents import structure_tensor
from neuralpaint.guides.views import small_view
from neuralpaint.images.resample import box_blur

_SIZE = 192  # pixels along the shorter side at which a picture is measured
_HALF = 0.5  # of the variogram's sill
_STROKE = 3.0  # of the distance at which the variogram is half as high as it gets
_LONGEST, _THINNEST = 0.25, 0.008  # units
_WEAK = 1e-5  # squared gradient that says nothing


@dataclass(frozen=True)
class Touch:
    """The size of strokes, in units of a canvas's shorter side.

    Attributes:
        length, width: above 0, length ≥ width.
    """

    length: float
    width: float

    @property
    def aspect(self) -> float:
        """Length by width, ≥ 1."""
        return self.length / self.width

    def covering(self, area: float, count: int) -> Touch:
        """The touch, enlarged if it must be so that `count` strokes cover `area` units²."""
        factor = max(1.0, (area / count / (self.length * self.width)) ** 0.5)
        return Touch(self.length * factor, self.width * factor)


def measure_touch(picture: Tensor) -> Touch:
    """The touch of a picture `[3, H, W]`, float in [0, 1].

    The variogram, the mean squared difference of colours at a distance, is taken along the edges and across them,
    weighted by how clear they are. It rises to twice the variance, and is half as high at a third of a stripe's width
    if brightness is a sine across; a stroke is thus taken to be three times as long and wide as these distances.

    Reference for the variogram: Matheron, "Principles of geostatistics", 1963.
    """
    small = small_view(picture, _SIZE)
    size = min(small.shape[1:])
    xx, yy, xy = box_blur(structure_tensor(small), 2)
    vector = torch.stack([yy - xx, -2 * xy])
    weight = vector.norm(dim=0) / (xx + yy + _WEAK).sqrt()
    weight = weight / weight.sum().clamp_min(1e-12)
    cos, sin = directions(vector)
    high = small - box_blur(small, max(1, size // 8))
    sill = 2 * float((weight * high.square().sum(0)).sum())
    along = _rise(high, cos, -sin, weight, sill)
    across = _rise(high, sin, cos, weight, sill)
    width = min(max(_STROKE * across / size, _THINNEST), _LONGEST)
    return Touch(max(min(_STROKE * along / size, _LONGEST), width), width)


def directions(vector: Tensor) -> tuple[Tensor, Tensor]:
    """cos φ and sin φ `[H, W]` of (cos 2φ, sin 2φ) `[2, H, W]` of any length, φ in (−90°, 90°]."""
    angle = 0.5 * torch.atan2(vector[1], vector[0])
    return torch.cos(angle), torch.sin(angle)


def sample(maps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Maps `[C, H, W]` at places in pixels `[h, w]`, between pixels linearly, mirrored at the borders: `[C, h, w]`."""
    height, width = maps.shape[1:]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    return F.grid_sample(maps[None], grid[None], padding_mode="reflection", align_corners=False)[0]


def places(height: int, width: int) -> tuple[Tensor, Tensor]:
    """x and y of the pixels, `[H, W]` each."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32, device="cpu") for n in (height, width)), indexing="ij")
    return x, y


def _rise(picture: Tensor, right: Tensor, down: Tensor, weight: Tensor, sill: float) -> float:
    """The distance in pixels, in a direction, at which the variogram reaches half of `sill`."""
    height, width = picture.shape[1:]
    x, y = places(height, width)
    last, before = max(2, min(height, width) // 6), 0.0
    for distance in range(1, last):
        difference = sample(picture, x + distance * right, y + distance * down) - picture
        value = float((weight * difference.square().sum(0)).sum()) / max(sill, 1e-12)
        if value >= _HALF:
            return distance - 1 + (_HALF - before) / max(value - before, 1e-6)
        before = value
    return float(last)
