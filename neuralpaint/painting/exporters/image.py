"""Writes paintings as images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from neuralpaint.images.io import check_output
from neuralpaint.painting.exporters.settings import ImageSettings

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting


def write_image(painting: Painting, path: str | os.PathLike, settings: ImageSettings | None = None) -> None:
    """Draws a painting to an image file of any size: see `Painting.render_to`."""
    settings = settings or ImageSettings()
    painting.render_to(path, memory=settings.memory, depth=settings.depth, metadata=settings.metadata)


def check_image(path: str | os.PathLike, height: int, width: int, settings: ImageSettings | None = None) -> None:
    """Raises ValueError if the format has no room for that many pixels or bits."""
    check_output(path, width, height, 8 if settings is None else settings.depth)
