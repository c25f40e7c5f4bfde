"""Every measure of a picture at once."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor

from neuralpaint.images.io import ImageLike, load_image
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.losses.features import Features, get_features
from neuralpaint.metrics.perceptual import content_distance, feature_distance, style_distance
from neuralpaint.metrics.structural import ms_ssim, ssim
from neuralpaint.painting.painting import Painting

STROKE_FILES = (".safetensors", ".npz")
_FOR_MS_SSIM = 161
_SMALLEST = 16


@dataclass(frozen=True)
class Comparison:
    """How a picture compares with a photo. What cannot be computed is None.

    Attributes:
        psnr: dB; infinite if they are equal.
        ssim, ms_ssim: 1 if they are equal; None without torchmetrics, or for pictures too small.
        features: `feature_distance`, 0 if they are equal.
        content: `content_distance`, 0 if all edges are kept.
        style: `style_distance` from the painting that was given; None without one.
        strokes: number of strokes of a painting; None for a picture.
    """

    psnr: float
    ssim: float | None
    ms_ssim: float | None
    features: float
    content: float
    style: float | None
    strokes: int | None

    def to_dict(self) -> dict[str, float | int | None]:
        """As a dictionary, in this order."""
        return asdict(self)

    @classmethod
    def names(cls) -> list[str]:
        """The names of the measures."""
        return [field.name for field in fields(cls)]


def compare(
    photo: ImageLike,
    picture: ImageLike | Painting,
    *,
    style: ImageLike | None = None,
    features: str | Features = "distilled",
    vgg: str | os.PathLike | None = None,
    size: int | None = None,
) -> Comparison:
    """Compares a picture, or a painting drawn at the photo's size, with a photo.

    Args:
        photo: the photo; see `neuralpaint.images.io.load_image`.
        picture: a picture, resized to the photo's size if it is another; a `Painting`; or the path of a stroke file.
        style: a painting whose style the picture is compared with.
        features: name of the feature network, or a `Features`; "distilled" needs no download.
        vgg: VGG-19 weights, for the features "vgg19".
        size: pixels along the shorter side of the photo at which all is compared; by default the photo's own.

    Raises:
        ValueError: a file is unreadable, an image is below 16 pixels along a side, or the aspects differ by more than
            2 %.
    """
    truth = load_image(photo, name="photo")[None]
    if size is not None:
        factor = size / min(truth.shape[2:])
        truth = resize(truth, *(max(1, round(side * factor)) for side in truth.shape[2:]))
    height, width = truth.shape[2:]
    if min(height, width) < _SMALLEST:
        raise ValueError(f"photo is {width}x{height} pixels: at least {_SMALLEST} are needed along each side")
    painting = as_painting(picture)
    if painting is not None:
        found = load_image(painting.render(min(height, width)))[None]
    else:
        found = load_image(picture, name="picture")[None]  # type: ignore[arg-type]
    found = _fitted(found, height, width)
    network = get_features(features, path=vgg)
    structural = importlib.util.find_spec("torchmetrics") is not None
    return Comparison(
        psnr=psnr(found, truth),
        ssim=ssim(found, truth) if structural else None,
        ms_ssim=ms_ssim(found, truth) if structural and min(height, width) >= _FOR_MS_SSIM else None,
        features=feature_distance(found, truth, network),
        content=content_distance(found, truth),
        style=None if style is None else style_distance(found, load_image(style, name="style")[None], network),
        strokes=None if painting is None else len(painting),
    )


def as_painting(picture: ImageLike | Painting) -> Painting | None:
    """The painting, if it is one or the path of a stroke file."""
    if isinstance(picture, Painting):
        return picture
    if isinstance(picture, (str, os.PathLike)) and Path(picture).suffix.lower() in STROKE_FILES:
        return Painting.load(picture)
    return None


def _fitted(picture: Tensor, height: int, width: int) -> Tensor:
    """A picture at another size. ValueError if its aspect is another."""
    aspect = picture.shape[3] / picture.shape[2] * height / width
    if not 0.98 <= aspect <= 1.02:
        raise ValueError(
            f"picture is {picture.shape[3]}x{picture.shape[2]} pixels and the photo {width}x{height}: "
            "crop one to the aspect of the other"
        )
    if tuple(picture.shape[2:]) == (height, width):
        return picture
    return torch.clamp(resize(picture, height, width), 0, 1)
