"""Parameters of indexed strokes, generated from a seed."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from torch import Tensor

from neuralpaint.brushes import Brush, get_brush
from neuralpaint.data.philox import uniform
from neuralpaint.utils.validation import MAX_SEED, check_whole

ENDLESS = 2**62  # number of strokes of an endless sequence


class StrokeBatch(NamedTuple):
    """Strokes and their images; for a single stroke, the same without the dimension N.

    strokes: float32 `[N, P]`, in the order of `brush.parameters`; foreground `[N, 3, H, W]`, the colour of the stroke
    where its coverage is not 0, else 0; alpha `[N, 1, H, W]`, coverage times opacity. Values in [0, 1], or 0 to 255 if
    uint8.
    """

    strokes: Tensor
    foreground: Tensor
    alpha: Tensor


class Parameters(Protocol):
    """Indexed strokes 0, 1, 2, … of a brush."""

    brush: Brush
    count: int

    @property
    def identity(self) -> dict[str, Any]:
        """Identifies this sequence of strokes; JSON-serializable."""
        ...

    def take(self, index: Tensor) -> Tensor:
        """The strokes at indices int64 `[N]` in [0, count): float32 `[N, P]` on the device of `index`."""
        ...


class RandomParameters:
    """Uniformly random strokes, each computed from the seed and its index alone.

    Any process can compute any stroke independently, on any device, with bit-identical results. Parameters are in
    [0, 1), except those that the brush holds fixed.

    Args:
        brush: a `Brush` or its name.
        count: number of strokes; None for an endless sequence.
        seed: from 0 to 2⁶³ − 1.
        stream: different streams are statistically independent.

    Raises:
        ValueError: count is below 1, or the seed is out of range.
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
    """What says in a file whose strokes it holds: the brush's name and fingerprint."""
    return {"brush": brush.name, "fingerprint": brush.fingerprint}
