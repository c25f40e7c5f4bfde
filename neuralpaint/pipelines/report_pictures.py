"""The pictures of a report, small enough to be kept in the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

    from neuralpaint.images.streaming import LargePhoto
    from neuralpaint.painting import Painting
    from neuralpaint.painting.exporters import VideoSettings

SHOWN = 1000  # pixels along the longer side of photo and painting
LEVEL = 300  # of the levels
_ANIMATED = ((640, 60), (560, 45), (480, 34), (360, 25), (240, 15))  # longer side and quality that are tried in turn
_ANIMATED_BYTES = 700_000
FRAMES, RATE = 84, 12  # of the animation, and in a second
_SEEN = 6  # of 255: a smaller difference of a pixel is left out of the animation


@dataclass(frozen=True)
class Animation:
    """Frames to be drawn over one another: (x, y, picture as a data URL; empty if nothing changes)."""

    width: int
    height: int
    frames: list[tuple[int, int, str]]


def fitted(painting: Painting, longest: int) -> Painting:
    """The painting at the size that has `longest` pixels along its longer side."""
    return replace(painting, size=max(1, int(longest / max(painting.aspect))))


def photo_picture(photo: Tensor | LargePhoto, height: int, width: int) -> Image.Image:
    """A photo `[3, H, W]` at that size."""
    from neuralpaint.images.io import to_pil
    from neuralpaint.images.resample import resize
    from neuralpaint.images.streaming import LargePhoto

    if isinstance(photo, LargePhoto):
        photo = photo.shrunk(min(height, width)).float() / 255
    return to_pil(resize(photo.cpu(), height, width))


def data_url(picture: Image.Image, quality: int = 82) -> str:
    """A picture as a data URL, WebP."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def animate(painting: Painting, video: VideoSettings) -> Animation:
    """The time-lapse of a painting as pictures of what changes from frame to frame, of at most about 0.9 MB."""
    made = None
    for longest, quality in _ANIMATED:
        made = _animate(fitted(painting, longest), video, quality)
        if sum(len(url) for _, _, url in made.frames) <= _ANIMATED_BYTES * 4 // 3:
            break
    assert made is not None
    return made


def _animate(painting: Painting, video: VideoSettings, quality: int) -> Animation:
    from neuralpaint.painting.timelapse import time_lapse

    frames: list[tuple[int, int, str]] = []
    shown: np.ndarray | None = None
    for frame in time_lapse(painting, replace(video, seconds=FRAMES / RATE, fps=RATE)):
        pixels = frame.pixels
        if shown is None:
            shown = pixels.copy()
            frames.append((0, 0, data_url(Image.fromarray(pixels), quality)))
            continue
        changed = (np.abs(pixels.astype(np.int16) - shown) > _SEEN).any(-1)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        if not len(rows):
            frames.append((0, 0, ""))
            continue
        inner = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        alpha = np.where(changed[inner], np.uint8(255), np.uint8(0))[..., None]
        part = Image.fromarray(np.concatenate([pixels[inner], alpha], -1))
        frames.append((int(columns[0]), int(rows[0]), data_url(part, quality)))
        shown[changed] = pixels[changed]
    height, width = painting.pixels()
    return Animation(width, height, frames)


def level_pictures(painting: Painting, counts: Sequence[int]) -> list[tuple[int, str]]:
    """(number of strokes, the painting of the first so many as a data URL)."""
    small = fitted(painting, LEVEL)
    return [(count, data_url(replace(small, strokes=small.strokes[:count]).render(), 75)) for count in counts]
