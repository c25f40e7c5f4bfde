"""Training settings: network, number of steps, learning rate schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from neuralpaint.utils.validation import check_positive, check_whole, unknown_name

# SNP §4.1: Adam 2e-4, batch 64, a tenth of the rate after each quarter, 400 epochs of 50,000 strokes.
PAPER_STEPS, PAPER_RATE = 312_500, 2e-4
_WARM_UP = 0.1  # fraction of the steps, for the fast schedule
SCHEDULES = ("fast", "paper")


@dataclass(frozen=True)
class TrainingSettings:
    """One training run. The same settings on the same machine give the same network.

    Attributes:
        steps: gradient steps.
        batch: strokes per step, over all processes.
        learning_rate: peak learning rate; the default depends on schedule and network.
        schedule: "fast": warm-up over a tenth of the steps, then cosine decay to zero; "paper": 2e-4, divided by 10
            after each quarter of the steps.
        ema: decay of the exponential average of the weights that is evaluated and saved; lower in the first steps.
        seed: random seed for weights and strokes.
        eval_every, picture_every: steps between evaluations and between sample images; 0 for never.
    """

    network: str = "coordinate"
    brush: str = "oil"
    size: int = 128
    steps: int = 10_000
    batch: int = 64
    learning_rate: float | None = None
    schedule: str = "fast"
    ema: float = 0.999
    seed: int = 0
    eval_every: int = 250
    picture_every: int = 1000

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ValueError(unknown_name("schedule", str(self.schedule), list(SCHEDULES)))
        for name, low in (
            ("size", 8),
            ("steps", 1),
            ("batch", 2),
            ("eval_every", 0),
            ("picture_every", 0),
            ("seed", 0),
        ):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), low))
        if self.learning_rate is not None:
            check_positive("learning_rate", self.learning_rate)
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema must be in [0, 1), got {self.ema}")

    @property
    def rate(self) -> float:
        """The peak learning rate."""
        if self.learning_rate is not None:
            return self.learning_rate
        if self.schedule == "paper":
            return PAPER_RATE
        return 4e-3 if self.network == "coordinate" else 1e-3

    def factor(self, step: int) -> float:
        """Factor of the learning rate at a step, counted from 0."""
        done = step / self.steps
        if self.schedule == "paper":
            return 0.1 ** min(3, math.floor(4 * done))
        if done < _WARM_UP:
            return max(0.02, done / _WARM_UP)
        return 0.5 * (1 + math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP)))

    def identity(self) -> dict[str, Any]:
        """Settings that a checkpoint must match: all but the evaluation intervals."""
        names = ("network", "brush", "size", "steps", "batch", "schedule", "ema", "seed")
        return {name: getattr(self, name) for name in names} | {"learning_rate": self.rate}
