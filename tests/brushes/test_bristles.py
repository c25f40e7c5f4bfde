import numpy as np
import pytest

from neuralpaint.brushes.bristles import bristle_textures

TOUCHES = [(seed, large) for large in (False, True) for seed in range(8)]


def correlation(image: np.ndarray, rows: int, columns: int) -> float:
    height, width = image.shape
    shifted, kept = image[rows:, columns:], image[: height - rows, : width - columns]
    return float(np.corrcoef(shifted.ravel(), kept.ravel())[0, 1])


def paint_statistics(alpha: np.ndarray, ridge: np.ndarray) -> tuple[float, float]:
    weight = alpha.astype(np.float64) / alpha.sum(dtype=np.float64)
    mean = float((weight * ridge).sum())
    return mean, float(np.sqrt((weight * (ridge - mean) ** 2).sum()))


def area_mean(image: np.ndarray, factor: int) -> np.ndarray:
    height, width = image.shape
    return image.reshape(height // factor, factor, width // factor, factor).mean(axis=(1, 3))


@pytest.mark.parametrize(("along", "across"), [(256, 64), (512, 128), (64, 32), (100, 30)])
@pytest.mark.parametrize("large", [False, True])
def test_shape_type_and_range(along: int, across: int, large: bool) -> None:
    for texture in bristle_textures(3, along, across, large):
        assert texture.shape == (across, along)
        assert texture.dtype == np.float32
        assert texture.min() >= 0 and texture.max() <= 1
        assert not texture.flags.writeable


@pytest.mark.parametrize("large", [False, True])
def test_same_seed_same_touch(large: bool) -> None:
    first = bristle_textures(5, large=large)
    assert bristle_textures(5, large=large) is first
    bristle_textures.cache_clear()
    again = bristle_textures(5, large=large)
    assert again is not first
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_seeds_and_sizes_give_different_touches() -> None:
    touches = [bristle_textures(seed, large=large) for seed, large in TOUCHES]
    for i, (alpha, ridge) in enumerate(touches):
        for other_alpha, other_ridge in touches[:i]:
            assert np.abs(alpha - other_alpha).mean() > 0.01
            assert np.abs(ridge - other_ridge).mean() > 0.05


@pytest.mark.parametrize(("seed", "large"), TOUCHES)
def test_paint_is_opaque_inside_and_absent_at_the_border(seed: int, large: bool) -> None:
    alpha, _ = bristle_textures(seed, large=large)
    height, width = alpha.shape
    inner = alpha[height // 10 : height - height // 10, width // 10 : width - width // 10]
    assert inner.mean() >= 0.93
    assert alpha.mean() >= 0.78
    assert (inner > 0.999).mean() >= 0.9
    for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
        assert not edge.any()


@pytest.mark.parametrize(("seed", "large"), TOUCHES)
def test_edges_are_ragged_and_antialiased(seed: int, large: bool) -> None:
    alpha, _ = bristle_textures(seed, large=large)
    rows = alpha[8:-8]
    covered = rows > 0.5
    first, last = covered.argmax(axis=1), covered[:, ::-1].argmax(axis=1)
    assert first.std() >= 1.0 and last.std() >= 1.0
    assert len(np.unique(first)) > 4 and len(np.unique(last)) > 4
    partial = alpha[(alpha > 0) & (alpha < 1)]
    assert len(np.unique(partial)) > 50
    # Soft edges stay thin: the touch must not look blurred.
    assert 0.01 < partial.size / alpha.size < 0.25


def test_the_lift_is_more_broken_than_the_load() -> None:
    depth = 24
    load, lift = (
        np.mean([bristle_textures(seed, large=large)[0][8:-8, side].mean() for seed, large in TOUCHES])
        for side in (slice(1, depth), slice(-depth, -1))
    )
    assert lift < load - 0.05


@pytest.mark.parametrize(("seed", "large"), TOUCHES)
def test_ridges_keep_the_colour_on_average(seed: int, large: bool) -> None:
    mean, deviation = paint_statistics(*bristle_textures(seed, large=large))
    assert mean == pytest.approx(0.5, abs=1e-4)
    assert 0.08 <= deviation <= 0.14


def test_a_large_brush_is_gentler() -> None:
    for seed in range(8):
        small, large = bristle_textures(seed), bristle_textures(seed, large=True)
        assert paint_statistics(*large)[1] < paint_statistics(*small)[1]
        assert large[0].mean() > small[0].mean()


@pytest.mark.parametrize(("seed", "large"), TOUCHES)
def test_ridges_are_streaks_along_the_touch(seed: int, large: bool) -> None:
    _, ridge = bristle_textures(seed, large=large)
    assert correlation(ridge, 0, 4) > max(0.85, correlation(ridge, 4, 0) + 0.3)
    along = next(lag for lag in range(1, 255) if correlation(ridge, 0, lag) < 0.5)
    across = next(lag for lag in range(1, 63) if correlation(ridge, lag, 0) < 0.5)
    assert along >= 10 * across


@pytest.mark.parametrize("large", [False, True])
def test_one_seed_is_one_touch_at_any_resolution(large: bool) -> None:
    coarse_alpha, coarse_ridge = bristle_textures(1, 256, 64, large)
    fine_alpha, fine_ridge = bristle_textures(1, 1024, 256, large)
    assert np.abs(area_mean(fine_alpha, 4) - coarse_alpha).mean() < 0.03
    assert np.corrcoef(area_mean(fine_ridge, 4).ravel(), coarse_ridge.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("arguments", [{"seed": -1}, {"along": 16}, {"across": 8}])
def test_bad_arguments(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        bristle_textures(**arguments)
