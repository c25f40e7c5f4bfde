"""The smallest engine: soft ellipses of one colour, by numpy. See docs/engines.md.

neuralpaint train-renderer --engine examples.engines.ellipse:draw --size 32 --steps 1000 --out ellipse
neuralpaint paint photo.jpg -o painting.png --engine examples.engines.ellipse:draw --renderer ellipse
"""

import numpy as np

from neuralpaint.engines import BOX, ONE_COLOR, EngineSpec


@EngineSpec("ellipse", (*BOX, "softness", *ONE_COLOR, "a"), geometry="box")
def draw(strokes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Strokes `[N, 10]` in [0, 1] as foreground `[N, 3, size, size]` and alpha `[N, 1, size, size]`."""
    xc, yc, w, h, theta, softness, _, _, _, a = (column[:, None, None] for column in strokes.T)
    place = (np.arange(size, dtype=np.float32) + 0.5) / size  # pixel centres
    dx, dy = place[None, None, :] - xc, place[None, :, None] - yc
    cos, sin = np.cos(np.pi * theta), np.sin(np.pi * theta)
    u, v = (dx * cos - dy * sin) / (w / 2 + 1e-6), (dx * sin + dy * cos) / (h / 2 + 1e-6)
    depth = 1 - np.sqrt(u * u + v * v)
    pixel = 1 / (size * (np.minimum(w, h) / 2 + 1e-6))
    alpha = np.clip(depth / np.maximum(softness, pixel), 0, 1)[:, None]
    foreground = np.where(alpha > 0, strokes[:, 6:9, None, None], 0)
    return foreground.astype(np.float32), (alpha * a[:, None]).astype(np.float32)
