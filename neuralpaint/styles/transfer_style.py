"""`transfer_style`: gives a photo the style of any picture."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from neuralpaint.images.io import ImageLike, load_image, to_pil
from neuralpaint.styles.pictures.network import PictureStyleNetwork
from neuralpaint.styles.pictures.pretrained import load_picture_network
from neuralpaint.styles.pictures.regions import read_labels
from neuralpaint.styles.pictures.style import load_style_picture
from neuralpaint.styles.pictures.tiles import tile_side
from neuralpaint.styles.pictures.transfer import Blend, StylePicture, transfer
from neuralpaint.styles.stylize import MEMORY
from neuralpaint.utils.device import resolve_device
from neuralpaint.utils.page_cache import keep_pages
from neuralpaint.utils.profiling import span

SMALLEST = 16
"""Pixels that a photo needs along each side."""
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


@span("transfer_style")
@torch.inference_mode()
def transfer_style(
    image: ImageLike,
    style_images: ImageLike | Sequence[ImageLike],
    *,
    weights: Sequence[float] | None = None,
    strength: float = 1.0,
    keep_colors: bool = False,
    mask: ImageLike | None = None,
    style_masks: Sequence[ImageLike] | None = None,
    method: str = "transport",
    network: str | os.PathLike | PictureStyleNetwork | None = None,
    background: str | Sequence[float] = "white",
    device: str | torch.device = "auto",
    memory: int = MEMORY,
    callback: Callable[[float], None] | None = None,
) -> Image.Image:
    """Gives a photo the style of any picture, or of a mix of pictures, in one pass.

    Args:
        image: a path, bytes, stream, PIL image, array or tensor: see `neuralpaint.images.io.load_image`.
        style_images: a picture in the desired style, or a list of them.
        weights: the weight of each picture, not negative; their ratios count. All are equal by default.
        strength: from 0, the photo, to 1.
        keep_colors: keeps the photo's hues and takes only the brightness of the result.
        mask: without `style_masks`, an image as large as the photo: styled where it is white, kept where it is black.
            With them, an image of up to 16 colours: a region takes the style of the regions with the same colour.
        style_masks: regions of each style picture, as large as it is; see `mask`.
        method: "transport", "whitening" or "moments": see `neuralpaint.styles.pictures.gaussian.affine_map`.
        network: the folder of a network or a loaded one; the bundled one by default.
        background: background colour of transparent pixels.
        device: "auto" (a GPU if available), "cpu", "cuda" …
        memory: approximate memory limit in bytes, in addition to the pictures. Larger photos are processed in tiles,
            with the same result.
        callback: called with the fraction done.

    Returns:
        An image of the same size as the photo.

    Raises:
        ValueError: an argument is out of range, an image or the network cannot be read, a style picture is a single
            colour or smaller than 32 pixels, or no region of the photo has a partner.
    """
    device = resolve_device(device)
    pictures = _as_list(style_images)
    shares = _as_weights(weights, len(pictures))
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be between 0 and 1, got {strength}")
    if style_masks is not None and (mask is None or len(style_masks) != len(pictures)):
        raise ValueError("style_masks: give one for each style image, and a mask of the photo")
    blend = Blend(method)
    loaded = network if isinstance(network, PictureStyleNetwork) else load_picture_network(network)
    loaded = loaded.to(device)
    photo = load_image(image, device, background)[None]
    height, width = photo.shape[2:]
    if min(height, width) < SMALLEST:
        raise ValueError(f"image is {width}x{height} pixels: at least {SMALLEST} along each side are needed")
    styles = [
        load_style_picture(
            picture, most=height * width, name=f"style image {k + 1}", background=background, device=device
        )
        for k, picture in enumerate(pictures)
    ]
    labels, soft = None, None
    if mask is not None and style_masks is not None:
        sizes = [(height, width), *(size for _, size in styles)]
        labels, *others = (part.to(device) for part in read_labels([mask, *style_masks], sizes))
        chosen = [StylePicture(picture, part) for (picture, _), part in zip(styles, others, strict=True)]
    else:
        chosen = [StylePicture(picture) for picture, _ in styles]
        soft = None if mask is None else _load_mask(mask, height, width, device)
    with keep_pages():
        found = transfer(
            loaded, photo, chosen, shares, labels=labels, blend=blend, side=tile_side(memory), progress=callback
        )
    if keep_colors:
        found = (photo + (_luma(found) - _luma(photo))).clamp_(0, 1)
    if strength < 1 or soft is not None:
        found = photo + (found - photo) * (strength if soft is None else strength * soft)
    return to_pil(found[0])


def _as_list(images: ImageLike | Sequence[ImageLike]) -> list[ImageLike]:
    found: list[Any] = list(images) if isinstance(images, (list, tuple)) else [images]
    if not found:
        raise ValueError("style_images: at least one picture is needed")
    return found


def _as_weights(weights: Sequence[float] | None, count: int) -> list[float]:
    """Weights that sum to 1. ValueError unless there is one for each picture, not negative, not all 0."""
    if weights is None:
        return [1 / count] * count
    values = [float(weight) for weight in weights]
    if len(values) != count:
        raise ValueError(f"weights: {len(values)} for {count} style images: give one for each")
    if not all(math.isfinite(value) and value >= 0 for value in values):
        raise ValueError("weights must be numbers that are not negative")
    total = math.fsum(values)
    if total == 0:
        raise ValueError("weights: at least one must be larger than 0")
    return [value / total for value in values]


def _load_mask(mask: ImageLike, height: int, width: int, device: torch.device) -> Tensor:
    """A mask as shares `[1, 1, H, W]`. ValueError if it has another size, or is black."""
    found = load_image(mask, device, name="mask").mean(0)
    if tuple(found.shape) != (height, width):
        raise ValueError(
            f"mask is {found.shape[1]}x{found.shape[0]} pixels, but the photo {width}x{height}: make them equal"
        )
    if not bool((found > 0).any()):
        raise ValueError("mask is black: nothing would be styled; paint white what should be")
    return found[None, None]


def _luma(image: Tensor) -> Tensor:
    weights = torch.tensor(_LUMA, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True)
