"""Brushes and seeded strokes that the tests of `rasterize` and `render` share."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from neuralpaint.brushes import Brush, TexturedBrush, get_brush

BRUSHES = ("oil", "watercolor", "marker", "tape", "pixel", "round", "flat", "textured")


@functools.cache
def brush_named(name: str) -> Brush:
    """A built-in brush, or "textured": a user's own texture, not square, that differs along and across."""
    if name != "textured":
        return get_brush(name)
    along, across = np.meshgrid(np.linspace(0, 1, 32), np.linspace(0, 1, 8))
    noise = np.random.default_rng(5).random((2, 8, 32))
    alpha = 0.35 + 0.4 * along + 0.25 * noise[0]
    ridge = 0.2 + 0.4 * across + 0.4 * noise[1]
    texels = [np.round(255 * plane).astype(np.uint8) for plane in (alpha, ridge)]
    return TexturedBrush(name="textured", alpha=texels[0], ridge=texels[1])


def random_strokes(brush: Brush, *shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Strokes `[*shape, P]`, uniform in the whole parameter space; seeded, and the same numbers for every dtype.

    Random numbers keep away from the places where the true derivative jumps (pixels as near to one part of a curve as
    to another, texel centres, exactly straight marker strokes, whose nearest square is not unique), and the tests'
    seeds from pixels so near a centre of curvature that float32 can't tell where on the curve they belong.
    """
    generator = torch.Generator().manual_seed(seed)
    strokes = torch.rand(*shape, brush.num_parameters, generator=generator)
    for index, value in brush.held:
        if index != brush.opacity:  # a free opacity tests its derivative too
            strokes[..., index] = value
    return strokes.to(dtype)


def degenerate_strokes(brush: Brush, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Strokes `[1, P]` with no extent, out of sight, or at the corners of the parameter space."""
    plain = random_strokes(brush, 1, seed=3, dtype=dtype)

    def edited(values: dict[str, float]) -> Tensor:
        stroke = plain.clone()
        for name, value in values.items():
            if name in brush.parameters:
                stroke[0, brush.parameters.index(name)] = value
        return stroke

    length = {"x0": 0.4, "x2": 0.4, "y0": 0.6, "y2": 0.6}
    return {
        "zero length": edited(length | {"w": 0.0}),
        "zero radius": edited({"radius0": 0.0, "radius2": 0.0, "radius": 0.0, "h": 0.0}),
        "zero length and radius": edited(length | {"radius0": 0.0, "radius2": 0.0, "radius": 0.0, "w": 0.0, "h": 0.0}),
        "one end without radius": edited({"radius0": 0.0}),
        "control point on an end": edited({"x1": 0.0, "y1": 0.0}),
        "control point on the other end": edited({"x1": 1.0, "y1": 1.0}),
        "straight": edited({"x1": 0.3, "y1": 0.3}),
        "upright": edited({"x0": 0.5, "x2": 0.5, "theta": 0.5}),
        "level": edited({"y0": 0.5, "y2": 0.5, "theta": 0.0}),
        "far right": edited({"xc": 900.0, "x0": 900.0, "x2": 901.0}),
        "far up": edited({"yc": -900.0, "y0": -900.0, "y2": -901.0}),
        "across, from far outside": edited({"x0": -50.0, "x2": 60.0, "w": 40.0}),
        "all zeros": torch.zeros_like(plain),
        "all ones": torch.ones_like(plain),
    }


def away_from_edges(coverage: Tensor) -> Tensor:
    """1 where a stroke certainly covers something or nothing, 0 where rounding decides.

    The foreground jumps from 0 to the stroke's colour where coverage leaves 0, so there it can't be compared.
    """
    return ((coverage > 1e-4) | (coverage == 0)).to(coverage.dtype)


def composite(canvas: Tensor, foreground: Tensor, alpha: Tensor) -> Tensor:
    """h ← α·c + (1 − α)·h for `[B, 3, H, W]`, `[B, T, 3, H, W]`, `[B, T, 1, H, W]`."""
    for index in range(foreground.shape[1]):
        canvas = alpha[:, index] * foreground[:, index] + (1 - alpha[:, index]) * canvas
    return canvas
