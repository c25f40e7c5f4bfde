"""`StyleLoss`: how far a canvas is from a picture's style, by the Gram matrices of a network's features."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from neuralpaint.images.io import ImageLike, load_image
from neuralpaint.images.resample import resize
from neuralpaint.losses.features import Features, get_features, gram, pyramid
from neuralpaint.ops.checks import check_side

Mode = Literal["color", "color+texture"]
MODES: tuple[Mode, ...] = ("color", "color+texture")

SIZE = 192  # a style is looked at with this many pixels squared, whatever its aspect
_SMALLEST = 16  # pixels: a picture below has no texture to speak of
_SMALLEST_LEVEL = 8  # pixels along the shorter side of a pyramid's level


class StyleLoss(nn.Module):
    """Squared differences between the Gram matrices of a canvas's features and a style image's.

    A Gram matrix holds which features (colours and edges in the first layers, textures in deeper ones) occur together,
    and forgets where: what is left of a picture is its style. Those of the style image are computed once.

    With levels s of an image pyramid and layers l, and G = F·Fᵀ/(h·w) the Gram matrix of the features F `[C, h·w]`,

        loss = mean over s, l of ‖G_sl(canvas) − G_sl(style)‖² / ‖G_sl(style)‖²

    so every layer has its say, and 0 is the style, and 1 is what a canvas without any activation would have. The
    pyramid widens the view of the layers: at a quarter of the size they see four times as much of the picture.

    Args:
        style_image: a path, PIL image, array or tensor: see `neuralpaint.images.io.load_image`.
        layers: numbers of convolutions, from 1. By default those of the paper, (2, 4, 7), where the features have them,
            and what stands in for them otherwise (`Features.style_layers`).
        mode: "color+texture", or "color": without the deepest of the layers, unless `layers` says which.
        features: "auto", "vgg19", "efficientnet-lite0", or a `neuralpaint.losses.features.Features`.
        vgg: VGG-19's weights, a file; by default where `VGG19Features` looks.
        scales: of the pyramid, factors of the picture's size; by default the features' own.
        size: the style image is brought to size² pixels, by default 192²; canvases are best about as large.
        device: where the canvases will be.

    Shape:
        canvas `[B, 3, H, W]`, values in [0, 1] -> a scalar, the mean over the batch.

    Raises:
        ValueError: the style image is unreadable or too small, a layer is not there, or no weights are found.

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
        size: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.mode = check_mode(mode)
        self.size = check_side("size", SIZE if size is None else size)
        picture = load_image(style_image, device, name="style_image")
        if min(picture.shape[1:]) < _SMALLEST:
            raise ValueError(
                f"{_called(style_image)} is {picture.shape[2]}x{picture.shape[1]} pixels: too small to show a style, "
                f"at least {_SMALLEST} along each side are needed"
            )
        self.features = get_features(features, path=vgg).to(device)
        for weight in self.features.parameters():
            if weight.ndim == 4:  # channels last is what convolutions on a CPU are quickest with
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        if layers is None:
            layers = self.features.style_layers
            layers = layers[:-1] if mode == "color" and len(layers) > 1 else layers
        self.layers = tuple(layers)
        self.features.check_layers(self.layers)
        if not self.layers:
            raise ValueError("layers must name at least one layer")
        self.scales = _check_scales(self.features.scales if scales is None else scales)
        self.picture = resize(picture, *pixels(picture.shape[1], picture.shape[2], self.size))
        with torch.no_grad():
            levels = self._grams(self.picture[None], self.scales)
        self.scales = tuple(levels)
        for level, grams in enumerate(levels.values()):
            for layer, target in zip(self.layers, grams, strict=True):
                self.register_buffer(f"gram_{level}_{layer}", target, persistent=False)

    def forward(self, canvas: Tensor, *, coarse: bool = False) -> Tensor:
        """The loss, differentiable by `canvas`; with `coarse` without the pyramid's finest level, which is most of the
        work. ValueError if the canvas is no `[B, 3, H, W]`, or smaller than features can be taken of."""
        self.features.check_image(canvas)
        scales = self.scales[1:] if coarse and len(self.scales) > 1 else self.scales
        losses = []
        for scale, grams in self._grams(canvas, scales).items():
            for layer, found in zip(self.layers, grams, strict=True):
                target = getattr(self, f"gram_{self.scales.index(scale)}_{layer}")
                losses.append((found - target).square().sum((1, 2)).mean() / target.square().sum().clamp_min(1e-12))
        return torch.stack(losses).mean()

    def _grams(self, image: Tensor, scales: Sequence[float]) -> dict[float, list[Tensor]]:
        """Of each level of the pyramid, the largest first, the Gram matrix of each layer."""
        smallest = max(_SMALLEST_LEVEL, self.features.smallest)
        found = {}
        for scale, picture in pyramid(image, scales, smallest):
            activations = self.features(picture.contiguous(memory_format=torch.channels_last), self.layers)
            found[scale] = [gram(activations[layer]) for layer in self.layers]
        return found

    def extra_repr(self) -> str:
        return f"layers={self.layers}, scales={self.scales}, mode={self.mode!r}, size={self.size}"


def pixels(height: float, width: float, size: int) -> tuple[int, int]:
    """(height, width) in pixels of a picture of that aspect with about size² of them."""
    factor = size / math.sqrt(height * width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def check_mode(mode: str, name: str = "mode") -> Mode:
    """The mode. ValueError if it is none."""
    for known in MODES:
        if mode == known:
            return known
    raise ValueError(f"{name} must be one of {', '.join(map(repr, MODES))}, got {mode!r}")


def _check_scales(scales: Sequence[float]) -> tuple[float, ...]:
    scales = tuple(sorted(map(float, scales), reverse=True))
    if not scales or not all(0 < scale <= 1 for scale in scales) or len(set(scales)) < len(scales):
        raise ValueError(f"scales must be different numbers in (0, 1], got {scales}")
    return scales


def _called(image: ImageLike) -> str:
    return os.fspath(image) if isinstance(image, (str, os.PathLike)) else "style_image"
