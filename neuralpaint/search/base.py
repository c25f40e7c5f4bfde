"""The search protocol: step until finished; save and resume at any step."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor


class Search(Protocol):
    """A search for the strokes of a painting.

    Attributes:
        strokes: `[N, P]`, the strokes so far.
        mean_square: mean squared error before the last step, at the working resolution.
        step_count: total number of gradient steps.
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
        """Human-readable description of the current stage."""
        ...

    @property
    def finished(self) -> bool: ...

    @property
    def identity(self) -> dict[str, Any]:
        """JSON-serializable settings of the search itself that affect its result, beyond the problem."""
        ...

    def step(self) -> None:
        """Takes one step. Must not be called once finished."""
        ...

    def work(self) -> tuple[float, float]:
        """(done, total), in arbitrary units proportional to time."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """The complete state, as tensors on the CPU."""
        ...

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restores a state from `state_dict()`; the search then continues bit for bit. ValueError if it does not fit,
        also after a part of it was taken."""
        ...
