"""The way a painter's strokes run over a photo, and strokes of noise that run that way."""

from __future__ import annotations

import torch
from torch import Tensor

from neuralpaint.guides.tangents import structure_tensor, tangent_field
from neuralpaint.guides.touch import Touch, directions, places, sample
from neuralpaint.guides.views import small_view
from neuralpaint.images.resample import box_blur, resize

_STYLE_SIZE = 96  # pixels along the shorter side at which a picture's directions are seen
_EDGE = 4e-3  # squared gradient at which a photo's own direction has half of the weight
_REACH = 0.02  # how far around an edge it has, in units
_HUE = 0.7  # of the noise: that of each colour beside that of brightness


def edge_weight(photo: Tensor) -> Tensor:
    """How much the edges of a photo `[3, H, W]` count at each place: `[H, W]`, from 0, far from any, to 1."""
    energy = box_blur(structure_tensor(photo)[:2].sum(0, keepdim=True), max(1, round(_REACH * min(photo.shape[1:]))))[0]
    return energy / (energy + _EDGE)


def flow_field(photo: Tensor, picture: Tensor) -> Tensor:
    """(cos 2φ, sin 2φ) `[2, H, W]` of the directions in which the painter of `picture` `[3, h, w]` would draw strokes
    over a photo `[3, H, W]`: along its edges, and where it has none as they run at that place of the picture."""
    weight = edge_weight(photo)
    height, width = photo.shape[1:]
    own = _unit(tangent_field(photo))
    other = _unit(resize(tangent_field(small_view(picture, _STYLE_SIZE), 3), height, width))
    return _unit(weight * own + (1 - weight) * other)


def dashes(field: Tensor, touch: Touch, seed: int = 0) -> Tensor:
    """Noise in strokes of that touch along a field `[2, H, W]`: `[3, H, W]`, of mean 0 and standard deviation 1.

    White noise is blurred to the strokes' width, and averaged over their length along the lines of the field, which is
    line integral convolution: Cabral and Leedom, "Imaging vector fields using line integral convolution", 1993.
    """
    height, width = field.shape[1:]
    size = min(height, width)
    generator = torch.Generator("cpu").manual_seed(seed)
    noise = torch.randn(4, height, width, generator=generator, dtype=torch.float32, device="cpu")
    noise = box_blur(noise[:1] + _HUE * noise[1:], max(1, round(touch.width * size / 4)))
    right, up = directions(field)
    total = noise.clone()
    for way in (1.0, -1.0):
        total += _along(noise, right, -up, way, round(touch.length * size / 2))
    total -= total.mean((1, 2), keepdim=True)
    return total / total.std((1, 2), keepdim=True).clamp_min(1e-6)


def _along(noise: Tensor, right: Tensor, down: Tensor, way: float, steps: int) -> Tensor:
    """The sum of the noise over so many pixels along the field's lines."""
    vectors, total = torch.stack([right, down]), torch.zeros_like(noise)
    x, y = places(*right.shape)
    go_x, go_y = right * way, down * way
    for _ in range(steps):
        x, y = x + go_x, y + go_y
        total += sample(noise, x, y)
        next_x, next_y = sample(vectors, x, y)
        # The field has directions without a sense: keep to the one so far.
        sense = torch.where(next_x * go_x + next_y * go_y < 0, -1.0, 1.0)
        length = torch.hypot(next_x, next_y).clamp_min(1e-3)
        go_x, go_y = sense * next_x / length, sense * next_y / length
    return total


def _unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.norm(dim=0, keepdim=True).clamp_min(1e-3)
