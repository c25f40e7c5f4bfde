"""Base class of feature networks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn


class Features(nn.Module):
    """Activations of a fixed, pretrained network, indexed by layer.

    Attributes:
        name: name of the feature network.
        depth: number of layers; they are numbered from 1.
        style_layers: default layers for comparing style.
        content_layer: default layer for comparing content.
        training_layers: layers used to train style networks, by pyramid scale: deep layers only at small scales, which
            halves the cost of a step.
        scales: levels of the image pyramid that enlarges the receptive field, as factors of the image size.
        smallest: minimum side of an image, in pixels.
    """

    name: ClassVar[str]
    depth: int
    style_layers: tuple[int, ...]
    training_layers: Mapping[float, tuple[int, ...]]
    content_layer: int
    scales: tuple[float, ...]
    smallest: int = 4

    @abstractmethod
    def forward(self, image: Tensor, layers: Sequence[int]) -> Mapping[int, Tensor]:
        """The activations of the given layers.

        Args:
            image: `[B, 3, H, W]` RGB, usually in [0, 1] but not required to be.
            layers: layer indices from 1 to `depth`.

        Returns:
            `[B, C, h, w]` for each layer, h ≤ H and w ≤ W.

        Raises:
            ValueError: a layer does not exist, or the image is smaller than `smallest`.
        """

    def check_layers(self, layers: Sequence[int]) -> None:
        """ValueError if any of the layers does not exist."""
        for layer in layers:
            if isinstance(layer, bool) or not isinstance(layer, int) or layer < 1:
                raise ValueError(f"layers must be integers from 1, got {layer!r}")
            if layer > self.depth:
                raise ValueError(f"layers: {layer} is out of range, these {self.name} weights have {self.depth} layers")

    def check_image(self, image: Tensor) -> None:
        """ValueError if the image has the wrong shape or is too small."""
        if image.ndim != 4 or image.shape[1] != 3:
            raise ValueError(f"image must be [B, 3, H, W], got {list(image.shape)}")
        if min(image.shape[2:]) < self.smallest:
            height, width = image.shape[2:]
            raise ValueError(
                f"image is {width}x{height} pixels: {self.name} needs at least {self.smallest} along each side"
            )
