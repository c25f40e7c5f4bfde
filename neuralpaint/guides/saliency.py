"""Where people look in a photo, from the photo itself."""

from __future__ import annotations

import torch
from torch import Tensor

from neuralpaint.images.oklab import to_oklab
from neuralpaint.images.resample import box_blur, resize

_SIZE = 96  # pixels along the shorter side that it looks at
_RINGS = (1 / 32, 1 / 16, 1 / 8)  # radii of the centre, of the shorter side; of the surround four times as much
_RIM = 1 / 24  # width of the border, of the shorter side
_CENTRE = 0.35  # how much less the corners count


def saliency(photo: Tensor) -> Tensor:
    """How much the places of a photo `[3, H, W]` stand out: `[H, W]`, from 0 to 1.

    The mean of two things, both distances of colours in OKLab: between a place and its surroundings at three scales
    (Itti, Koch & Niebur, "A model of saliency-based visual attention", 1998, §2), and from the colours at the border of
    the photo, which belong to the background more often than not (Wei et al., "Geodesic saliency using background
    priors", 2012). Places at the edge of the photo count a little less.
    """
    full = photo.shape[1:]
    factor = min(1.0, _SIZE / min(full))
    photo = resize(photo.cpu().float(), max(1, round(full[0] * factor)), max(1, round(full[1] * factor)))
    height, width = photo.shape[1:]
    shorter = min(height, width)
    lab = torch.from_numpy(to_oklab(photo.permute(1, 2, 0).numpy())).permute(2, 0, 1).float().contiguous()
    rings = [
        (box_blur(lab, max(1, round(r * shorter))) - box_blur(lab, max(2, round(4 * r * shorter)))).norm(dim=0)
        for r in _RINGS
    ]
    local = _spread(sum(map(_spread, rings), torch.zeros_like(rings[0])))
    apart = _spread(_from_border(lab, max(1, round(_RIM * shorter))))
    y, x = (torch.linspace(-1, 1, n, dtype=torch.float32, device="cpu") for n in (height, width))
    near = 1 - _CENTRE * (x[None, :].square() + y[:, None].square()) / 2
    found = box_blur(((local + apart) * near)[None], max(1, shorter // 24))
    return resize(_spread(found), *full)[0].clamp(0, 1)


def _from_border(lab: Tensor, rim: int) -> Tensor:
    """The distance of each pixel from the nearest of the typical colours of the four sides."""
    smooth = box_blur(lab, rim)
    sides = [smooth[:, :rim], smooth[:, -rim:], smooth[:, :, :rim], smooth[:, :, -rim:]]
    colors = torch.cat([part.mean(1 if k < 2 else 2)[:, :: 4 * rim] for k, part in enumerate(sides)], 1)
    distances = (smooth[:, None] - colors[:, :, None, None]).norm(dim=0)
    return distances.topk(min(3, len(distances)), dim=0, largest=False).values.mean(0)


def _spread(values: Tensor) -> Tensor:
    """From 0 at the 5 % that are lowest to 1 at the 2 % that are highest."""
    flat = values.flatten()
    low, high = flat.quantile(0.05), flat.quantile(0.98)
    return ((values - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)
