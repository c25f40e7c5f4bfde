"""What a file says of its colours, other than by an ICC profile, as a profile.

Sources: PNG 3rd edition section 11.3.2 (gAMA, cHRM, sRGB, cICP), ITU-T H.273 (code points of primaries and transfer
functions, in PNG and AVIF).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from neuralpaint.images.icc import D65, SRGB, Chromaticities, matrix_profile

# H.273. Others, and "unspecified", are taken as sRGB.
_PRIMARIES: dict[int, Chromaticities] = {
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
# The camera curves of television (1, 6, 14, 15) are shown as sRGB, as other programs do.
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_HDR = {16: "PQ", 18: "HLG"}

_CLOSE = 0.05  # a gAMA this close to 1/2.2 stands for sRGB, as in libpng
_GAMMA_RANGE = (0.1, 10.0)
_MOST_CHUNKS = 1000  # before the pixels of a PNG
_HEAD = 1 << 20  # bytes of a file in which its boxes are looked for


class HdrError(ValueError):
    """The pixels have a curve for HDR displays, for which sRGB has no room. The message names the curve."""


def from_gamma(gamma: float | None, primaries: Chromaticities | None) -> bytes | None:
    """The profile that gAMA (the exponent of encoding, such as 0.45455) and cHRM of a PNG describe; None for sRGB."""
    if gamma is not None and not _GAMMA_RANGE[0] <= gamma <= _GAMMA_RANGE[1]:
        gamma = None
    if primaries is None or np.allclose(primaries, SRGB, atol=0.002):
        if gamma is None or abs(gamma * 2.2 - 1) < _CLOSE:
            return None
        primaries = SRGB
    try:
        return matrix_profile(primaries, None if gamma is None else 1 / gamma)
    except ValueError:
        return None


def from_code_points(primaries: int, transfer: int) -> bytes | None:
    """The profile of code points of H.273; None for sRGB. HdrError for PQ and HLG."""
    if transfer in _HDR:
        raise HdrError(_HDR[transfer])
    gamma = _GAMMAS.get(transfer)
    if primaries not in _PRIMARIES and gamma is None:
        return None
    return matrix_profile(_PRIMARIES.get(primaries, SRGB), gamma)


def png_profile(file: BinaryIO, embedded: bytes | None) -> bytes | None:
    """The profile of a PNG: of its cICP, iCCP (`embedded`), sRGB, or gAMA and cHRM chunks, whichever comes first here.
    None for sRGB."""
    chunks = dict(_png_chunks(file))
    if len(code := chunks.get(b"cICP", b"")) == 4:
        return from_code_points(code[0], code[1])
    if embedded or b"sRGB" in chunks:
        return embedded
    gamma = struct.unpack(">I", chunks[b"gAMA"])[0] / 1e5 if len(chunks.get(b"gAMA", b"")) == 4 else None
    primaries = None
    if len(chunks.get(b"cHRM", b"")) == 32:
        primaries = tuple(value / 1e5 for value in struct.unpack(">8I", chunks[b"cHRM"]))
    return from_gamma(gamma, primaries)


def box_profile(file: BinaryIO, embedded: bytes | None) -> bytes | None:
    """The profile of an AVIF, HEIF or JPEG 2000 file: `embedded`, or what its colr box says. None for sRGB."""
    file.seek(0)
    head, start = file.read(_HEAD), -1
    while not embedded and (start := head.find(b"colr", start + 1)) >= 4:
        box = head[start + 4 : start - 4 + int.from_bytes(head[start - 4 : start], "big")]
        if box[:4] == b"nclx" and len(box) >= 11:
            return from_code_points(*struct.unpack(">HH", box[4:8]))
        if box[:4] in (b"prof", b"rICC"):
            embedded = box[4:]
        elif box[:1] == b"\2":  # the restricted profile of JPEG 2000
            embedded = box[3:]
    return embedded


# ----------------------------------------------------------------------------------------------------------------------


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of the chunks on colour that come before the pixels."""
    file.seek(8)
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IDAT":
            return
        length = int.from_bytes(head[:4], "big")
        if head[4:] in (b"cICP", b"sRGB", b"gAMA", b"cHRM") and length <= 32:
            yield head[4:], file.read(length)
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)
