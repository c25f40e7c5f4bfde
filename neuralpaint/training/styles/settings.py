"""What the training of a style network is told."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from neuralpaint.styles.architecture import get_architecture
from neuralpaint.utils.validation import check_positive, check_weight, check_whole, unknown_name

STYLE_SIZE = 448  # pixels along the shorter side of a painting: about as large as the photos that are stylised
_RISE = 100  # steps in which the learning rate rises, at most: a network that has no idea yet takes large ones badly


@dataclass(frozen=True)
class StyleSettings:
    """One training run. The same settings on the same machine give the same network.

    Attributes:
        architecture: "paper" or "light".
        steps: gradient steps ("updates").
        batch: photos in each, over all processes, each in a style of its own.
        size: side of a photo's piece, pixels.
        style_size: of the shorter side of the paintings, pixels: larger ones have larger strokes.
        warm_up: of the steps, how many first ask only for the photo itself, pixel by pixel: they cost little, and a
            network that keeps the picture learns styles sooner. 0 for none (the paper's).
        learning_rate: the largest.
        schedule: "constant" (the paper's), or "cosine" to zero over all steps.
        content_weight, style_weight: of the two losses.
        smoothness: weight of the mean squared difference between neighbouring pixels. The features see no more than
            half the size; without it a network fills what is finer with a weave.
        ema: decay of the running mean of the weights that is evaluated and saved; shorter in the first steps.
        seed: of weights, pieces and the order of styles.
        eval_every, picture_every: steps between evaluations and between sample sheets; 0 for never.

    Raises:
        TypeError, ValueError: a setting is of the wrong type or out of its range; the message names it.
    """

    architecture: str = "paper"
    steps: int = 40_000
    batch: int = 16
    size: int = 256
    style_size: int = STYLE_SIZE
    warm_up: int = 0
    learning_rate: float = 1e-3
    schedule: str = "constant"
    content_weight: float = 1.0
    style_weight: float = 10.0
    smoothness: float = 80.0
    ema: float = 0.999
    seed: int = 0
    eval_every: int = 500
    picture_every: int = 500

    def __post_init__(self) -> None:
        get_architecture(self.architecture)
        if self.schedule not in ("constant", "cosine"):
            raise ValueError(unknown_name("schedule", str(self.schedule), ["constant", "cosine"]))
        for name, low in (
            ("steps", 1),
            ("batch", 1),
            ("size", 32),
            ("style_size", 32),
            ("warm_up", 0),
            ("seed", 0),
            ("eval_every", 0),
            ("picture_every", 0),
        ):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), low))
        for name in ("learning_rate", "content_weight", "style_weight"):
            check_positive(name, getattr(self, name))
        check_weight("smoothness", self.smoothness)
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema must be in [0, 1), got {self.ema}")

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        rate = self.learning_rate * min(1.0, (step + 1) / min(_RISE, max(1, self.steps // 10)))
        return rate if self.schedule == "constant" else rate * 0.5 * (1 + math.cos(math.pi * step / self.steps))

    def identity(self) -> dict[str, Any]:
        """What a checkpoint must agree with to go on: all but how long to train and how often to look."""
        return {k: v for k, v in asdict(self).items() if k not in ("steps", "eval_every", "picture_every")}


# Adam 1e-3, batch 16, 40,000 updates at 256² are the paper's (appendix); `small` is what two cores finish in hours.
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {"architecture": "paper"},
    "small": {
        "architecture": "light",
        "steps": 5000,
        "batch": 4,
        "size": 128,
        "warm_up": 400,
        "learning_rate": 5e-3,
        "schedule": "cosine",
        "ema": 0.998,
    },
}
