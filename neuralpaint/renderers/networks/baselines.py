"""Baselines that SNP compares its renderer with (Table 1, Fig. 13), each drawing foreground and alpha at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuralpaint.brushes import Brush
from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.renderers.networks.dual_pathway import RasterizationNetwork, ShadingNetwork
from neuralpaint.renderers.networks.registry import register_network

_CHANNELS = 6  # as the baselines have it: three of colour, three of alpha, of which the mean is taken


@register_network("dcgan")
class DCGANRenderer(NetworkRenderer):
    """The generator of DCGAN (Radford et al., ICLR 2016), its input the stroke's parameters."""

    def __init__(self, brush: Brush | str, size: int = 128) -> None:
        super().__init__(brush, size)
        self.generator = ShadingNetwork(self.spec.num_parameters, _CHANNELS, size)

    def forward(self, strokes: Tensor) -> tuple[Tensor, Tensor]:
        return _split(self.generator(strokes[:, :, None, None]))


@register_network("pixelshuffle")
class PixelShuffleRenderer(NetworkRenderer):
    """The renderer of Learning to Paint (Huang et al., ICCV 2019): fully-connected layers, then pixel shuffles."""

    def __init__(self, brush: Brush | str, size: int = 128) -> None:
        super().__init__(brush, size)
        self.generator = RasterizationNetwork(self.spec.num_parameters, _CHANNELS, size)

    def forward(self, strokes: Tensor) -> tuple[Tensor, Tensor]:
        return _split(self.generator(strokes))


@register_network("unet")
class UNetRenderer(NetworkRenderer):
    """A U-Net (Ronneberger et al., MICCAI 2015; as in pix2pix) over the parameters repeated at each pixel."""

    def __init__(self, brush: Brush | str, size: int = 128) -> None:
        super().__init__(brush, size)
        depth = size.bit_length() - 1  # down to one pixel
        base = 64 if size == 128 else 32  # a light one, as its rivals at 32²
        widths = [base * min(8, 2**k) for k in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        before = self.spec.num_parameters
        for k, width in enumerate(widths):
            layers: list[nn.Module] = [] if k == 0 else [nn.LeakyReLU(0.2)]
            layers.append(nn.Conv2d(before, width, 4, 2, 1, bias=k == 0))
            if 0 < k < depth - 1:  # one pixel has no statistics, and the first layer sees constants
                layers.append(nn.BatchNorm2d(width))
            self.down.append(nn.Sequential(*layers))
            before = width
        for k in reversed(range(depth)):
            inputs = widths[k] * (1 if k == depth - 1 else 2)
            outputs = widths[k - 1] if k else _CHANNELS
            layers = [nn.ReLU(), nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=k == 0)]
            if k:
                layers.append(nn.BatchNorm2d(outputs))
            self.up.append(nn.Sequential(*layers))

    def forward(self, strokes: Tensor) -> tuple[Tensor, Tensor]:
        plane = strokes[:, :, None, None].expand(-1, -1, self.size, self.size)
        skips = []
        for layer in self.down:
            plane = layer(plane)
            skips.append(plane)
        for k, layer in enumerate(self.up):
            plane = layer(plane if k == 0 else torch.cat([skips[-1 - k], plane], 1))
        return _split(plane)


def _split(picture: Tensor) -> tuple[Tensor, Tensor]:
    return picture[:, :3], picture[:, 3:].mean(1, keepdim=True)
