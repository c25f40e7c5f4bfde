"""The textures of the oil brush's relatives: what one touch of each leaves on the ground.

All are made anew from noise, two of each: for large strokes and for small ones, whose marks are coarser in proportion.
The brush lands at the left end of a texture and lifts at its right end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neuralpaint.brushes.bristles import bristle_textures
from neuralpaint.utils.noise import TableNoise, smoothstep

ALONG, ACROSS = 512, 128  # texels

Texture = tuple[np.ndarray, np.ndarray]


def touch_textures(touch: str) -> Texture:
    """(alpha, ridge), float32 `[2, TH, TW]` in [0, 1]: coverage and shading (½ is neutral), of large and of small
    strokes."""
    pairs = [_TOUCHES[touch](large) for large in (True, False)]
    alpha, ridge = (np.stack(planes).astype(np.float32) for planes in zip(*pairs, strict=True))
    alpha[:, [0, -1], :] = 0.0
    alpha[:, :, [0, -1]] = 0.0
    return alpha, ridge


def _flat(large: bool) -> Texture:
    """A flat bristle brush: see `bristles`."""
    return bristle_textures(along=ALONG, across=ACROSS, large=large)


def _long_flat(large: bool) -> Texture:
    """A flat brush with long bristles, drawn along a curve: as oil's, its ends shorter in proportion."""
    return bristle_textures(3, along=ALONG, across=ACROSS, large=large)


def _mop(large: bool) -> Texture:
    """A brush of soft hair: rounded ends that thin out, streaks that hardly show."""
    alpha, ridge = bristle_textures(9, along=ALONG, across=ACROSS, large=large)
    x, y = _grid()
    noise = TableNoise(71 + large)
    # The stroke is about four times as long as it is wide: its ends are half discs.
    end = np.maximum(1 - 8 * np.minimum(x, 1 - x), 0)
    reach = np.hypot(end, np.abs(2 * y - 1)) + 0.10 * (noise.at(x * 4, y * 22) - 0.5)
    held = np.where(x < 0.5, 1.0, alpha)  # lands softly, lifts bristle by bristle
    return held * _step((0.98 - reach) / 0.24), 0.5 + 0.6 * (ridge - 0.5)


def _filbert(large: bool) -> Texture:
    """A flat brush with a rounded tip: an oval whose edge follows the bristles."""
    alpha, ridge = bristle_textures(5, along=ALONG, across=ACROSS, large=large)
    x, y = _grid()
    noise = TableNoise(11 + large)
    reach = np.abs(2 * x - 1) ** 3.2 + np.abs(2 * y - 1) ** 2.6 + 0.10 * (noise.at(x * 2, y * 26) - 0.5)
    return alpha * _step((0.97 - reach) / 0.05), ridge


def _dab(large: bool) -> Texture:
    """The tip of a round brush, pressed down and lifted: a blob, thick at its rim."""
    x, y = _grid()
    noise = TableNoise(61 + large)
    angle = np.arctan2(y - 0.5, x - 0.5)
    wobble = 0.07 * (noise.at(4 + 3 * np.cos(angle), 4 + 3 * np.sin(angle)) - 0.5)
    reach = 2 * np.hypot(x - 0.5, y - 0.5) + wobble
    alpha = _step((0.95 - reach) / 0.03)
    relief = 0.5 * noise.at(x * 8, y * 8) + 0.3 * noise.at(x * 20, y * 16) + 0.5 * np.exp(-(((reach - 0.8) / 0.1) ** 2))
    return alpha, _centred(relief, alpha, 0.07)


def _dry(large: bool) -> Texture:
    """Little paint on stiff bristles: broken streaks, fewer towards the end, and where the ground is low none."""
    alpha, ridge = bristle_textures(7, along=ALONG, across=ACROSS, large=large)
    x, y = _grid()
    noise = TableNoise(23 + large)
    bristles = 44 if large else 26
    streak = 0.6 * noise.at(x * 3, y * bristles) + 0.4 * noise.at(x * 7, y * 2.3 * bristles)
    grain = noise.at(x * 90, y * 30)
    held = 0.78 * streak + 0.22 * grain
    return alpha * _step((held - (0.30 + 0.22 * x)) / 0.07 + 0.5), 0.5 + 1.25 * (ridge - 0.5)


def _knife(large: bool) -> Texture:
    """A palette knife: a smooth slab with straight sides, a bead of paint along them and where the knife is lifted."""
    x, y = _grid()
    noise = TableNoise(31 + large)
    near, far = 0.03 + 0.03 * noise.at(x * 5, 0 * y), 0.97 - 0.03 * noise.at(x * 5, 0 * y + 9)
    end = 0.97 - 0.035 * noise.at(0 * x, y * 4) - 0.02 * noise.at(0 * x, y * 40)
    start = 0.02 + 0.02 * noise.at(0 * x + 5, y * 14)
    side = np.minimum(y - near, far - y)
    alpha = _step(side / 0.012) * _step((x - start) / 0.004) * _step((end - x) / 0.004)
    # Where the blade drags over what is dry, paint is missing in a few long holes.
    alpha *= 1 - _step((noise.at(x * 6, y * 8) * noise.at(x * 30, y * 24 + 3) - 0.62) / 0.05)
    relief = 0.5 * noise.at(x * 2, y * 5) + 0.12 * noise.at(x * 4, y * 60)
    relief += 0.9 * np.exp(-(((side - 0.035) / 0.02) ** 2)) + 0.7 * np.exp(-((np.maximum(end - x, 0) / 0.012 - 1) ** 2))
    return alpha, _centred(relief, alpha, 0.085)


def _charcoal(large: bool) -> Texture:
    """A stick of charcoal drawn broadside over rough paper: the tooth of the paper takes it, the hollows do not."""
    x, y = _grid()
    noise = TableNoise(41 + large)
    scale = 1.0 if large else 0.6
    tooth = _tooth(noise, x, y, scale)
    pressed = 0.58 * _edge(x, 0.05) * _edge(y, 0.16) * (0.85 + 0.3 * noise.at(x * 3, y * 5))
    return _step((pressed - tooth) / 0.16 + 0.5), np.full_like(tooth, 0.5)


def _pastel(large: bool) -> Texture:
    """A stick of soft pastel: it fills the hollows of the paper but for a few, and crumbles at the sides."""
    x, y = _grid()
    noise = TableNoise(53 + large)
    tooth = _tooth(noise, x, y, 1.0 if large else 0.6)
    pressed = 0.76 * _edge(x, 0.035) * _edge(y, 0.10) * (0.9 + 0.2 * noise.at(x * 2, y * 9))
    alpha = _step((pressed - tooth) / 0.22 + 0.5)
    return alpha, _centred(0.8 * tooth + 0.6 * noise.at(x * 3, y * 40), alpha, 0.075)


_TOUCHES: dict[str, Callable[[bool], Texture]] = {
    "flat": _flat,
    "long flat": _long_flat,
    "mop": _mop,
    "filbert": _filbert,
    "dab": _dab,
    "dry": _dry,
    "knife": _knife,
    "charcoal": _charcoal,
    "pastel": _pastel,
}


def _tooth(noise: TableNoise, x: np.ndarray, y: np.ndarray, scale: float) -> np.ndarray:
    """How deep rough paper lies, 0 to 1. A stroke is about three times as long as it is wide."""
    grain = 0.45 * noise.at(x * 96 * scale, y * 32 * scale) + 0.35 * noise.at(x * 200 * scale, y * 66 * scale)
    return grain + 0.2 * noise.at(x * 24 * scale, y * 8 * scale)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """The centres of texels: x `[1, TW]` from where the brush lands, y `[TH, 1]` from one side, in (0, 1)."""
    return ((np.arange(ALONG) + 0.5) / ALONG)[None, :], ((np.arange(ACROSS) + 0.5) / ACROSS)[:, None]


def _edge(t: np.ndarray, width: float) -> np.ndarray:
    """1 in the middle of [0, 1], 0 at its ends."""
    return _step(np.minimum(t, 1 - t) / width)


def _step(t: np.ndarray) -> np.ndarray:
    """From 0 to 1 as t does, smoothly."""
    return smoothstep(np.clip(t, 0.0, 1.0))


def _centred(relief: np.ndarray, alpha: np.ndarray, contrast: float) -> np.ndarray:
    """Shading with a mean of ½ over the paint, so that a stroke keeps its colour, and this standard deviation."""
    weight = alpha / alpha.sum()
    level = relief - (relief * weight).sum()
    level = np.tanh(level / np.sqrt((level**2 * weight).sum()) / 3.0) * 3.0
    return np.clip(0.5 + contrast * (level - (level * weight).sum()), 0.0, 1.0)
