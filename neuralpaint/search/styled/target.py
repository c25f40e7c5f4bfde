"""What is to be painted in the style of a picture: the photo restyled, and how strokes run and how large they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neuralpaint.guides.flow import dashes, edge_weight, flow_field
from neuralpaint.guides.guide import TANGENT_SIZE, Guide, make_guide
from neuralpaint.guides.tangents import tangent_field
from neuralpaint.guides.touch import Touch, measure_touch
from neuralpaint.guides.views import small_view
from neuralpaint.images.color_map import SAMPLES, ColorMap
from neuralpaint.images.io import ImageLike
from neuralpaint.images.resample import resize
from neuralpaint.losses.style import Mode
from neuralpaint.styles.pictures.pretrained import load_picture_network
from neuralpaint.styles.pictures.tiles import tile_side
from neuralpaint.styles.pictures.transfer import Blend, StylePicture, transfer
from neuralpaint.styles.stylize import MEMORY

_FLOW_SIZE = 384  # pixels along the shorter side at which strokes of noise are drawn
_RANGE = 0.8  # of the photo's contrast: leaves room for the noise at black and white
_NOISE = 0.17  # its standard deviation, where the photo has no edges
_KEPT = 0.7  # by how much it is less at clear edges
_GRAIN = 0.02  # of `transfer`; strokes of noise take its place
_CHUNK = 1 << 18  # pixels whose colours are moved at once: bounds memory use


@dataclass(frozen=True)
class StyleTarget:
    """A photo restyled for painting.

    Attributes:
        picture: `[3, H, W]` float in [0, 1] on the CPU: what the strokes should show.
        colors: sRGB `[N, 3]` of the painting whose style it is.
        touch: the strokes' size, or None: as the search chooses.
        tangents: see `Guide`, or None: the photo's.
    """

    picture: Tensor
    colors: np.ndarray
    touch: Touch | None = None
    tangents: Tensor | None = None

    def guide(self, photo_guide: Guide) -> Guide:
        """The photo's guide with this touch and these tangents."""
        tangents = photo_guide.tangents if self.tangents is None else self.tangents
        return Guide(photo_guide.detail, tangents, photo_guide.faces, self.touch)


@torch.no_grad()
def style_target(
    photo: Tensor,
    painting: Tensor,
    count: int,
    *,
    mode: Mode = "color+texture",
    strength: float = 1.0,
    detail: Tensor | None = None,
    seed: int = 0,
) -> StyleTarget:
    """The target of `count` strokes that show a photo as the painter of `painting` would.

    In mode "color" the photo takes the painting's colours by optimal transport, and nothing else changes. In mode
    "color+texture", noise in strokes of the painting's touch is laid over the photo, along its edges and where it has
    none as strokes run in the painting; `transfer` then gives it the painting's features, and transport its colours.

    Args:
        photo: `[3, H, W]` float in [0, 1] on the CPU.
        painting: `[3, h, w]`.
        strength: 0, the photo, to 1.
        detail: `[h, w]` of mean 1, where the photo matters; there is less noise there.
        seed: of the noise.
    """
    colors = _pixels(painting)
    if mode == "color":
        return StyleTarget(_mixed(photo, _recolored(photo, ColorMap(_pixels(photo), colors)), strength), colors)
    height, width = photo.shape[1:]
    size = min(height, width)
    touch = measure_touch(painting).covering(height * width / size**2, count)
    small = small_view(photo, _FLOW_SIZE)
    field = flow_field(small, painting)
    noise = _NOISE * (1 - _KEPT * edge_weight(small)) * dashes(field, touch, seed)
    if detail is not None:
        noise /= resize(detail[None], *small.shape[1:]).clamp_min(1.0).square()
    grained = (0.5 + _RANGE * (photo - 0.5) + resize(noise, height, width)).clamp_(0, 1)
    chosen = [StylePicture(painting)]
    side = tile_side(MEMORY)
    styled = transfer(load_picture_network(), grained[None], chosen, [1.0], blend=Blend(grain=_GRAIN), side=side)[
        0
    ].clone()
    picture = _mixed(photo, _recolored(styled, ColorMap(_pixels(styled), colors)), strength)
    seen = small_view(picture, TANGENT_SIZE)
    tangents = (tangent_field(seen) + resize(field, *seen.shape[1:])) / 2
    return StyleTarget(picture, colors, touch, tangents)


def stylized_guide(photo: Tensor, stylized: Tensor, detail: ImageLike | None = "auto") -> Guide:
    """The guide of a photo `[3, H, W]` that a network has stylized: detail where the photo has it, and strokes that run
    as in the stylized picture, as slender as there.

    Args:
        detail: as in `make_guide`, which this may raise the errors of.
    """
    found = make_guide(photo, detail, follow=False)
    tangents = tangent_field(small_view(stylized, TANGENT_SIZE))
    return Guide(found.detail, tangents, found.faces, measure_touch(stylized))


def _mixed(photo: Tensor, styled: Tensor, strength: float) -> Tensor:
    return styled if strength == 1 else photo + strength * (styled - photo)


def _pixels(picture: Tensor) -> np.ndarray:
    """Its colours `[N, 3]`, about as many as are enough."""
    step = max(1, int((picture[0].numel() / SAMPLES) ** 0.5))
    return picture[:, ::step, ::step].flatten(1).T.double().cpu().numpy()


def _recolored(picture: Tensor, color_map: ColorMap) -> Tensor:
    flat = picture.flatten(1).T
    moved = [torch.from_numpy(color_map(part.numpy())).to(picture) for part in flat.split(_CHUNK)]
    return torch.cat(moved).T.reshape(picture.shape).contiguous()
