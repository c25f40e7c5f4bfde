"""Writes paintings as stroke files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting


def write_strokes(painting: Painting, path: str | os.PathLike, settings: None = None) -> None:
    """Saves the strokes: see `Painting.save`."""
    painting.save(path)
