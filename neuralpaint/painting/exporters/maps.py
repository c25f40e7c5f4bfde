"""Height and normal maps of the paint, for printers and 3-D programs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PIL import Image

from neuralpaint.images.io import save_image
from neuralpaint.utils.memory import PROCESS, budget, check_budget

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting


_WHOLE = 8  # bytes per pixel of a map in memory, with its compression
_ROWS = 512  # that are written at a time


def check_map(path: str | os.PathLike, height: int, width: int, settings: None = None) -> None:
    """Raises ValueError if a map of that many pixels does not fit in memory."""
    check_budget(budget(None), PROCESS + _WHOLE * height * width, f"{path}, a map of {width}x{height} pixels,")


def write_height(painting: Painting, path: str | os.PathLike, settings: None = None) -> None:
    """Writes `Painting.height_map` as a grey PNG of 16 bits."""
    save_image(Image.fromarray(painting.height_map()), path, data=True)


def write_normals(painting: Painting, path: str | os.PathLike, settings: None = None) -> None:
    """Writes `Painting.normal_map` as an RGB PNG of 16 bits a channel, which Pillow cannot write."""
    from neuralpaint.images.streaming import write_bands

    normals = painting.normal_map()
    bands = (normals[top : top + _ROWS] for top in range(0, len(normals), _ROWS))
    height, width = normals.shape[:2]
    write_bands(path, height, width, bands, depth=16, data=True)
