"""The few colours that a machine paints a painting with: its palette, and the entry of each stroke."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuralpaint.images.palette import Palette

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

_COLORS = 6  # of a painting without a palette


def stroke_colors(painting: Painting) -> np.ndarray:
    """`[N, 3]`: the colour of each stroke, the mean of its two if it has two; sRGB in [0, 1]."""
    strokes = painting.strokes.cpu().double().clamp(0, 1)
    return np.mean([strokes[:, part].numpy() for part in painting.brush.colors], axis=0)


def palette_of(painting: Painting) -> Palette:
    """The palette that a painting was searched with; of any other the 6 colours that its strokes come nearest to.

    Raises:
        ValueError: its metadata has a palette that is none.
    """
    if "palette" in painting.metadata:
        return Palette.from_json(painting.metadata["palette"])
    if len(painting) == 0:
        return Palette(((0.0, 0.0, 0.0),))
    bounds = painting.brush.bounds(painting.strokes.cpu())
    area = (bounds[:, 2:] - bounds[:, :2]).prod(1).clamp_min(1e-9).numpy()
    return Palette.from_colors(stroke_colors(painting), _COLORS, weights=area)
