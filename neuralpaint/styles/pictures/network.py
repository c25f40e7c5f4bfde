"""The encoder and decoders that any picture's style is transferred with."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from neuralpaint.styles.convolution import by_blocks, doubled

CHANNELS = (16, 40, 80)
"""Channels of the features of each level."""
STRIDES = (1, 2, 4)
"""Pixels per feature of each level."""
MULTIPLE = STRIDES[-1]
_TRUNK = (24, 40, 56, 80, 112)


class Encoder(nn.Module):
    """Three levels of features, trained to equal the leading principal components of VGG-19's relu1_1, relu2_1 and
    relu3_1, at a quarter of the cost.

    The components are those over photos and paintings, with their means, all divided by one number per level. Distances
    between features are thus those between VGG-19's, but for what the components leave out.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = _TRUNK
        self.first = _convolution(3, a)
        self.down2, self.inner2 = nn.Conv2d(a, b, 4, 2), _convolution(b, c)
        self.down3, self.inner3 = nn.Conv2d(c, d, 4, 2), _convolution(d, e)
        self.heads = nn.ModuleList(nn.Conv2d(n, k, 1) for n, k in zip((a, c, e), CHANNELS, strict=True))

    def forward(self, image: Tensor, levels: int = 3) -> list[Tensor]:
        """The features of the first `levels` levels.

        Args:
            image: `[B, 3, H, W]` RGB in [0, 1]; H and W are multiples of 4 and at least 8.

        Returns:
            `[B, 16, H, W]`, `[B, 40, H/2, W/2]` and `[B, 80, H/4, W/4]`.
        """
        x = F.relu(self.first((image - 0.5) * 4))
        found = [self.heads[0](x)]
        for down, inner, head in zip((self.down2, self.down3), (self.inner2, self.inner3), self.heads[1:], strict=True):
            if len(found) == levels:
                break
            x = F.relu(down(F.pad(x, (1, 1, 1, 1), mode="reflect")))
            x = F.relu(inner(x))
            found.append(head(x))
        return found


class Decoder(nn.Module):
    """The picture that has given features of one level: a mirrored encoder, nearest-neighbour enlargement, no
    checkerboards.

    Args:
        level: 1, 2 or 3.
    """

    def __init__(self, level: int) -> None:
        super().__init__()
        a, b, c = CHANNELS
        layers: dict[int, tuple[nn.Module, ...]] = {
            3: (_convolution(c, c), nn.ReLU(), *_doubling(c, b), nn.ReLU(), _convolution(b, b), nn.ReLU()),
            2: (_convolution(b, b), nn.ReLU(), _convolution(b, b), nn.ReLU()),
            1: (_convolution(a, a), nn.ReLU()),
        }
        last: tuple[nn.Module, ...] = (_ToRGB(a, 3, 3),)
        if level > 1:
            last = (*_doubling(b, a), nn.ReLU(), *last)
        self.layers = nn.Sequential(*layers[level], *last)

    def forward(self, features: Tensor) -> Tensor:
        """Features `[B, C, h, w]` of the level to RGB `[B, 3, H, W]`, not clamped to [0, 1]."""
        return self.layers(features) / 4 + 0.5


class PictureStyleNetwork(nn.Module):
    """An `Encoder` and a `Decoder` of each level."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoders = nn.ModuleList(Decoder(level) for level in (1, 2, 3))

    def decode(self, features: Tensor, level: int) -> Tensor:
        """The picture that has these features of a level from 1 to 3."""
        return self.decoders[level - 1](features)


class _Doubling(nn.Conv2d):
    """A 3×3 convolution after nearest-neighbour enlargement, padded by reflection."""

    def forward(self, x: Tensor) -> Tensor:
        assert self.bias is not None
        return doubled(F.pad(x, (1,) * 4, mode="replicate"), self.weight) + self.bias[:, None, None]


class _ToRGB(nn.Conv2d):
    """A 3×3 convolution to the three colours, padded by reflection."""

    def forward(self, x: Tensor) -> Tensor:
        assert self.bias is not None
        return by_blocks(F.pad(x, (1,) * 4, mode="reflect"), self.weight) + self.bias[:, None, None]


def _doubling(inputs: int, outputs: int) -> tuple[nn.Module, nn.Module]:
    return nn.Identity(), _Doubling(inputs, outputs, 3)  # two layers, as the weights in files are numbered


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
