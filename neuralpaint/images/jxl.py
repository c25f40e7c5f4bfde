"""Reads JPEG XL by pyjpegxl, which tells the size of a picture before its pixels are decoded."""

from __future__ import annotations

import importlib.util
import re
from typing import Any, BinaryIO

from neuralpaint.images.color import Pixels
from neuralpaint.images.profiles import HdrError
from neuralpaint.images.vips import from_array

NEED = "needs pyjpegxl, and Python 3.11 or newer: pip install 'neuralpaint[jxl]'"
_START = rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"  # a bare codestream, or a container
_SDR_NITS = 255.0  # the brightness of white in files that name none


def is_jxl(prefix: bytes) -> bool:
    """Whether a file that begins with these 12 bytes is JPEG XL."""
    return re.match(_START, prefix, re.DOTALL) is not None


def available() -> bool:
    """Whether pyjpegxl is installed."""
    return importlib.util.find_spec("pyjpegxl") is not None


def read_header(file: BinaryIO) -> Any:
    """What the header says: `width`, `height`, `num_color_channels`, `has_alpha`, `bits_per_sample`, `icc` and more.

    Raises:
        RuntimeError: the file is damaged.
        HdrError: white is brighter than screens without HDR can show.
    """
    import pyjpegxl

    header = pyjpegxl.probe(file.read())
    if header.intensity_target > _SDR_NITS:
        raise HdrError(f"made for {header.intensity_target:.0f} nits")
    return header


def memory(header: Any) -> int:
    """Bytes that decoding takes: libjxl works in floats, and returns the pixels beside them."""
    return int(header.width * header.height * (header.num_color_channels + bool(header.has_alpha)) * 8)


def decode(file: BinaryIO) -> Pixels:
    """The pixels, upright, of 8 or 16 bits or floats. RuntimeError if the file is damaged."""
    import pyjpegxl

    header, array = pyjpegxl.decode_to_numpy(file.read())
    model = "grey" if header.num_color_channels == 1 else "rgb"
    return Pixels(from_array(array), model, header.icc)
