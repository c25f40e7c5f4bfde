"""Adam and RMSprop as functions on tensors.

Unlike `torch.optim`, they import instantly (`torch.optim` imports the compiler, which takes seconds), keep their state
in the caller's tensors, and read everything that changes between steps from tensors, so a step can be captured in a
CUDA graph and replayed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

ADAM_BETAS = (0.9, 0.95)  # shorter memory than the usual 0.999: a phase has only a few dozen steps
_ADAM_EPSILON = 1e-8
_RMSPROP_SMOOTHING, _RMSPROP_EPSILON = 0.99, 1e-8


def adam_schedule(rates: Sequence[float], betas: tuple[float, float] = ADAM_BETAS) -> Tensor:
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
    betas: tuple[float, float] = ADAM_BETAS,
    epsilon: float = _ADAM_EPSILON,
) -> None:
    """One step of Adam (Kingma & Ba, ICLR 2015, algorithm 1), in place.

    Args:
        parameters: of any shape; updated in place.
        gradient: of the same shape.
        mean, square: running averages of the gradient and of its square, of the same shape; zero before the first step,
            updated in place.
        size, correction: scalars, the row of `adam_schedule` for this step.
    """
    first, second = betas
    mean.lerp_(gradient, 1 - first)
    square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
    parameters.sub_(mean.div(square.sqrt().mul_(correction).add_(epsilon)).mul_(size))


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
