"""What every feature network has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn


class Features(nn.Module):
    """Activations of a fixed, pretrained network, by the number of the layer.

    Attributes:
        name: of the strategy.
        depth: layers are numbered from 1 to this.
        style_layers: what styles are compared by, unless told otherwise.
        content_layer: what contents are compared by, unless told otherwise.
        training_layers: by scale, what networks are trained by, which takes thousands of steps: deep layers only where
            the picture is small, so that a step costs half as much.
        scales: of the image pyramid that widens the view of the layers: factors of the picture's size.
        smallest: the shortest side that a picture must have, in pixels.
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
        """The activations after some layers.

        Args:
            image: `[B, 3, H, W]` RGB; values in [0, 1] are expected, others allowed.
            layers: numbers of layers, each from 1 to `depth`.

        Returns:
            `[B, C, h, w]` for each layer, h ≤ H and w ≤ W.

        Raises:
            ValueError: a layer is not there, or the image is smaller than `smallest`.
        """

    def check_layers(self, layers: Sequence[int]) -> None:
        """ValueError if one of them is not there."""
        for layer in layers:
            if isinstance(layer, bool) or not isinstance(layer, int) or layer < 1:
                raise ValueError(f"layers must be whole numbers from 1, got {layer!r}")
            if layer > self.depth:
                raise ValueError(f"layers: {layer} is beyond the {self.depth} layers of these {self.name} weights")

    def check_image(self, image: Tensor) -> None:
        """ValueError if it is no picture, or too small."""
        if image.ndim != 4 or image.shape[1] != 3:
            raise ValueError(f"image must be [B, 3, H, W], got {list(image.shape)}")
        if min(image.shape[2:]) < self.smallest:
            height, width = image.shape[2:]
            raise ValueError(f"image is {width}x{height} pixels: {self.name} needs {self.smallest} along each side")
