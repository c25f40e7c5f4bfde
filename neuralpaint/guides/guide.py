"""What a search follows besides the photo's colours: how much each place counts, and which way strokes run there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.guides.detail import detail_of_mask, detail_of_photo, read_mask
from neuralpaint.guides.faces import find_faces
from neuralpaint.guides.tangents import tangent_field
from neuralpaint.guides.touch import Touch
from neuralpaint.guides.views import small_view
from neuralpaint.images.io import ImageLike

DETAIL_SIZE, TANGENT_SIZE = 256, 128  # pixels along the shorter side of the maps


Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in fractions of a canvas."""


@dataclass(frozen=True)
class Guide:
    """Small maps of a whole photo, on the CPU.

    Attributes:
        detail: `[h, w]`, above 0, of mean 1: how much a place counts. None: all places count the same.
        tangents: `[2, h, w]`, as `tangent_field` gives them; None: strokes run as the photo's own edges do.
        faces: where faces are.
        touch: how large strokes are at last, and how slender; None: as the search chooses.
    """

    detail: Tensor | None = None
    tangents: Tensor | None = None
    faces: tuple[Box, ...] = ()
    touch: Touch | None = None

    @property
    def maps(self) -> list[Tensor]:
        """Those that there are."""
        return [part for part in (self.detail, self.tangents) if part is not None]

    def weight(self, height: int, width: int, box: Box = (0, 0, 1, 1), device: str = "cpu") -> Tensor | None:
        """`detail` over a part of the canvas, `[1, 1, height, width]`.

        Args:
            box: left, top, right, bottom of the part, in fractions of the canvas.
        """
        if self.detail is None:
            return None
        left, top, right, bottom = box
        x = left + (right - left) * (torch.arange(width, dtype=torch.float32, device="cpu") + 0.5) / width
        y = top + (bottom - top) * (torch.arange(height, dtype=torch.float32, device="cpu") + 0.5) / height
        grid = torch.stack([x[None, :].expand(height, -1), y[:, None].expand(-1, width)], -1) * 2 - 1
        found = F.grid_sample(self.detail[None, None], grid[None], padding_mode="border", align_corners=False)
        return found.to(device)

    def sizes_at(self, x: Tensor, y: Tensor) -> Tensor:
        """How large new strokes are at places `[N]`, in fractions of the canvas, of what they are elsewhere: `[N]`."""
        if self.detail is None:
            return torch.ones_like(x)
        return _at(self.detail[None], x, y)[0].pow(_SIZES).clamp(*_LIMITS)

    def tangents_at(self, x: Tensor, y: Tensor) -> Tensor | None:
        """`tangents` at places `[N]`, in fractions of the canvas: `[2, N]`."""
        return None if self.tangents is None else _at(self.tangents, x, y)


NO_GUIDE = Guide()
"""All places count the same, and strokes run as the photo's own edges do."""

_SIZES = -0.5  # strokes' area is inversely proportional to how much a place counts
_LIMITS = (0.3, 1.25)


def _at(maps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    height, width = maps.shape[1:]
    column = (x.cpu() * width).long().clamp(0, width - 1)
    row = (y.cpu() * height).long().clamp(0, height - 1)
    return maps[:, row, column].to(x.device)


def named_detail(detail: ImageLike | None) -> ImageLike | None:
    """`detail` as `make_guide` takes it, with its words as people write them: "auto", and "none" for None."""
    word = detail.strip().lower() if isinstance(detail, str) else ""
    if word == "none":
        return None
    return word if word == "auto" else detail


def make_guide(photo: Tensor, detail: ImageLike | None = "auto", follow: bool = True) -> Guide:
    """The guide of a photo `[3, H, W]`, float or uint8.

    Args:
        detail: a grey picture of how much places count, resized to the photo; "auto": found in the photo (see
            `detail_of_photo`); None or "none": all count the same.
        follow: whether it has tangents.

    Raises:
        ValueError: the picture cannot be read, is all black, or is no map of detail otherwise.
    """
    small = small_view(photo, DETAIL_SIZE)
    tangents = tangent_field(small_view(small, TANGENT_SIZE)) if follow else None
    detail = named_detail(detail)
    if detail is None:
        return Guide(None, tangents)
    if isinstance(detail, str) and detail == "auto":
        faces = find_faces(photo)
        return Guide(detail_of_photo(small, faces), tangents, tuple(face.box for face in faces))
    mask = read_mask(detail, photo.shape[2] / photo.shape[1])
    return Guide(detail_of_mask(mask, *small.shape[1:]), tangents)
