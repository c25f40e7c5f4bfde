"""Features of the bundled encoder, which was distilled from VGG-19: they need no download."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.losses.features.base import Features
from neuralpaint.styles.pictures.network import MULTIPLE
from neuralpaint.styles.pictures.pretrained import load_picture_network


class DistilledFeatures(Features):
    """The leading principal components of VGG-19's relu1_1, relu2_1 and relu3_1 (layers 1, 2 and 3; 16, 40 and 80
    channels), as the encoder of picture styles finds them: see `neuralpaint.styles.pictures.network.Encoder`.

    A step takes about a third of the time of VGG-19. Components may be negative.
    """

    name: ClassVar[str] = "distilled"
    depth = 3
    style_layers = (1, 2, 3)
    content_layer = 3
    training_layers: Mapping[float, tuple[int, ...]] = {1.0: (1, 2, 3), 0.5: (2, 3), 0.25: (2, 3)}
    scales = (1.0, 0.5, 0.25)
    smallest = 8

    def __init__(self) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(load_picture_network().encoder)  # the loaded one is shared

    def forward(self, image: Tensor, layers: Sequence[int]) -> Mapping[int, Tensor]:
        """See `Features.forward`. Sides that are no multiples of 4 are first extended by their last pixels."""
        self.check_layers(layers)
        self.check_image(image)
        if not layers:
            return {}
        height, width = image.shape[2:]
        padded = F.pad(image, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
        padded = padded.contiguous(memory_format=torch.channels_last)
        found = self.encoder(padded, max(layers))
        return {layer: found[layer - 1] for layer in layers}
