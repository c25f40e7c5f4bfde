"""The oil brush's bristle texture, made from how a flat brush touches a canvas.

A touch has three phases along its length. *Load*: the bristles land, each at its own place, and the paint starts as a
ragged front. *Drag*: the bristles run side by side and comb the paint into long, fine ridges; paint that is pushed
out of the way piles up along the two sides. *Lift*: the brush runs dry and leaves the canvas; bristle after bristle
breaks contact, so streaks of the ground show through, the tooth of the canvas catches the last paint, and the end is
more ragged than the start.

Two coordinates describe this. ``x`` in (0, 1) runs along the touch from load to lift, ``v`` in (0, 1) counts the
bristles from one side to the other. The bristles follow the sides: ``v = (y - top(x)) / (bottom(x) - top(x))``, with
``top`` and ``bottom`` slow waves in ``x``; a function that changes slowly in ``x`` and fast in ``v`` is therefore a
field of streaks that wander a little with the touch. All the randomness is value noise on lattices whose sizes do not
depend on the texture's size: one seed is one touch, at any resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from neuralpaint.utils.noise import LatticeNoise, smoothstep

__all__ = ["bristle_textures"]

# Samples per texel along and across; the texture is their area average, which antialiases every edge.
_OVERSAMPLE_ALONG = 2
_OVERSAMPLE_ACROSS = 3


@dataclass(frozen=True)
class _Touch:
    """What differs between a small and a large brush; lengths are fractions of the touch's length or width."""

    clumps: int  # groups of bristles that stick together, across the touch
    bristles: int  # bristles across the touch
    hairs: int  # finest streaks across the touch
    start: float  # depth of the ragged front where the bristles land
    stop: float  # depth of the ragged end where they lift
    side: float  # depth of the waves of the two sides
    dry: float  # share of the paint that the dry brush leaves out at the very end
    contrast: float  # standard deviation of the ridge channel over paint


_SMALL = _Touch(clumps=7, bristles=26, hairs=60, start=0.085, stop=0.13, side=0.057, dry=0.40, contrast=0.104)
_LARGE = _Touch(clumps=12, bristles=44, hairs=96, start=0.045, stop=0.085, side=0.045, dry=0.38, contrast=0.090)


def _step(t: np.ndarray) -> np.ndarray:
    """From 0 to 1 as t does, smoothly."""
    return smoothstep(np.clip(t, 0.0, 1.0))


def _look_up(table: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Linear interpolation in values spaced evenly over [0, 1]; far quicker here than `np.interp`."""
    p = position * np.float32(len(table) - 1)
    cell = np.minimum(p.astype(np.int32), len(table) - 2)
    near = table[cell]
    return near + (table[cell + 1] - near) * (p - cell.astype(np.float32))


def _ragged(noise: LatticeNoise, v: np.ndarray, touch: _Touch) -> np.ndarray:
    """How far each bristle stays short of the touch's end, in [0, 1]: clumps of bristles, bristles and hairs.

    The powers make falling short the exception: most of the width reaches far, a few bites go deep.
    """
    clumps = noise.line(v, touch.clumps) ** 1.5
    bristles = noise.line(v, touch.bristles) ** 2
    hairs = noise.line(v, touch.hairs) ** 2
    corner = np.abs(2.0 * v - 1.0) ** 5
    return np.minimum(0.40 * clumps + 0.30 * bristles + 0.14 * hairs + 0.42 * corner, 1.0)


def _side(noise: LatticeNoise, x: np.ndarray, touch: _Touch) -> np.ndarray:
    """How far a side stays off the rectangle's edge: slow waves, and drawn in where the brush lands and lifts."""
    wave = 0.50 * noise.line(x, 3) + 0.40 * noise.line(x, 8) ** 1.5
    return np.float32(0.010) + touch.side * (wave + 0.9 * np.abs(2.0 * x - 1.0) ** 10)


def _fray(noise: LatticeNoise, x: np.ndarray, touch: _Touch) -> np.ndarray:
    """Small nicks along a side. They belong to the outline only: the bristles inside run on undisturbed."""
    return touch.side * (0.30 * noise.line(x, 23) ** 2 + 0.25 * noise.line(x, 70) ** 2)


def _block_mean(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    rows = image.reshape(height // _OVERSAMPLE_ACROSS, _OVERSAMPLE_ACROSS, width).mean(axis=1)
    return rows.reshape(len(rows), width // _OVERSAMPLE_ALONG, _OVERSAMPLE_ALONG).mean(axis=2)


@lru_cache(maxsize=32)
def bristle_textures(
    seed: int = 0, along: int = 256, across: int = 64, large: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """One touch of an oil brush: where its paint is and how the bristles combed it.

    The touch fills a rectangle; the brush lands at its left end (column 0) and lifts at its right end.

    Args:
        seed: which touch, at least 0; every seed gives another one, the same on every call.
        along: texels along the touch, at least 32.
        across: texels across the touch, at least 16.
        large: the touch of a big brush: more and finer bristles, gentler raggedness, lower contrast.

    Returns:
        alpha, float32 [across, along] in [0, 1]: the paint's coverage. Opaque inside, ragged at both ends, 0 in the
        border texels, so that a clamped look-up never smears paint out of the rectangle.

        ridge, float32 [across, along] in [0, 1]: light (> 0.5) and dark (< 0.5) streaks for the soft-light law
        ``c + (2 * ridge - 1) * c * (1 - c)``; its mean over the paint is 0.5, so that a stroke keeps its colour on
        average. It goes on smoothly where there is no paint, so that averaging it for smaller strokes mixes nothing
        foreign in.

        Both arrays are shared between calls and read-only.

    Raises:
        ValueError: a negative seed, or a texture too small to hold bristles.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    if along < 32 or across < 16:
        raise ValueError(f"a bristle texture needs at least 32 x 16 texels, got along={along}, across={across}")
    touch = _LARGE if large else _SMALL
    noise = LatticeNoise(seed, int(large))

    columns, rows = along * _OVERSAMPLE_ALONG, across * _OVERSAMPLE_ACROSS
    x = (np.arange(columns, dtype=np.float32) + 0.5) / columns
    y = ((np.arange(rows, dtype=np.float32) + 0.5) / rows)[:, None]

    # Drag: the sides, and the bristles between them. Bristles are not evenly spaced, so v is stretched here and there.
    top, bottom = _side(noise, x, touch), 1.0 - _side(noise, x, touch)
    v = (y - top) / (bottom - top)
    inside = np.clip(v, 0.0, 1.0)
    knots = np.linspace(0.0, 1.0, 17, dtype=np.float32)
    spacing = np.cumsum(0.35 + noise.line(knots[1:], 16))
    packed = _look_up(np.concatenate(([0.0], spacing / spacing[-1])).astype(np.float32), inside)

    # Load and lift: the place where each bristle starts and stops. Ends lean, as a brush is seldom held square.
    bristle = np.linspace(0.0, 1.0, 512, dtype=np.float32)
    lean = noise.uniform(-0.25, 0.25)
    start = 0.006 + touch.start * (_ragged(noise, bristle, touch) + np.maximum(lean * (2.0 * bristle - 1.0), 0.0))
    lean = noise.uniform(-0.25, 0.25)
    stop = 0.994 - touch.stop * (_ragged(noise, bristle, touch) + np.maximum(lean * (2.0 * bristle - 1.0), 0.0))
    from_start = x - _look_up(start, packed)
    to_stop = _look_up(stop, packed) - x
    frayed_top, frayed_bottom = top + _fray(noise, x, touch), bottom - _fray(noise, x, touch)
    from_side = np.minimum(y - frayed_top, frayed_bottom - y)

    # The outline, soft over one sample of the fine grid; the side's is one sample of the shorter way.
    paint = np.clip(np.minimum(np.minimum(from_start, to_stop) * columns, from_side * rows) + 0.5, 0.0, 1.0)

    # Dry brush: paint stays away where a bristle holds little of it and the canvas is low. Both matter only where the
    # brush is running dry, at the lift, and a little under the outer bristles, which are pressed less.
    hold = 0.60 * noise.grid(x, packed, 4, touch.bristles) + 0.40 * noise.grid(x, packed, 6, touch.hairs)
    tooth = noise.grid(x, packed, 48, touch.hairs)
    lifting = _step((x - 0.55) / 0.42)
    outer = np.exp(-np.maximum(from_side, 0.0) / 0.02) * (0.35 + 0.65 * x)
    dryness = touch.dry * lifting**2 + 0.30 * outer + 0.10 * np.exp(-np.maximum(from_start, 0.0) / 0.02)
    paint *= _step((0.9 * hold + 0.1 * tooth - dryness) / 0.06 + 0.5)

    _add_stray_bristles(paint, noise, x, y, top, bottom)

    alpha = _block_mean(paint).astype(np.float32)
    alpha[[0, -1], :] = 0.0
    alpha[:, [0, -1]] = 0.0

    shade = _shade(noise, x, packed, touch, hold, from_side, to_stop)
    ridge = _centre(shade, alpha, touch.contrast)
    alpha.setflags(write=False)
    ridge.setflags(write=False)
    return alpha, ridge


def _add_stray_bristles(
    paint: np.ndarray, noise: LatticeNoise, x: np.ndarray, y: np.ndarray, top: np.ndarray, bottom: np.ndarray
) -> None:
    """A few stray bristles draw thin lines of their own in the strip outside the sides."""
    strip = len(paint) // 6
    for edge, outward, band in ((top, -1.0, slice(0, strip)), (bottom, 1.0, slice(len(paint) - strip, len(paint)))):
        for _ in range(2):
            begin, length = noise.uniform(0.05, 0.75), noise.uniform(0.08, 0.25)
            line = edge + outward * noise.uniform(0.004, 0.014)
            taper = np.clip(np.minimum(x - begin, begin + length - x) / 0.03, 0.0, 1.0)
            width = 0.008 * taper * noise.line(x, 24)
            stray = np.clip((width - np.abs(y[band] - line)) * len(paint) + 0.5 * (taper > 0), 0.0, 1.0)
            paint[band] = np.maximum(paint[band], stray)


def _shade(
    noise: LatticeNoise,
    x: np.ndarray,
    packed: np.ndarray,
    touch: _Touch,
    hold: np.ndarray,
    from_side: np.ndarray,
    to_stop: np.ndarray,
) -> np.ndarray:
    """Light and dark of the relief: streaks at three scales, and the paint pushed to the sides and dropped at the lift.

    What the eye sees is mostly the height (thick paint catches the light), partly the slope across (a ridge has a lit
    and a shaded flank).
    """
    relief = 0.75 * noise.grid(x, packed, 2, touch.clumps)
    relief += 0.60 * noise.grid(x, packed, 3, touch.bristles)
    relief += 0.55 * noise.grid(x, packed, 6, touch.hairs)
    relief += 0.50 * hold
    relief += 0.40 * np.exp(-(((from_side - 0.035) / 0.022) ** 2))
    relief += 0.40 * np.exp(-(((to_stop - 0.020) / 0.016) ** 2))
    slope = np.gradient(relief, axis=0) * (len(relief) / 60.0)
    return _block_mean(relief + 0.45 * slope)


def _centre(shade: np.ndarray, alpha: np.ndarray, contrast: float) -> np.ndarray:
    """Bring the mean over paint to 0.5 and the standard deviation to `contrast`, and bend the extremes into (0, 1)."""
    weight = alpha.astype(np.float64) / alpha.sum(dtype=np.float64)
    level = shade.astype(np.float64)
    for limit in (3.0, None):
        level = level - (level * weight).sum()
        level = level / np.sqrt((level**2 * weight).sum())
        if limit is not None:
            level = limit * np.tanh(level / limit)
    return np.clip(0.5 + contrast * level, 0.0, 1.0).astype(np.float32)
