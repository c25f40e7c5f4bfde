"""Optimal transport of colours."""

import numpy as np
import pytest

from neuralpaint.images.color_map import ColorMap
from neuralpaint.images.oklab import to_oklab


def colors(low, high, count=600, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (count, 3))


BLUES, REDS = colors((0.1, 0.2, 0.5), (0.3, 0.5, 0.9)), colors((0.6, 0.1, 0.1), (1.0, 0.5, 0.2), seed=1)


def test_colours_become_those_of_the_other_picture():
    moved = to_oklab(ColorMap(BLUES, REDS)(BLUES))
    wanted = to_oklab(REDS)
    assert np.abs(moved.mean(0) - wanted.mean(0)).max() < 0.01
    assert np.abs(np.cov(moved.T) - np.cov(wanted.T)).max() < 0.0015
    apart = np.abs(to_oklab(BLUES).mean(0) - wanted.mean(0)).max()
    assert apart > 0.1


def test_light_stays_lighter_than_dark():
    moved = to_oklab(ColorMap(BLUES, REDS)(BLUES))[:, 0]
    assert np.corrcoef(to_oklab(BLUES)[:, 0], moved)[0, 1] > 0.8


def test_equal_colours_stay():
    assert np.abs(ColorMap(BLUES, BLUES)(BLUES) - BLUES).max() < 0.02


def test_what_weighs_nothing_does_not_count():
    both, weights = np.concatenate([BLUES, REDS]), np.repeat([1.0, 0.0], 600)
    alone, weighted = (ColorMap(*parts) for parts in ((BLUES, REDS), (both, REDS, weights)))
    assert np.abs(alone(BLUES).mean(0) - weighted(BLUES).mean(0)).max() < 0.02


@pytest.mark.parametrize("given", [np.zeros((1, 3)), np.ones((2, 3)), np.array([[0.5, 0.5, 0.5]] * 9)])
def test_few_or_equal_colours(given):
    moved = ColorMap(given, REDS)(np.concatenate([given, BLUES]).reshape(-1, 1, 3))
    assert moved.shape == (len(given) + 600, 1, 3)
    assert np.isfinite(moved).all() and moved.min() >= 0 and moved.max() <= 1
