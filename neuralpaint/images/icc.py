"""ICC profiles of RGB and grey spaces: written from primaries and a curve, and read.

Source: ICC.1:2022, sections 7 (format), 8.3 (matrix profiles), 10 (types of tags).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Chromaticities: TypeAlias = "tuple[float, ...]"  # x, y of white, red, green and blue

D65 = (0.3127, 0.3290)
SRGB: Chromaticities = (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
D50 = np.array([0.9642, 1.0, 0.8249])  # XYZ of the white of all profiles
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # gamma, a, b, c, d of a parametric curve
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_MOST_TAGS, _MOST_SAMPLES = 200, 65536
_PARAMETERS = (1, 3, 4, 5, 7)  # of each kind of parametric curve


@dataclass(frozen=True)
class Shaper:
    """A space whose pixels become light by one curve a channel, and XYZ by a matrix.

    Attributes:
        curves: `[C, n]` for RGB (C = 3) or grey (C = 1): light in [0, 1] at n evenly spaced pixel values.
        matrix: `[3, C]`: light to XYZ, with the white point D50 and Y = 1.
    """

    curves: np.ndarray
    matrix: np.ndarray


def matrix_profile(primaries: Chromaticities = SRGB, gamma: float | None = None, name: str = "RGB") -> bytes:
    """An ICC profile (version 4) of an RGB space.

    Args:
        primaries: x, y of white, red, green and blue.
        gamma: exponent of the curve from pixel values to light; by default the curve of sRGB.
        name: description, ASCII.

    Raises:
        ValueError: the primaries span no triangle around the white point.
    """
    columns = _colorants(primaries)
    curve = b"para" + bytes(4) + (_numbers(">HH", 0, 0) + _fixed(gamma) if gamma else _srgb_curve())
    tags = [(b"desc", _text(name)), (b"cprt", _text("No copyright")), (b"wtpt", _xyz(D50))]
    tags += [(key, _xyz(column)) for key, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True)]
    tags += [(key, curve) for key in (b"rTRC", b"gTRC", b"bTRC")]
    return _assemble(tags)


def xyz_to_srgb() -> np.ndarray:
    """`[3, 3]`: from XYZ (D50, white has Y = 1) to the light of sRGB."""
    return np.linalg.inv(_colorants(SRGB))


def color_space(profile: bytes) -> bytes:
    """The space of a profile's pixels, such as b"RGB ", b"GRAY" or b"CMYK"; empty if it is no profile."""
    return profile[16:20] if len(profile) >= 132 and profile[36:40] == b"acsp" else b""


def read_shaper(profile: bytes, levels: int) -> Shaper | None:
    """The curves at `levels` values, and the matrix. None if a profile has none, such as one of tables."""
    try:
        tags = _tags(profile)
        if any(name.startswith((b"A2B", b"D2B")) for name in tags) or profile[20:24] != b"XYZ ":
            return None
        values = np.linspace(0, 1, levels)
        if color_space(profile) == b"GRAY":
            return Shaper(_curve(tags[b"kTRC"], values)[None], D50[:, None])
        curves = [_curve(tags[name], values) for name in (b"rTRC", b"gTRC", b"bTRC")]
        columns = [np.frombuffer(tags[name], ">i4", 3, 8) / 65536 for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        return Shaper(np.stack(curves), np.stack(columns, 1))
    except (KeyError, ValueError, struct.error):  # broken, or of another kind
        return None


# ----------------------------------------------------------------------------------------------------------------------


def _tags(profile: bytes) -> dict[bytes, bytes]:
    count = min(struct.unpack_from(">I", profile, 128)[0], _MOST_TAGS)
    places = [struct.unpack_from(">4sII", profile, 132 + 12 * k) for k in range(count)]
    return {name: profile[start : start + length] for name, start, length in places}


def _curve(tag: bytes, values: np.ndarray) -> np.ndarray:
    """A curve at values in [0, 1], clipped to [0, 1]."""
    if tag[:4] == b"para":
        kind = struct.unpack_from(">H", tag, 8)[0]
        if kind >= len(_PARAMETERS):
            raise ValueError("unknown curve")
        light = _parametric(kind, np.frombuffer(tag, ">i4", _PARAMETERS[kind], 12) / 65536, values)
    elif tag[:4] == b"curv":
        count = struct.unpack_from(">I", tag, 8)[0]
        if count > _MOST_SAMPLES:
            raise ValueError("too many samples")
        samples = np.frombuffer(tag, ">u2", count, 12)
        if count == 0:
            light = values
        elif count == 1:
            light = values ** (samples[0] / 256)
        else:
            light = np.interp(values, np.linspace(0, 1, count), samples / 65535)
    else:
        raise ValueError("unknown curve")
    if not np.isfinite(light).all():
        raise ValueError("a curve is not finite")
    return np.clip(light, 0, 1)


def _parametric(kind: int, numbers: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Y of table 68 of ICC.1: (a·x + b)^g + e from d on, c·x + f below."""
    g, a, b, c, d, e, f = numbers[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind:
        a, b = numbers[1:3]
        d = -b / a if kind < 3 else numbers[4]
    if kind == 2:
        e = f = numbers[3]
    elif kind > 2:
        c = numbers[3]
    if kind == 4:
        e, f = numbers[5:7]
    return np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)


def _colorants(primaries: Chromaticities) -> np.ndarray:
    """`[3, 3]`: XYZ of red, green and blue in columns, adapted from the white point to D50 (Bradford)."""
    x, y = np.array(primaries, dtype=float).reshape(4, 2).T
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or y.min() <= 0:
        raise ValueError("a primary has no luminance")
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    white, colors = xyz[:, 0], xyz[:, 1:]
    try:
        scale = np.linalg.solve(colors, white)
    except np.linalg.LinAlgError as error:
        raise ValueError("the primaries lie on one line") from error
    if scale.min() <= 0:
        raise ValueError("the white point lies outside the primaries")
    cones = _BRADFORD @ D50 / (_BRADFORD @ white)
    return np.linalg.inv(_BRADFORD) @ (cones[:, None] * _BRADFORD) @ (colors * scale)


def _assemble(tags: list[tuple[bytes, bytes]]) -> bytes:
    """A display profile of these tags; equal data are stored once."""
    body, table, places = b"", b"", {}
    start = 128 + 4 + 12 * len(tags)
    for key, data in tags:
        if data not in places:
            places[data] = (start + len(body), len(data))
            body += data + bytes(-len(data) % 4)
        table += key + struct.pack(">II", *places[data])
    header = struct.pack(">I4s4s4s4s4s", start + len(body), b"", b"\4\x40\0\0", b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(24) + bytes(4)
    header += b"".join(_fixed(value) for value in D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _srgb_curve() -> bytes:
    return _numbers(">HH", 3, 0) + b"".join(map(_fixed, _SRGB_CURVE))


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + _numbers(">II", 1, 12) + b"enUS" + _numbers(">II", len(data), 28) + data


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, values))


def _fixed(value: float) -> bytes:
    """s15Fixed16Number."""
    return struct.pack(">i", round(value * 65536))


def _numbers(layout: str, *values: int) -> bytes:
    return struct.pack(layout, *values)
