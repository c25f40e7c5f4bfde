"""Adam and RMSprop as functions on tensors.

Unlike `torch.optim`, they import instantly (`torch.optim` imports the compiler, which takes seconds), keep their state
in the caller's tensors, and read everything that changes between steps from tensors, so a step can be captured in a
CUDA graph and replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neuralpaint.ops.projected_adam import BETAS, EPSILON
from neuralpaint.search.state import take

_RMSPROP_SMOOTHING, _RMSPROP_EPSILON = 0.99, 1e-8


def adam_schedule(rates: Sequence[float], betas: tuple[float, float] = BETAS) -> Tensor:
    """`[steps, 2]`, float64: for step t = 1, 2 …, the learning rate over 1 − β₁ᵗ, and 1 / √(1 − β₂ᵗ).

    These are the bias corrections of Kingma & Ba, "Adam", ICLR 2015, algorithm 1, computed ahead of time.
    """
    count = torch.arange(1, len(rates) + 1, dtype=torch.float64, device="cpu")
    first, second = betas
    rate = torch.tensor(rates, dtype=torch.float64, device="cpu")
    return torch.stack([rate / (1 - first**count), (1 - second**count).rsqrt()], 1)


def adam_step_(
    parameters: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    size: Tensor,
    correction: Tensor,
    betas: tuple[float, float] = BETAS,
    epsilon: float = EPSILON,
) -> None:
    """One step of Adam (Kingma & Ba, ICLR 2015, algorithm 1), in place.

    Args:
        parameters: of any shape; updated in place.
        gradient: of the same shape.
        mean, square: running averages of the gradient and of its square, of the same shape; zero before the first step,
            updated in place.
        size, correction: scalars, the row of `adam_schedule` for this step; or any that broadcast, one for each row.
    """
    first, second = betas
    mean.lerp_(gradient, 1 - first)
    square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
    parameters.sub_(mean.div(square.sqrt().mul_(correction).add_(epsilon)).mul_(size))


@dataclass
class AdamRows:
    """The state of `ops.projected_adam_` for rows that come and go: each has taken a number of steps of its own.

    Attributes:
        mean, square: `[N, P]`, running averages of the gradient and of its square.
        age: `[N, 1]`, steps that each row has taken.
    """

    mean: Tensor
    square: Tensor
    age: Tensor

    @classmethod
    def new(cls, parameters: Tensor) -> AdamRows:
        """For rows `[N, P]` that have taken no step."""
        return cls(torch.zeros_like(parameters), torch.zeros_like(parameters), torch.zeros_like(parameters[:, :1]))

    def select(self, rows: Tensor) -> AdamRows:
        """A copy of some rows: a mask or indices."""
        return AdamRows(self.mean[rows], self.square[rows], self.age[rows])

    def extended(self, count: int) -> AdamRows:
        """With `count` new rows at the end."""
        return AdamRows(*(torch.cat([old, old.new_zeros(count, old.shape[1])]) for old in self.tensors().values()))

    def replaced(self, rows: Tensor, new: AdamRows) -> AdamRows:
        """With other contents in some rows, at indices."""
        pairs = zip(self.tensors().values(), new.tensors().values(), strict=True)
        return AdamRows(*(old.index_copy(0, rows, own.to(old.device)) for old, own in pairs))

    def to(self, device: torch.device | str) -> AdamRows:
        return AdamRows(self.mean.to(device), self.square.to(device), self.age.to(device))

    def tensors(self) -> dict[str, Tensor]:
        """By their names in a checkpoint."""
        return {"adam.mean": self.mean, "adam.square": self.square, "adam.age": self.age}

    @classmethod
    def of(cls, state: Mapping[str, Tensor], shape: tuple[int, int]) -> AdamRows:
        """From `tensors()`. Raises ValueError if they are not for `shape`."""
        mean, square = take(state, "adam.mean", shape), take(state, "adam.square", shape)
        found = cls(mean, square, take(state, "adam.age", (shape[0], 1)))
        if (found.square < 0).any() or (found.age < 0).any():
            raise ValueError("adam.square and adam.age cannot be negative")
        return found


def rmsprop_step_(
    parameters: Tensor,
    gradient: Tensor,
    square: Tensor,
    rate: float,
    smoothing: float = _RMSPROP_SMOOTHING,
    epsilon: float = _RMSPROP_EPSILON,
) -> None:
    """One step of RMSprop (Tieleman & Hinton, 2012), in place; arguments as in `adam_step_`."""
    square.mul_(smoothing).addcmul_(gradient, gradient, value=1 - smoothing)
    parameters.addcdiv_(gradient, square.sqrt().add_(epsilon), value=-rate)
