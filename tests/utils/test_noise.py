import hashlib

import numpy as np
import torch

from neuralpaint.utils.noise import LatticeNoise, TableNoise, hashed_grid, hashed_noise

POINTS = np.linspace(-3, 5, 161)


def values():
    """Each kind of noise on the line, away from zero where it can be there."""
    x = torch.from_numpy(POINTS)
    yield TableNoise(4).at(POINTS, POINTS * 0.7)
    yield hashed_noise(x, x * 0.7, 4).numpy()
    inside = np.linspace(0, 1, 161, dtype=np.float32)[:-1]
    yield LatticeNoise(4, 0).line(inside, 8)
    yield LatticeNoise(4, 0).grid(inside, inside[:, None] * np.ones_like(inside), 8, 5)[77]


def test_noise_is_smooth_and_fills_its_range():
    for noise in values():
        assert 0 <= noise.min() < 0.4 and 0.6 < noise.max() <= 1
        assert np.abs(np.diff(noise)).max() < 0.15  # a cell has twenty steps


def test_a_seed_is_one_noise_and_another_seed_another():
    x = torch.from_numpy(POINTS)
    assert (hashed_noise(x, x, 1) == hashed_noise(x, x, 1)).all() and (
        hashed_noise(x, x, 1) != hashed_noise(x, x, 2)
    ).any()
    assert (TableNoise(1).at(POINTS, POINTS) == TableNoise(1).at(POINTS, POINTS)).all()
    inside = np.linspace(0, 1, 9, dtype=np.float32)[:-1]
    assert (LatticeNoise(1, 0).line(inside, 4) != LatticeNoise(1, 1).line(inside, 4)).any()


def test_a_grid_of_noise_is_the_noise_at_its_points():
    x, y = torch.linspace(-3, 5, 50, dtype=torch.float64), torch.linspace(7, 9, 30, dtype=torch.float64)
    assert torch.allclose(hashed_grid(x, y, 3).double(), hashed_noise(x[None, :], y[:, None], 3), atol=1e-5)


def test_noise_never_changes():
    """The textures of brushes are made of it: these are sums of what it was when the textures were first made."""
    sums = [hashlib.sha256(np.ascontiguousarray(noise).tobytes()).hexdigest()[:16] for noise in values()]
    assert sums == [
        "ad6bb83c180eb122",
        "4e141d18cae2a30f",
        "5525202acc8cf36a",
        "d34e3937435923c9",
    ]
