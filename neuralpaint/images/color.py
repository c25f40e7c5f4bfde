"""From the pixels of a file to sRGB: one function for photos of every size, mode and depth."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralpaint.images.icc import D50, color_space, read_shaper, xyz_to_srgb
from neuralpaint.images.vips import from_array, load_vips, to_array

_WIDE = 65535
_SPACES = {"grey": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK"}
_PROBE = 9  # levels a channel of the colours that show what a profile does
_UNSEEN = 128  # a profile that moves no colour by more, in 65535ths (half a level of 8 bits), is that of sRGB


@dataclass(frozen=True)
class Pixels:
    """The pixels of a file as it stores them.

    Attributes:
        image: a picture of libvips.
        model: "grey", "rgb", "cmyk" or "lab".
        profile: ICC profile of the colours; None for sRGB.
        orientation: EXIF orientation, 1 to 8.
        reopen: gives `image` again, for another pass over a picture that can be read once, from top to bottom.
        maximum: the value of white, if not that of the format.
    """

    image: Any
    model: str
    profile: bytes | None = None
    orientation: int = 1
    reopen: Callable[[], Any] | None = None
    maximum: float | None = None

    @property
    def colors(self) -> int:
        """Channels of colour; one more is alpha."""
        return {"grey": 1, "cmyk": 4}.get(self.model, 3)

    @property
    def has_alpha(self) -> bool:
        """Whether there is a channel of alpha."""
        return bool(self.image.bands > self.colors)


class UnknownRangeError(ValueError):
    """Values that stand for no colours. The message gives their range."""


def to_srgb(pixels: Pixels) -> Any:
    """The picture in sRGB: 3 channels, or 4 with alpha (not premultiplied), of 8 or 16 bits.

    16-bit and floating-point pixels are converted and returned with 16 bits. CMYK without a profile is
    (1 - C)(1 - K), and so on.

    Raises:
        UnknownRangeError: the values are negative, infinite or NaN, or floats above 255.
    """
    colors = pixels.colors
    image = pixels.image
    if pixels.model != "lab":
        image = _integers(pixels)
    alpha = image.extract_band(colors) if image.bands > colors else None
    image = image.extract_band(0, n=colors) if image.bands > colors else image
    profile = pixels.profile
    if pixels.model == "grey" and (profile is None or color_space(profile) != b"GRAY"):
        image = image.bandjoin([image, image])
    if pixels.model == "lab":
        image = _from_lab(image)
    elif profile is not None:
        image = _apply(image, profile)
    if pixels.model == "cmyk" and image.bands == 4:
        image = _plain_cmyk(image)
    if image.bands == 1:
        image = image.bandjoin([image, image])
    if alpha is not None:
        if pixels.model == "lab":
            alpha = _integers(Pixels(alpha, "grey", reopen=lambda: alpha))
        image = image.bandjoin(_depth(alpha, image.format))
    return image


def _integers(pixels: Pixels) -> Any:
    """The picture with 8 or 16 bits. Integers of 32 bits that need no more than 16 have 16; floats are in [0, 1] or
    in [0, 255]."""
    image = pixels.image
    if image.format == "uchar" or (image.format == "ushort" and pixels.maximum is None):
        return image
    if image.format == "ushort":
        return image.linear(_WIDE / (pixels.maximum or _WIDE), 0.5).cast("ushort")
    low, high = _range(pixels.reopen() if pixels.reopen else image)
    real = image.format in ("float", "double")
    if not (math.isfinite(low) and math.isfinite(high)) or low < 0 or (real and high > 255):
        raise UnknownRangeError(f"from {low:g} to {high:g}")
    if real:
        scale = 1.0 if high <= 1.0 else 255.0
    else:
        scale = _WIDE if high <= _WIDE else 2.0**32 - 1 if image.format == "uint" else 2.0**31 - 1
    return image.linear(_WIDE / scale, 0.5).cast("ushort")


def _range(image: Any) -> tuple[float, float]:
    if "complex" in image.format:
        raise UnknownRangeError("that are complex")
    stats = image.stats()  # row 0: all channels; columns: minimum, maximum, sum …
    low, high, total = (stats(column, 0)[0] for column in range(3))
    return (low, high) if math.isfinite(total) else (math.nan, math.nan)


def _apply(image: Any, profile: bytes) -> Any:
    """Converts from a profile to sRGB, unless it is that of sRGB, broken, or one for other channels."""
    kind = {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}[image.bands]
    if color_space(profile) != kind or not _matters(profile):
        return image
    return _transform(image, profile)


def _transform(image: Any, profile: bytes) -> Any:
    """From a profile to sRGB of 16 bits, relative to the white points.

    libvips (littleCMS) goes by tables of 33 levels a channel, which is up to 5 levels of 255 off in the dark, so it
    converts only what is made of tables anyway.
    """
    shaper = read_shaper(profile, 256 if image.format == "uchar" else _WIDE + 1)
    if shaper is not None:
        light = image.maplut(from_array(shaper.curves.T[None].astype(np.float32)))
        return _from_light(light, xyz_to_srgb() @ shaper.matrix)
    space = {1: "grey16", 3: "rgb16", 4: "cmyk"}[image.bands]
    image = _depth(image, "ushort").copy(interpretation=space)
    image.set_type(load_vips().GValue.blob_type, "icc-profile-data", profile)
    return _from_lab(image.icc_import(embedded=True, intent="relative", pcs="lab"))


def _from_lab(image: Any) -> Any:
    """From CIELAB with the white point of ICC profiles, D50, to sRGB of 16 bits."""
    if image.format != "float":
        image = image.colourspace("lab")
    xyz = image.copy(interpretation="lab").Lab2XYZ(temp=[100 * value for value in D50])
    return _from_light(xyz, xyz_to_srgb() / 100)


def _from_light(image: Any, matrix: np.ndarray) -> Any:
    """Applies `[3, C]`, which gives the light of sRGB, and the curve of sRGB; 16 bits."""
    light = image.copy(interpretation="multiband").recomb((_WIDE * matrix).tolist()).linear(1, 0.5).cast("ushort")
    return light.maplut(from_array(_curve())).copy(interpretation="rgb16")


@functools.cache
def _curve() -> np.ndarray:
    """`[1, 65536]`: light to encoded values, both of 16 bits."""
    light = np.linspace(0, 1, _WIDE + 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(encoded * _WIDE).astype(np.uint16)[None]


@functools.lru_cache(maxsize=16)
def _matters(profile: bytes) -> bool:
    """Whether a profile moves a colour by half a level of 8 bits: names of profiles do not tell. False if it is
    broken."""
    channels = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}[color_space(profile)]
    levels = np.linspace(0, _WIDE, 256 if channels == 1 else _PROBE).astype(np.uint16)
    colors = np.stack(np.meshgrid(*[levels] * channels, indexing="ij"), -1).reshape(1, -1, channels)
    try:
        found = to_array(_transform(from_array(colors), profile)).astype(int)
    except load_vips().Error:
        return False
    return channels == 4 or bool(np.abs(found - colors).max() > _UNSEEN)


def _plain_cmyk(image: Any) -> Any:
    white = 255 if image.format == "uchar" else _WIDE
    ink = image.extract_band(0, n=3).linear(-1, white)
    light = image.extract_band(3).linear(-1, white)
    return (ink * light).linear(1 / white, 0.5).cast(image.format)


def _depth(image: Any, kind: str) -> Any:
    if image.format == kind:
        return image
    if kind == "ushort":
        return image.linear(257, 0).cast(kind)
    return image.linear(1 / 257, 0.5).cast(kind)
