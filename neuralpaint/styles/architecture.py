"""Architectures of style networks: the paper's, and a narrow variant."""

from __future__ import annotations

from dataclasses import dataclass

from neuralpaint.utils.validation import unknown_name


@dataclass(frozen=True)
class Step:
    """A convolution with reflection padding, then conditional instance normalisation and an activation.

    Attributes:
        inputs, outputs: channels.
        kernel: side of the filters; odd.
        stride: 2 halves the resolution.
        upsample: 2 doubles the resolution first, by nearest neighbour.
        activation: "relu", "sigmoid" or "none".
    """

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    upsample: int = 1
    activation: str = "relu"


@dataclass(frozen=True)
class Architecture:
    """A network that downsamples by 4, applies residual blocks, and upsamples again.

    Attributes:
        name: name of the architecture.
        widths: channels at full, half and quarter resolution.
        blocks: number of residual blocks of two 3×3 convolutions, at quarter resolution.
        outer: kernel size of the first and last convolutions.
        early: downsample in the first and upsample in the last convolution, so that nothing runs at full resolution;
            both the first and the second width are then at half resolution.
    """

    name: str
    widths: tuple[int, int, int]
    blocks: int
    outer: int
    early: bool = False

    def steps(self) -> tuple[list[Step], list[tuple[Step, Step]], list[Step]]:
        """(down, residual blocks, up)."""
        a, b, c = self.widths
        block = (Step(c, c, 3), Step(c, c, 3, activation="none"))
        if self.early:
            down = [Step(3, a, self.outer, stride=2), Step(a, c, 3, stride=2)]
            up = [Step(c, b, 3, upsample=2), Step(b, 3, self.outer, upsample=2, activation="sigmoid")]
        else:
            down = [Step(3, a, self.outer), Step(a, b, 3, stride=2), Step(b, c, 3, stride=2)]
            up = [
                Step(c, b, 3, upsample=2),
                Step(b, a, 3, upsample=2),
                Step(a, 3, self.outer, activation="sigmoid"),
            ]
        return down, [block] * self.blocks, up


PAPER = Architecture("paper", (32, 64, 128), 5, 9)
LIGHT = Architecture("light", (16, 24, 48), 4, 5, early=True)
ARCHITECTURES = {found.name: found for found in (PAPER, LIGHT)}


def get_architecture(name: str | Architecture) -> Architecture:
    """Looks up an architecture by name. ValueError if it is unknown."""
    if isinstance(name, Architecture):
        return name
    if name not in ARCHITECTURES:
        raise ValueError(unknown_name("network", str(name), list(ARCHITECTURES)))
    return ARCHITECTURES[name]
