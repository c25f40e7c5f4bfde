"""The parameters of numbered strokes: computed from a seed, or read from shards."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from torch import Tensor

from neuralpaint.brushes import Brush, get_brush
from neuralpaint.data.philox import uniform
from neuralpaint.utils.validation import MAX_SEED, check_whole

ENDLESS = 2**62  # strokes; as many as anybody can draw


class StrokeBatch(NamedTuple):
    """Strokes and what the brush makes of them; of one stroke, the same without N.

    strokes: float32 `[N, P]`, in the order of `brush.parameters`; foreground `[N, 3, H, W]`, the stroke's colour
    wherever it covers anything, else 0; alpha `[N, 1, H, W]`, coverage times opacity. Values in [0, 1], or 0 to 255 as
    uint8.
    """

    strokes: Tensor
    foreground: Tensor
    alpha: Tensor


class Parameters(Protocol):
    """Strokes 0, 1, 2, … of a brush."""

    brush: Brush
    count: int

    @property
    def identity(self) -> dict[str, Any]:
        """What tells this sequence from others, as JSON holds it."""
        ...

    def take(self, index: Tensor) -> Tensor:
        """The strokes of these numbers, int64 `[N]` in [0, count): float32 `[N, P]` on the index's device."""
        ...


class RandomParameters:
    """Uniformly random strokes, each computed from seed and number alone.

    So any process can make any of them without those before, on any device, to the same bits. Parameters are in [0, 1);
    those that the brush holds are at their value.

    Args:
        brush: a `Brush` or its name.
        count: how many there are; None for more than anybody can draw.
        seed: from 0 to 2⁶³ − 1.
        stream: strokes of another stream have nothing to do with these.

    Raises:
        ValueError: a count below 1, or a seed out of range.
    """

    def __init__(self, brush: Brush | str, count: int | None = None, seed: int = 0, stream: int = 0) -> None:
        self.brush, self.seed, self.stream = get_brush(brush), check_whole("seed", seed, 0, MAX_SEED), stream
        self.count = ENDLESS if count is None else check_whole("count", count, 1, ENDLESS)

    @property
    def identity(self) -> dict[str, Any]:
        return {**brush_identity(self.brush), "seed": self.seed}

    def take(self, index: Tensor) -> Tensor:
        strokes = uniform(index, self.brush.num_parameters, self.seed, self.stream)
        for position, value in self.brush.held:
            strokes[:, position] = value
        return strokes


def brush_identity(brush: Brush) -> dict[str, Any]:
    return {"brush": brush.name, "fingerprint": brush.fingerprint}
