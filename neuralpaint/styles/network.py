"""`StyleNetwork`: one network, N styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neuralpaint.styles.architecture import Architecture, Step, get_architecture
from neuralpaint.styles.convolution import by_blocks, doubled
from neuralpaint.styles.norm import ConditionalInstanceNorm2d

MULTIPLE = 4  # images are padded to a multiple of this many pixels
SMALLEST = 16  # minimum side in pixels, for reflection padding


class StyleStep(nn.Module):
    """A `Step`: padding, convolution, conditional instance normalisation, activation.

    No bias: the normalisation would cancel it.
    """

    def __init__(self, step: Step, styles: int) -> None:
        super().__init__()
        self.step = step
        self.weight = nn.Parameter(torch.empty(step.outputs, step.inputs, step.kernel, step.kernel))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        self.norm = ConditionalInstanceNorm2d(step.outputs, styles)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        return self.activate(self.norm(self.convolve(self.pad(x)), mix))

    def pad(self, x: Tensor) -> Tensor:
        """Pads the input for the filters.

        For upsampling steps, padding comes before upsampling: replicating a border pixel and then doubling equals
        doubling and then reflecting.
        """
        if self.step.upsample == 1:
            return F.pad(x, (self.step.kernel // 2,) * 4, mode="reflect")
        return F.pad(x, (1,) * 4, mode="replicate")

    def convolve(self, x: Tensor) -> Tensor:
        """The convolution of a padded input."""
        step = self.step
        if step.upsample == 2:
            return doubled(x, self.weight)
        if step.outputs < 8 and step.stride == 1:
            return by_blocks(x, self.weight)
        return F.conv2d(x, self.weight, stride=step.stride)

    def activate(self, x: Tensor) -> Tensor:
        """The activation; may overwrite x."""
        if self.step.activation == "relu":
            return F.relu(x, inplace=True)
        return torch.sigmoid(x) if self.step.activation == "sigmoid" else x


class ResidualBlock(nn.Module):
    """Adds two steps to the input: x + second(first(x))."""

    def __init__(self, steps: tuple[Step, Step], styles: int) -> None:
        super().__init__()
        self.first, self.second = (StyleStep(step, styles) for step in steps)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        return x + self.second(self.first(x, mix), mix)


class StyleNetwork(nn.Module):
    """Stylizes photos. All styles share the filters; each has its own scales and shifts of the activations.

    Layers of the paper's network, `architecture="paper"`, with output channels. All have reflection padding and
    conditional instance normalisation, then ReLU, except the last, which has a sigmoid:

        9×9 → 32 · 3×3 stride 2 → 64 · 3×3 stride 2 → 128 · five residual blocks of two 3×3 → 128
        · nearest ×2, 3×3 → 64 · nearest ×2, 3×3 → 32 · 9×9 → 3

    `architecture="light"` has a third of the channels and no layers at full resolution: 1/13 of the arithmetic.

    Args:
        names: distinct names of the styles, in order.
        architecture: "paper", "light" or a custom `Architecture`.

    Raises:
        ValueError: names are repeated or empty, or the architecture is unknown.

    Reference: Dumoulin, Shlens and Kudlur, "A learned representation for artistic style", ICLR 2017, section 2 and
    table 1.
    """

    def __init__(self, names: Sequence[str], architecture: str | Architecture = "paper") -> None:
        super().__init__()
        names = [str(name) for name in names]
        if not names or not all(names) or len(set(names)) < len(names):
            raise ValueError(f"names must be distinct and not empty, got {names}")
        self.names = names
        self.architecture = get_architecture(architecture)
        self.training_facts: dict[str, Any] = {}  # how it was trained, from its file
        down, blocks, up = self.architecture.steps()
        self.down = nn.ModuleList(StyleStep(step, len(names)) for step in down)
        self.blocks = nn.ModuleList(ResidualBlock(pair, len(names)) for pair in blocks)
        self.up = nn.ModuleList(StyleStep(step, len(names)) for step in up)

    def forward(self, photo: Tensor, mix: Tensor) -> Tensor:
        """Stylizes photos.

        Args:
            photo: `[B, 3, H, W]` RGB in [0, 1]; or `[1, 3, H, W]`, one photo for all rows of `mix`. H, W ≥ 16.
            mix: `[B, N]`, style weights per image; rows sum to 1. A one-hot row is a single style.

        Returns:
            `[B, 3, H, W]` in [0, 1].

        Raises:
            ValueError: the shapes do not match.
        """
        self.check(photo, mix)
        height, width = photo.shape[2:]
        x = pad_to_multiple(photo)
        down, blocks, up = self.layers()
        for k, step in enumerate(down):
            if k == 0 and len(mix) > len(x):  # the style has no effect before the first normalisation
                x = step.activate(step.norm(step.convolve(step.pad(x)).expand(len(mix), -1, -1, -1), mix))
            else:
                x = step(x, mix)
        for block in blocks:
            x = block(x, mix)
        for step in up:
            x = step(x, mix)
        return x[..., :height, :width]

    def check(self, photo: Tensor, mix: Tensor) -> None:
        """ValueError unless these are valid arguments for `forward`."""
        if photo.ndim != 4 or photo.shape[1] != 3:
            raise ValueError(f"photo must be [B, 3, H, W], got {list(photo.shape)}")
        if min(photo.shape[2:]) < SMALLEST:
            raise ValueError(f"photo must have at least {SMALLEST} pixels along each side, got {list(photo.shape[2:])}")
        if mix.ndim != 2 or mix.shape[1] != len(self.names) or len(photo) not in (1, len(mix)):
            raise ValueError(
                f"mix must be [{len(photo)}, {len(self.names)}], one weight per style, got {list(mix.shape)}"
            )

    def layers(self) -> tuple[list[StyleStep], list[ResidualBlock], list[StyleStep]]:
        """(down, residual blocks, up)."""
        return tuple(list(part) for part in (self.down, self.blocks, self.up))  # type: ignore[return-value]

    def norms(self) -> list[ConditionalInstanceNorm2d]:
        """All normalisation layers, in order."""
        return [module for module in self.modules() if isinstance(module, ConditionalInstanceNorm2d)]

    def filters(self) -> list[nn.Parameter]:
        """The convolution weights, which all styles share."""
        return [module.weight for module in self.modules() if isinstance(module, StyleStep)]

    @torch.no_grad()
    def add_style(self, name: str, like: Tensor | None = None) -> None:
        """Adds a style for training; its γ and β are initialised to a mix of the existing styles.

        Args:
            name: a new name.
            like: `[N]`, the mix; the mean of all styles by default.

        Raises:
            ValueError: the name is empty or already used.
        """
        if not name or name in self.names:
            raise ValueError(f"name must be new and not empty, got {name!r}")
        count = len(self.names)
        mix = (
            torch.full((1, count), 1 / count, dtype=torch.float32, device="cpu")
            if like is None
            else like.reshape(1, count)
        )
        for norm in self.norms():
            gamma, beta = norm.affine(mix.to(norm.gamma))
            norm.gamma = nn.Parameter(torch.cat([norm.gamma, gamma]))
            norm.beta = nn.Parameter(torch.cat([norm.beta, beta]))
        self.names = [*self.names, name]


def pad_to_multiple(photo: Tensor) -> Tensor:
    """Reflection-pads the right and bottom edges so that the sides are divisible by 4."""
    height, width = photo.shape[2:]
    return F.pad(photo, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="reflect")
