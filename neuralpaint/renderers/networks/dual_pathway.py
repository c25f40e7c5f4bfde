"""The dual-pathway network of Stylized Neural Painting (Zou et al., CVPR 2021), and its two ablations.

One pathway draws the stroke's silhouette from its shape alone; the other, which sees every parameter, its colours and
their shading. Their product is the foreground (SNP §3.2, §3.6).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuralpaint.brushes import Brush
from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.renderers.networks.registry import register_network


class ShadingNetwork(nn.Sequential):
    """Parameters `[N, P, 1, 1]` → pictures `[N, channels, size, size]` by transposed convolutions with batch norm.

    Six of them at 128², four at 32²; nothing bounds the last one (SNP §3.6: no tanh).
    """

    def __init__(self, inputs: int, channels: int, size: int = 128, width: int = 64) -> None:
        widths = {128: (8, 8, 4, 2, 1), 32: (8, 4, 2)}[size]
        layers: list[nn.Module] = []
        before = inputs
        for k, factor in enumerate(widths):
            stride = (1, 0) if k == 0 else (2, 1)
            layers += [
                nn.ConvTranspose2d(before, width * factor, 4, *stride, bias=False),
                nn.BatchNorm2d(width * factor),
                nn.ReLU(inplace=True),
            ]
            before = width * factor
        super().__init__(*layers, nn.ConvTranspose2d(before, channels, 4, 2, 1, bias=False))


class RasterizationNetwork(nn.Module):
    """Parameters `[N, P]` → pictures `[N, channels, size, size]`: fully-connected layers, convolutions, pixel shuffles.

    Four fully-connected layers, six convolutions and three shuffles at 128² (SNP §3.6); three, two and one at 32².
    """

    def __init__(self, inputs: int, channels: int, size: int = 128) -> None:
        super().__init__()
        widths = {128: (512, 1024, 2048, 4096), 32: (512, 1024, 2048)}[size]
        layers: list[nn.Module] = []
        before = inputs
        for width in widths:
            layers += [nn.Linear(before, width), nn.ReLU(inplace=True)]
            before = width
        relu, shuffle = nn.ReLU(inplace=True), nn.PixelShuffle(2)
        if size == 128:
            plane = [
                *(nn.Unflatten(1, (16, 16, 16)), _conv(16, 32), relu, _conv(32, 32), shuffle),
                *(_conv(8, 16), relu, _conv(16, 16), shuffle, _conv(4, 8), relu, _conv(8, 4 * channels), shuffle),
            ]
        else:
            plane = [nn.Unflatten(1, (8, 16, 16)), _conv(8, 64), relu, _conv(64, 4 * channels), shuffle]
        self.layers = nn.Sequential(*layers, *plane)

    def forward(self, strokes: Tensor) -> Tensor:
        return self.layers(strokes)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, 1, 1)


@register_network("dual-pathway")
class DualPathwayRenderer(NetworkRenderer):
    """SNP's renderer: foreground = shading(all parameters) · silhouette(shape), alpha = opacity · coverage(shape).

    Silhouette and coverage are the two channels of one rasterization network. The paper has one mask for both; here a
    foreground reaches to the very edge of the antialiased alpha (`ops.rasterize`), so the two differ there.
    """

    def __init__(self, brush: Brush | str, size: int = 128) -> None:
        super().__init__(brush, size)
        self.shading = ShadingNetwork(self.spec.num_parameters, 3, size)
        self.rasterization = RasterizationNetwork(self.spec.shape, 2, size)

    def forward(self, strokes: Tensor) -> tuple[Tensor, Tensor]:
        silhouette, coverage = self.rasterization(strokes[:, : self.spec.shape]).split(1, 1)
        color = self.shading(strokes[:, :, None, None])
        opacity = torch.ones_like(strokes[:, 0]) if self.spec.opaque else self.spec.alpha(strokes)
        return color * silhouette, opacity[:, None, None, None] * coverage


@register_network("rasterization-only")
class RasterizationOnlyRenderer(NetworkRenderer):
    """Ablation (SNP Table 1): the rasterization network alone, given all parameters, draws foreground and alpha."""

    def __init__(self, brush: Brush | str, size: int = 128) -> None:
        super().__init__(brush, size)
        self.rasterization = RasterizationNetwork(self.spec.num_parameters, 4, size)

    def forward(self, strokes: Tensor) -> tuple[Tensor, Tensor]:
        picture = self.rasterization(strokes)
        return picture[:, :3], picture[:, 3:]


@register_network("shading-only")
class ShadingOnlyRenderer(NetworkRenderer):
    """Ablation (SNP Table 1): the shading network alone draws foreground and alpha."""

    def __init__(self, brush: Brush | str, size: int = 128) -> None:
        super().__init__(brush, size)
        self.shading = ShadingNetwork(self.spec.num_parameters, 4, size)

    def forward(self, strokes: Tensor) -> tuple[Tensor, Tensor]:
        picture = self.shading(strokes[:, :, None, None])
        return picture[:, :3], picture[:, 3:]
