"""`StyleLoss`: style distance between a canvas and an image, from statistics of network features."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neuralpaint.images.io import ImageLike, load_image
from neuralpaint.images.resample import resize
from neuralpaint.losses.features import Features, get_features, pyramid
from neuralpaint.losses.features.statistics import Statistics, check_statistics, statistics, style_difference
from neuralpaint.ops.checks import check_side

Mode = Literal["color", "color+texture"]
MODES: tuple[Mode, ...] = ("color", "color+texture")

SIZE = 192  # style images are resized to about SIZE² pixels, keeping their aspect
_SMALLEST = 16  # minimum side of a style image, in pixels
_SMALLEST_LEVEL = 8  # minimum shorter side of a pyramid level, in pixels


class StyleLoss(nn.Module):
    """Squared differences between statistics of the features of a canvas and of a style image.

    Statistics describe which features (colours and edges in early layers, textures in deeper ones) occur together,
    regardless of where in the image: its style. Those of the style image are computed once. With levels s of an image
    pyramid and layers l,

        loss = mean over s, l of d(statistics_sl(canvas), statistics_sl(style))

    where d is relative to the style, so all layers count equally: see `losses.features.statistics`. For Gram matrices,
    as in the papers, d = ‖G − A‖² / ‖A‖². The pyramid enlarges the receptive field: at a quarter of the size, layers
    see four times as far in each direction.

    Args:
        style_image: a path, bytes, stream, PIL image, array or tensor: see `neuralpaint.images.io.load_image`.
        layers: indices of convolutions, from 1. By default `Features.style_layers`: those of the paper, (2, 4, 7), if
            the features have them, otherwise a replacement.
        mode: "color+texture", or "color", which omits the deepest layer unless `layers` is given.
        features: "auto", "vgg19", "efficientnet-lite0", or a `neuralpaint.losses.features.Features`.
        vgg: file with the VGG-19 weights; by default as in `VGG19Features`.
        scales: pyramid levels as factors of the image size; by default those of the features.
        kind: "gram" as in the papers, or "covariance".
        size: the style image is resized to about size² pixels, by default 192²; canvases should be about as large.
        device: device of the canvases.

    Shape:
        canvas `[B, 3, H, W]`, values in [0, 1] -> a scalar, the mean over the batch.

    Raises:
        ValueError: the style image is unreadable or too small, a layer does not exist, the kind is unknown, or no
            weights are found.

    References:
        Gatys et al., "Image style transfer using convolutional neural networks", CVPR 2016, equations 3 to 5.
        Zou et al., "Stylized Neural Painting", CVPR 2021, section 3.5.
    """

    def __init__(
        self,
        style_image: ImageLike,
        layers: Sequence[int] | None = None,
        mode: Mode = "color+texture",
        *,
        features: str | Features = "auto",
        vgg: str | os.PathLike | None = None,
        scales: Sequence[float] | None = None,
        kind: Statistics = "gram",
        size: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.mode = check_mode(mode)
        self.kind = check_statistics(kind, "kind")
        self.size = check_side("size", SIZE if size is None else size)
        picture = load_image(style_image, device, name="style_image")
        if min(picture.shape[1:]) < _SMALLEST:
            raise ValueError(
                f"{_called(style_image)} is {picture.shape[2]}x{picture.shape[1]} pixels: too small for a style image, "
                f"which needs at least {_SMALLEST} along each side"
            )
        self.features = get_features(features, path=vgg).to(device)
        for weight in self.features.parameters():
            if weight.ndim == 4:  # convolutions on a CPU are fastest in channels-last format
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        if layers is None:
            layers = self.features.style_layers
            layers = layers[:-1] if mode == "color" and len(layers) > 1 else layers
        self.layers = tuple(layers)
        self.features.check_layers(self.layers)
        if not self.layers:
            raise ValueError("layers must not be empty")
        self.scales = _check_scales(self.features.scales if scales is None else scales)
        self.picture = resize(picture, *pixels(picture.shape[1], picture.shape[2], self.size))
        with torch.no_grad():
            levels = self._statistics(self.picture[None], self.scales)
        self.scales = tuple(levels)
        for level, found in enumerate(levels.values()):
            for layer, values in zip(self.layers, found, strict=True):
                for k, value in enumerate(values):
                    self.register_buffer(f"style_{level}_{layer}_{k}", value, persistent=False)

    def forward(self, canvas: Tensor, *, coarse: bool = False) -> Tensor:
        """The loss, differentiable with respect to `canvas`. `coarse` skips the finest pyramid level, which is most of
        the work. ValueError if the canvas is not `[B, 3, H, W]`, or too small for the features."""
        self.features.check_image(canvas)
        scales = self.scales[1:] if coarse and len(self.scales) > 1 else self.scales
        losses = []
        for scale, found in self._statistics(canvas, scales).items():
            level = self.scales.index(scale)
            for layer, values in zip(self.layers, found, strict=True):
                wanted = [getattr(self, f"style_{level}_{layer}_{k}") for k in range(len(values))]
                losses.append(style_difference(values, wanted, self.kind).mean())
        return torch.stack(losses).mean()

    def _statistics(self, image: Tensor, scales: Sequence[float]) -> dict[float, list[list[Tensor]]]:
        """The statistics of all layers for each pyramid level, largest first."""
        smallest = max(_SMALLEST_LEVEL, self.features.smallest)
        found = {}
        for scale, picture in pyramid(image, scales, smallest):
            activations = self.features(picture.contiguous(memory_format=torch.channels_last), self.layers)
            found[scale] = [statistics(activations[layer], self.kind) for layer in self.layers]
        return found

    @property
    def identity(self) -> list[Any]:
        """What a checkpoint of a search by this loss depends on, besides the picture; for JSON."""
        return [self.features.name, list(self.layers), list(self.scales), self.size, self.kind]

    def extra_repr(self) -> str:
        return f"layers={self.layers}, scales={self.scales}, mode={self.mode!r}, kind={self.kind!r}, size={self.size}"


def pixels(height: float, width: float, size: int) -> tuple[int, int]:
    """(height, width) in pixels with the same aspect and about size² pixels."""
    factor = size / math.sqrt(height * width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def check_mode(mode: str, name: str = "mode") -> Mode:
    """Returns the mode. ValueError if it is unknown."""
    for known in MODES:
        if mode == known:
            return known
    raise ValueError(f"{name} must be one of {', '.join(map(repr, MODES))}, got {mode!r}")


def _check_scales(scales: Sequence[float]) -> tuple[float, ...]:
    scales = tuple(sorted(map(float, scales), reverse=True))
    if not scales or not all(0 < scale <= 1 for scale in scales) or len(set(scales)) < len(scales):
        raise ValueError(f"scales must be distinct numbers in (0, 1], got {scales}")
    return scales


def _called(image: ImageLike) -> str:
    return os.fspath(image) if isinstance(image, (str, os.PathLike)) else "style_image"
