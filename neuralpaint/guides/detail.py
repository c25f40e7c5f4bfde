"""How much each place of a photo counts: faces most, then what stands out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from neuralpaint.guides.faces import Face
from neuralpaint.guides.saliency import saliency
from neuralpaint.images.io import ImageLike, load_image
from neuralpaint.images.resample import box_blur, resize

_SALIENT = 2.0  # what stands out counts by this much more than the rest
_FACE, _FEATURES = 9.0, 12.0  # and a face; and its eyes and mouth besides
_MASK = 9.0  # white in a mask, where black is 1
_COLORED = 0.06  # difference of channels from which on a mask is not grey
_ASPECT = 0.02  # difference of shape from which on a mask is stretched


def detail_of_mask(mask: Tensor, height: int, width: int) -> Tensor:
    """The detail that a mask `[H, W]` from 0 to 1 asks for: `[height, width]`, above 0, of mean 1, on the CPU."""
    wanted = 1 + (_MASK - 1) * resize(mask[None].cpu().float(), height, width)[0].clamp(0, 1)
    return wanted / wanted.mean()


def detail_of_photo(photo: Tensor, faces: Sequence[Face]) -> Tensor:
    """How much the places of a photo `[3, H, W]` with these faces count: `[H, W]`, above 0, of mean 1, on the CPU.
    Faces count most, then what stands out (`saliency`)."""
    wanted = 1 + _SALIENT * saliency(photo) + faces_map(faces, *photo.shape[1:])
    return wanted / wanted.mean()


def read_mask(image: ImageLike, aspect: float | None = None) -> Tensor:
    """A mask of detail `[H, W]`, from 0 to 1.

    Args:
        image: a grey picture, white where detail matters.
        aspect: width by height of the photo, for a warning if the mask is of another shape and will be stretched.

    Raises:
        ValueError: it cannot be read, has colours, or is black throughout.
    """
    picture = load_image(image, background="black", name="detail")
    if float((picture.amax(0) - picture.amin(0)).max()) > _COLORED:
        raise ValueError("detail has colours: a mask is grey, white where detail matters and black where it does not")
    mask = picture.mean(0)
    if float(mask.max()) < 1 / 255:
        raise ValueError("detail is black throughout: paint white what matters, or leave the mask out")
    own = mask.shape[1] / mask.shape[0]
    if aspect is not None and abs(own / aspect - 1) > _ASPECT:
        warnings.warn(
            f"detail is stretched: its width is {own:.2f} times its height, the photo's {aspect:.2f} times",
            stacklevel=2,
        )
    return mask


def faces_map(faces: Sequence[Face], height: int, width: int) -> Tensor:
    """`[height, width]`: how much more places count that belong to faces, and to their eyes and mouths."""
    total = torch.zeros(height, width, dtype=torch.float32, device="cpu")
    x = ((torch.arange(width, dtype=torch.float32, device="cpu") + 0.5) / width)[None, :]
    y = ((torch.arange(height, dtype=torch.float32, device="cpu") + 0.5) / height)[:, None]

    def blob(at: tuple[float, float], radii: tuple[float, float]) -> Tensor:
        """1 inside an ellipse, falling off to 0 at 1.5 times its size."""
        distance = (((x - at[0]) / radii[0]).square() + ((y - at[1]) / radii[1]).square()).sqrt()
        return (3 - 2 * distance).clamp(0, 1)

    for face in faces:
        left, top, right, bottom = face.box
        wide, high = max(right - left, 1e-3), max(bottom - top, 1e-3)
        own = _FACE * blob(((left + right) / 2, (top + bottom) / 2), (0.55 * wide, 0.55 * high))
        eyes, mouth = face.points[:2], face.points[3:]
        middle = tuple(sum(values) / len(mouth) for values in zip(*mouth, strict=True))
        parts = [blob(eye, (0.17 * wide, 0.11 * high)) for eye in eyes]
        parts.append(blob(middle, (0.26 * wide, 0.12 * high)))
        total = torch.maximum(total, own + _FEATURES * torch.stack(parts).amax(0))
    return box_blur(total[None], max(1, min(height, width) // 128))[0]
