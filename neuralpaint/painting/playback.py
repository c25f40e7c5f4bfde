"""A time-lapse for browsers: pictures of what changes from frame to frame, and a small page that plays them."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from neuralpaint.painting.exporters.settings import VideoSettings
from neuralpaint.painting.timelapse import frame_count, time_lapse

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

_SEEN = 4  # of 255: a smaller difference of a pixel is left out
_LONGEST, _SECONDS, _RATE = 480, 5.0, 12  # of the page
_MOST = 20_000  # strokes of a painting that is played
_PAGE = Path(__file__).with_name("player.html")


@dataclass(frozen=True)
class Change:
    """What a frame shows that the one before does not: a WebP picture to be drawn at x, y; empty if nothing."""

    x: int
    y: int
    picture: bytes


def changes(painting: Painting, settings: VideoSettings, quality: int | None = 85) -> Iterator[Change]:
    """The frames of `time_lapse`, each as what has changed. Drawn over one another, they show the painting to 4 of 255
    levels and what the compression costs.

    Args:
        quality: of the compression, from 0 to 100; None for one without loss, which takes less time and six times the
            bytes.

    Raises as `time_lapse`.
    """
    shown: np.ndarray | None = None
    for frame in time_lapse(painting, settings):
        if shown is None:
            shown = frame.pixels.copy()
            yield Change(0, 0, _encoded(Image.fromarray(shown), quality))
            continue
        changed = (np.abs(frame.pixels.astype(np.int16) - shown) > _SEEN).any(-1)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        if not len(rows):
            yield Change(0, 0, b"")
            continue
        inner = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        shown[changed] = frame.pixels[changed]
        alpha = np.where(changed[inner], np.uint8(255), np.uint8(0))[..., None]
        picture = Image.fromarray(np.concatenate([frame.pixels[inner], alpha], -1))
        yield Change(int(columns[0]), int(rows[0]), _encoded(picture, quality))


def header(painting: Painting, settings: VideoSettings) -> dict[str, int]:
    """What a player has to know: width, height, frames a second as "rate", and the number of "frames"."""
    height, width = painting.pixels()
    return {"width": width, "height": height, "rate": settings.fps, "frames": frame_count(settings)}


def as_html(painting: Painting) -> str:
    """The painting with a play button, for notebooks: an `<iframe>` that needs nothing from elsewhere. A painting whose
    strokes an engine draws, or of more than 20,000 strokes, is a picture alone."""
    size = max(1, int(_LONGEST / max(painting.aspect)))
    shown = replace(painting, size=size)
    height, width = shown.pixels()
    title = html.escape(repr(painting))
    if painting.brush.engine:
        return f"<p>{title}: its engine draws it</p>"
    if len(painting) > _MOST or len(painting) == 0:
        buffer = io.BytesIO()
        shown.render().save(buffer, "PNG")
        source = base64.b64encode(buffer.getvalue()).decode()
        return f'<img alt="{title}" width="{width}" height="{height}" src="data:image/png;base64,{source}">'
    settings = VideoSettings(seconds=_SECONDS, fps=_RATE)
    frames = [
        [change.x, change.y, base64.b64encode(change.picture).decode()] if change.picture else None
        for change in changes(shown, settings, 80)
    ]
    data = json.dumps(header(shown, settings) | {"frames": frames}, separators=(",", ":"))
    page = _PAGE.read_text(encoding="utf-8").replace("{{title}}", title).replace("{{data}}", data)
    frame = f'width="{width}" height="{height + 44}" title="{title}" sandbox="allow-scripts"'
    return f'<iframe {frame} style="border: 0; max-width: 100%" srcdoc="{html.escape(page)}"></iframe>'


def _encoded(picture: Image.Image, quality: int | None) -> bytes:
    buffer = io.BytesIO()
    if quality is None:
        picture.save(buffer, "WEBP", lossless=True, quality=0, method=0)
    else:
        picture.save(buffer, "WEBP", quality=quality, method=1)
    return buffer.getvalue()
