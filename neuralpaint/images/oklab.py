"""OKLab: a colour space in which equal distances look about equally large.

Björn Ottosson, "A perceptual color space for image processing", 2020 (https://bottosson.github.io/posts/oklab/); sRGB's
curve is that of IEC 61966-2-1.
"""

from __future__ import annotations

import numpy as np

# Linear sRGB to the responses of the eye's cones, and the cube roots of those to L, a, b.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_CONES, _FROM_LAB = np.linalg.inv(_CONES), np.linalg.inv(_LAB)


def to_oklab(rgb: np.ndarray) -> np.ndarray:
    """sRGB `[..., 3]` in [0, 1] to OKLab: lightness in [0, 1], a (green to red) and b (blue to yellow), float64."""
    rgb = np.asarray(rgb, dtype=np.float64)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((np.maximum(rgb, 0.0) + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _CONES.T) @ _LAB.T


def from_oklab(lab: np.ndarray) -> np.ndarray:
    """OKLab `[..., 3]` to sRGB in [0, 1], float64; colours that sRGB lacks are clipped to it."""
    linear = ((np.asarray(lab, dtype=np.float64) @ _FROM_LAB.T) ** 3 @ _FROM_CONES.T).clip(0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
