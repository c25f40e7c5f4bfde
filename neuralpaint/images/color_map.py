"""Optimal transport of colours: a map from the colours of one picture to those of another."""

from __future__ import annotations

import numpy as np

from neuralpaint.images.oklab import from_oklab, to_oklab

_ROUNDS = 10
_QUANTILES = 48  # of a map in one direction
SAMPLES = 1 << 14
"""Colours that are enough to know a picture's."""


class ColorMap:
    """The sliced transport map between two sets of colours, in OKLab.

    Along the axes of random rotations, one after another, it moves colours so that their distribution becomes that of
    the other set: Pitié, Kokaram and Dahyot, "N-dimensional probability density function transfer and its application
    to color transfer", ICCV 2005. It is kept as the quantiles of each step, so that it applies to any colours.

    Args:
        source, target: sRGB `[N, 3]` and `[M, 3]` in [0, 1], at least one each.
        weights: `[N]`, ≥ 0 and not all 0: how much each of `source` counts; all alike by default.
        seed: of the rotations.
    """

    def __init__(
        self, source: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None, seed: int = 0
    ) -> None:
        random = np.random.default_rng(seed)
        points, wanted = to_oklab(_some(source, random, weights)), to_oklab(_some(target, random))
        levels = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
        self._steps: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for turn in range(_ROUNDS):
            rotation = np.eye(3) if turn == 0 else np.linalg.qr(random.standard_normal((3, 3)))[0]
            have, want = np.quantile(points @ rotation, levels, 0), np.quantile(wanted @ rotation, levels, 0)
            self._steps.append((rotation, have, want))
            points = _moved(points, rotation, have, want)

    def __call__(self, colors: np.ndarray) -> np.ndarray:
        """sRGB colours `[..., 3]` in [0, 1], moved: float64, in [0, 1]."""
        points = to_oklab(np.asarray(colors).reshape(-1, 3))
        for step in self._steps:
            points = _moved(points, *step)
        return from_oklab(points).reshape(np.shape(colors))


def _moved(points: np.ndarray, rotation: np.ndarray, have: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Points `[N, 3]` after one step: between quantiles linearly, beyond the last ones by as much as these."""
    turned = points @ rotation
    for axis in range(3):
        turned[:, axis] += np.interp(turned[:, axis], have[:, axis], (want - have)[:, axis])
    return turned @ rotation.T


def _some(colors: np.ndarray, random: np.random.Generator, weights: np.ndarray | None = None) -> np.ndarray:
    """At most `SAMPLES` of colours `[N, 3]`; with weights, as many drawn by them."""
    if weights is not None:
        return colors[random.choice(len(colors), SAMPLES, p=weights / weights.sum())]
    return colors if len(colors) <= SAMPLES else colors[random.choice(len(colors), SAMPLES, replace=False)]
