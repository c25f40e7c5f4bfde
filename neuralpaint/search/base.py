"""What every search is: a value that is stepped to its end and can be kept and gone on with at any step."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor


class Search(Protocol):
    """A search for the strokes of a painting.

    Attributes:
        strokes: `[N, P]`, those painted so far.
        mean_square: mean squared error of the picture before the last step, at the working resolution.
        step_count: gradient steps of the whole search.
    """

    strokes: Tensor

    @property
    def mean_square(self) -> float | Tensor: ...

    @property
    def step_count(self) -> int: ...

    @property
    def steps_done(self) -> int: ...

    @property
    def stage(self) -> str:
        """What it is doing, for people."""
        ...

    @property
    def finished(self) -> bool: ...

    @property
    def identity(self) -> dict[str, Any]:
        """What its strokes depend on besides what it was given, as JSON holds it."""
        ...

    def step(self) -> None:
        """One step; not after it is finished."""
        ...

    def work(self) -> tuple[float, float]:
        """(done, all), in some unit of time."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """All that it knows, on the CPU."""
        ...

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Goes on where `state_dict()` was taken, with the same result to the last bit."""
        ...
