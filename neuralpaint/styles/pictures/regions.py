"""Regions of pictures: images in which each colour is a region."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from neuralpaint.images.io import ImageLike, load_image, to_bytes

MOST = 16
"""Colours that an image of regions may have."""


def read_labels(masks: Sequence[ImageLike], sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
    """Reads the regions of a photo and of its style pictures; equal colours are equal labels.

    Args:
        masks: images of regions, the photo's first.
        sizes: (height, width) of each picture, which its mask must have.

    Returns:
        int64 `[H, W]` each, with labels from 1.

    Raises:
        ValueError: a mask has another size or too many colours, or no region of the photo is in any other mask.
    """
    codes = [_colors(mask, size, k) for k, (mask, size) in enumerate(zip(masks, sizes, strict=True))]
    known = np.unique(np.concatenate([np.unique(code) for code in codes]))
    if not np.isin(np.unique(codes[0]), np.concatenate([np.unique(code) for code in codes[1:]])).any():
        raise ValueError(
            "mask: none of its colours is in a style mask, so nothing would be styled: give regions that belong "
            "together the same colour"
        )
    return [torch.from_numpy(np.searchsorted(known, code) + 1) for code in codes]


def _colors(mask: ImageLike, size: tuple[int, int], number: int) -> np.ndarray:
    """The colour of each pixel as one integer, `[H, W]`."""
    name = (
        os.fspath(mask) if isinstance(mask, (str, os.PathLike)) else "mask" if number == 0 else f"style mask {number}"
    )
    pixels = to_bytes(load_image(mask, name=str(name))).astype(np.int64)
    if pixels.shape[:2] != size:
        raise ValueError(
            f"{name} is {pixels.shape[1]}x{pixels.shape[0]} pixels, but its picture {size[1]}x{size[0]}: "
            "make them equal"
        )
    code = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    count = len(np.unique(code))
    if count > MOST:
        raise ValueError(
            f"{name} has {count} colours, but each is a region and at most {MOST} are possible: "
            "paint it without smooth edges and save it as PNG"
        )
    return code
