"""Settings for training a style network."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from neuralpaint.losses.features.statistics import Statistics, check_statistics
from neuralpaint.styles.architecture import get_architecture
from neuralpaint.utils.validation import check_positive, check_weight, check_whole, unknown_name

STYLE_SIZE = 448  # shorter side of a painting in pixels: about the size of the photos to be stylized
_RISE = 100  # maximum number of learning-rate warm-up steps


@dataclass(frozen=True)
class StyleSettings:
    """One training run. The same settings on the same machine give the same network.

    Attributes:
        architecture: "paper" or "light".
        steps: gradient steps.
        batch: photos per step, over all processes, each with its own style.
        size: size of the photo crops, in pixels.
        style_size: shorter side of the paintings, in pixels; larger paintings give larger strokes.
        warm_up: number of initial steps with only a pixel loss against the photo. They are cheap, and a network that
            reproduces its input learns styles faster. 0 for none (as in the paper).
        lessons: number of steps, after those of `warm_up`, that learn from pictures by the bundled network for any
            picture's style instead of from photos: see `teacher`. 0 for none (as in the paper).
        lesson_photos: number of different pictures to learn from; each is made once.
        learning_rate: peak learning rate.
        affine_rate: factor of the learning rate for γ and β, of which a style has its own, so that they see few steps.
        schedule: "constant" (as in the paper), or "cosine" decay to zero over all steps.
        statistics: what the style loss compares: "gram" (as in the paper), or "covariance", which learns more of the
            touch of a painting; see `losses.features.statistics`.
        content_weight, style_weight: loss weights.
        smoothness: weight of the mean squared difference between neighbouring pixels. The features see at most half the
            resolution; without this term, networks produce pixel-scale patterns.
        ema: decay of the exponential average of the weights that is evaluated and saved; lower in the first steps.
        seed: random seed for weights, crops and the order of styles.
        eval_every, picture_every: steps between evaluations and between sample sheets; 0 for never.

    Raises:
        TypeError, ValueError: a setting has the wrong type or is out of range; the message names it.
    """

    architecture: str = "paper"
    steps: int = 40_000
    batch: int = 16
    size: int = 256
    style_size: int = STYLE_SIZE
    warm_up: int = 0
    lessons: int = 0
    lesson_photos: int = 2000
    learning_rate: float = 1e-3
    affine_rate: float = 1.0
    schedule: str = "constant"
    statistics: Statistics = "gram"
    content_weight: float = 1.0
    style_weight: float = 10.0
    smoothness: float = 80.0
    ema: float = 0.999
    seed: int = 0
    eval_every: int = 500
    picture_every: int = 500

    def __post_init__(self) -> None:
        get_architecture(self.architecture)
        check_statistics(self.statistics)
        if self.schedule not in ("constant", "cosine"):
            raise ValueError(unknown_name("schedule", str(self.schedule), ["constant", "cosine"]))
        for name, low in (
            ("steps", 1),
            ("batch", 1),
            ("size", 32),
            ("style_size", 32),
            ("warm_up", 0),
            ("lessons", 0),
            ("lesson_photos", 1),
            ("seed", 0),
            ("eval_every", 0),
            ("picture_every", 0),
        ):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), low))
        for name in ("learning_rate", "affine_rate", "content_weight", "style_weight"):
            check_positive(name, getattr(self, name))
        check_weight("smoothness", self.smoothness)
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema must be in [0, 1), got {self.ema}")

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        rate = self.learning_rate * min(1.0, (step + 1) / min(_RISE, max(1, self.steps // 10)))
        return rate if self.schedule == "constant" else rate * 0.5 * (1 + math.cos(math.pi * step / self.steps))

    def identity(self) -> dict[str, Any]:
        """Settings that a checkpoint must match: all but the number of steps and the evaluation intervals."""
        return {k: v for k, v in asdict(self).items() if k not in ("steps", "eval_every", "picture_every")}


# Adam 1e-3, batch 16 and 40,000 steps at 256² are from the paper's appendix; `small` takes hours on two cores.
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
        "affine_rate": 4.0,
        "lessons": 4600,
        "statistics": "covariance",
        "style_weight": 6.0,
        "smoothness": 20.0,
        "ema": 0.998,
    },
}
