"""Renders paintings with the engine that their strokes belong to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from neuralpaint.engines.pool import EnginePool
from neuralpaint.images.io import to_pil
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.painting import Painting

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

_CHUNK = 64  # strokes drawn in parallel
_STEP = 64  # view sizes are rounded up to a multiple of this many pixels, so that similar strokes share a call
_EDGE = 2  # pixels of margin around the bounds of a stroke


@torch.no_grad()
def draw_painting(
    painting: Painting,
    pool: EnginePool,
    size: int | None = None,
    callback: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Renders a painting of engine strokes; the engine draws every stroke.

    Each stroke is drawn in a square view just large enough for it, at the resolution of the canvas, and composited:
    canvas · (1 − alpha) + foreground · alpha. All parameters passed to the engine are in [0, 1].

    Args:
        painting: its brush must belong to the engine.
        pool: the worker processes of the engine.
        size: pixels along the shorter side; the painting's by default.
        callback: called with (strokes done, total).

    Returns:
        float32 `[H, W, 3]` in [0, 1].

    Raises:
        ValueError: the painting has another brush, or the engine fails (`EngineError`).
    """
    brush = painting.brush
    if brush != pool.engine.spec.brush() or not brush.engine:
        raise ValueError(f"engine {pool.engine.address} does not draw the painting's brush, {brush.name!r}")
    scale = float(size or painting.size)
    height, width = painting.pixels(size)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = painting.background
    strokes = painting.strokes.cpu()
    box = brush.bounds(strokes) * scale
    largest = torch.maximum((box[:, 2:] - box[:, :2]).amax(1), strokes[:, list(brush.sizes)].amax(1) * scale)
    views = ((largest + 2 * _EDGE) / _STEP).ceil().clamp(min=1) * _STEP
    low = ((box[:, :2] + box[:, 2:] - views[:, None]) / 2).round()
    seen = brush.transform(strokes, scale / views, -low / views[:, None]).clamp(0, 1).numpy()
    sides, corners = views.int().tolist(), low.int().tolist()
    for start in range(0, len(strokes), _CHUNK):
        chunk = range(start, min(len(strokes), start + _CHUNK))
        drawn: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for side in {sides[k] for k in chunk}:
            same = [k for k in chunk if sides[k] == side]
            foreground, alpha = pool.draw(seen[same], side)
            drawn |= {k: (foreground[j], alpha[j]) for j, k in enumerate(same)}
        for k in chunk:
            _lay(canvas, *drawn[k], *corners[k])
        if callback is not None:
            callback(chunk.stop, len(strokes))
    return canvas


def _lay(canvas: np.ndarray, foreground: np.ndarray, alpha: np.ndarray, x: int, y: int) -> None:
    """Composites a stroke `[3, S, S]`, `[1, S, S]` onto a canvas `[H, W, 3]` with its top-left corner at (x, y)."""
    side = alpha.shape[-1]
    rows = slice(max(0, y), min(canvas.shape[0], y + side))
    columns = slice(max(0, x), min(canvas.shape[1], x + side))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    window = np.s_[:, rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
    cover = alpha[window].transpose(1, 2, 0)
    below = canvas[rows, columns]
    below += cover * (foreground[window].transpose(1, 2, 0) - below)


def draw_by(
    pool: EnginePool,
    painting: Painting,
    size: int | None = None,
    photo: Tensor | None = None,
    callback: Callable[[int, int], None] | None = None,
) -> tuple[Image.Image, float]:
    """(the painting rendered by its engine, its PSNR in dB against the photo at that size; NaN without a photo)."""
    picture = torch.from_numpy(draw_painting(painting, pool, size, callback)).permute(2, 0, 1)
    likeness = float("nan") if photo is None else psnr(picture, resize(photo.cpu(), *picture.shape[1:]))
    return to_pil(picture), likeness
