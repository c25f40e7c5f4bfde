"""The way that strokes run in a photo: along its edges, and in between as the edges around suggest (what Kang, Lee &
Chui, "Coherent line drawing", 2007, call the edge tangent flow)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.images.resample import box_blur

_FAINTER = 0.3  # the weight of a scale, of that of the next finer one
_NOISE = 2e-5  # squared gradient that says nothing: of a step of 1/255 a pixel


def structure_tensor(photo: Tensor) -> Tensor:
    """The products of the derivatives of a photo `[3, H, W]`, summed over its colours: xx, yy, xy `[3, H, W]`, y
    pointing up (Di Zenzo, "A note on the gradient of a multi-image", 1986)."""
    padded = F.pad(photo[None], (1, 1, 1, 1), mode="replicate")[0]
    dx = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    dy = padded[:, :-2, 1:-1] - padded[:, 2:, 1:-1]
    return torch.stack([(dx * dx).sum(0), (dy * dy).sum(0), (dx * dy).sum(0)])


def tangent_field(photo: Tensor, radius: int = 5) -> Tensor:
    """The direction φ in which strokes run at each pixel of a photo `[3, H, W]`, as (cos 2φ, sin 2φ) `[2, H, W]`.

    φ is an angle counter-clockwise as seen, along which the photo changes least. Blurs of the structure tensor over
    `radius` pixels, twice, four times as many … are added up, each with a small part of the weight of the one before:
    where there are edges, these decide, and directions spread from there into the flat regions between.

    The vector is of length 1 where the photo has one direction, and shorter where several meet or there is none.
    """
    tensor = structure_tensor(photo)
    height, width = photo.shape[1:]
    total, weight = torch.zeros_like(tensor), 1.0
    while True:
        total = total + weight * box_blur(tensor, radius)
        radius, weight = 2 * radius, weight * _FAINTER
        if radius >= min(height, width) // 2:
            break
    xx, yy, xy = total
    vector = torch.stack([yy - xx, -2 * xy])  # edges run across the gradient
    return vector / (xx + yy + _NOISE * _FAINTER**4)
