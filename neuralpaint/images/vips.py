"""libvips through pyvips: importing it, and pictures in and out.

Nothing global is set, neither the cache nor a log handler, since the host program may use libvips too. Sources are made
anew for each reading, so that libvips takes nothing from its cache, and `forget` drops what it has kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

BAND = 256  # rows read at a time
_FORMATS: dict[str, type] = {"uchar": np.uint8, "ushort": np.uint16, "int": np.int32, "float": np.float32}


def load_vips() -> Any:
    """Imports pyvips, which takes a fifth of a second. ImportError, in one line, if it or libvips is missing."""
    try:
        import pyvips
    except (ImportError, OSError) as error:  # OSError: libvips itself is missing
        detail = " ".join(str(error).split())
        raise ImportError(f"images are read by pyvips: pip install 'pyvips[binary]' ({detail})") from error
    return pyvips


def from_array(array: np.ndarray) -> Any:
    """A picture that shares the memory of an array `[H, W]` or `[H, W, C]` of uint8, uint16, int32 or float32."""
    array = np.ascontiguousarray(array)
    height, width = array.shape[:2]
    names = {np.dtype(kind): name for name, kind in _FORMATS.items()}
    bands = 1 if array.ndim == 2 else array.shape[2]
    return load_vips().Image.new_from_memory(array.reshape(-1).data, width, height, bands, names[array.dtype])


def to_array(image: Any) -> np.ndarray:
    """A small picture as an array `[H, W, C]`."""
    data: np.ndarray = np.frombuffer(image.write_to_memory(), _FORMATS[image.format])
    return data.reshape(image.height, image.width, image.bands)


def reduced(image: Any, longest: int) -> Any:
    """An 8- or 16-bit picture of 3 channels, or 4 with alpha, with at most so many pixels along its longer side. The
    colours of transparent pixels do not count."""
    factor = max(image.width, image.height) / longest
    if factor <= 1:
        return image
    across, down = (max(1, round(side / factor)) / side for side in (image.width, image.height))
    if image.bands == 3:
        return image.resize(across, vscale=down)
    most = float(np.iinfo(_FORMATS[image.format]).max)
    small = image.premultiply(max_alpha=most).resize(across, vscale=down).unpremultiply(max_alpha=most)
    return small.rint().cast(image.format)


def read_bands(image: Any) -> Iterator[np.ndarray]:
    """Reads an 8- or 16-bit picture from top to bottom: float32 `[rows, W, C]` in [0, 1]."""
    kind = _FORMATS[image.format]
    region = load_vips().Region.new(image)
    for top in range(0, image.height, BAND):
        rows = min(BAND, image.height - top)
        pixels: np.ndarray = np.frombuffer(region.fetch(0, top, image.width, rows), kind)
        yield pixels.reshape(rows, image.width, image.bands) / np.float32(np.iinfo(kind).max)


def forget(image: Any) -> None:
    """Drops what libvips keeps of a picture that has been read: files that it holds open, and pixels."""
    image.invalidate()
