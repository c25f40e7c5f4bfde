"""Image files written from their definitions, and what their pixels are in sRGB: nothing here uses neuralpaint."""

from __future__ import annotations

import struct
import zlib

import numpy as np

D50, D65 = (0.9642, 1.0, 0.8249), (0.3127, 0.3290)
SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
ADOBE = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


def decode(values, gamma):
    """Light of encoded values; gamma None is the curve of sRGB."""
    if gamma is not None:
        return values**gamma
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encode(light):
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def to_xyz(primaries, white=D65):
    """[3, 3]: linear RGB to XYZ, adapted to D50 by Bradford's method."""
    x, y = np.array(primaries).reshape(3, 2).T
    w = np.array([white[0] / white[1], 1, (1 - sum(white)) / white[1]])
    colors = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    matrix = colors * np.linalg.solve(colors, w)
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    return np.linalg.inv(cones) @ np.diag(cones @ D50 / (cones @ w)) @ cones @ matrix


def truth(values, primaries=SRGB, gamma=None):
    """Encoded RGB [..., 3] in [0, 1] of another space, in sRGB."""
    return encode(decode(values, gamma) @ to_xyz(primaries).T @ np.linalg.inv(to_xyz(SRGB)).T)


def lab_truth(lab):
    """CIELAB [..., 3] (D50) in sRGB."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * D50
    return encode(xyz @ np.linalg.inv(to_xyz(SRGB)).T)


def profile(primaries, gamma, name="a space"):
    """An ICC profile, version 2; without primaries a grey one."""
    levels = np.linspace(0, 1, 4096)
    curve = b"curv" + bytes(4) + struct.pack(">I4096H", 4096, *np.round(decode(levels, gamma) * 65535).astype(int))
    text = name.encode() + b"\0"
    tags = [(b"desc", b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78))]
    tags += [(b"wtpt", _xyz(D50))]
    if primaries is None:
        tags += [(b"kTRC", curve)]
    else:
        tags += [(key + b"XYZ", _xyz(v)) for key, v in zip((b"r", b"g", b"b"), to_xyz(primaries).T, strict=True)]
        tags += [(key, curve) for key in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for key, data in tags:
        table += key + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    space = b"GRAY" if primaries is None else b"RGB "
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"", 0x02100000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _xyz(D50)[8:]
    return head.ljust(128, b"\0") + table + body


def _xyz(values):
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))


def png(pixels, kind, bits, chunks=(), icc=None):
    """pixels: whole numbers [H, W, C]; kind: the colour type of PNG; chunks: (name, data), before the pixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = pixels.shape[:2]
    if bits == 16:
        rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    else:
        digits = np.unpackbits(pixels.astype(np.uint8).reshape(height, -1, 1), axis=2)[..., 8 - bits :]
        rows = np.packbits(digits.reshape(height, -1), axis=1)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), rows], 1)
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    extra = [(b"iCCP", b"a\0\0" + zlib.compress(icc))] if icc else []
    data = [(b"IHDR", head), *extra, *chunks, (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in data)


def tiff(pixels, photometric, bits, *, real=False, alpha=0, icc=None, planar=False, tile=0):
    """pixels: [H, W, C], whole numbers or floats (`real`); alpha: 1 premultiplied, 2 not; tile: its side."""
    height, width, channels = pixels.shape
    kind = {8: "u1", 12: "u2", 16: "<u2", 32: "<f4" if real else "<u4"}[bits]

    def pack(block):
        if bits != 12:
            return block.astype(kind).tobytes()
        digits = np.unpackbits(block.astype(">u2").reshape(len(block), -1, 1).view(np.uint8), axis=2)[..., 4:]
        return np.packbits(digits.reshape(len(block), -1), axis=1).tobytes()

    planes = [pixels[..., k : k + 1] for k in range(channels)] if planar else [pixels]
    if tile:
        padded = [np.pad(p, ((0, -height % tile), (0, -width % tile), (0, 0))) for p in planes]
        data = [
            pack(p[y : y + tile, x : x + tile])
            for p in padded
            for y in range(0, height, tile)
            for x in range(0, width, tile)
        ]
    else:
        data = [pack(p[y : y + 5]) for p in planes for y in range(0, height, 5)]
    offsets = np.cumsum([8] + [len(d) for d in data])
    entries = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [bits] * channels),
        (259, 3, [1]),
        (262, 3, [photometric]),
        (277, 3, [channels]),
        (284, 3, [2 if planar else 1]),
        *([(322, 4, [tile]), (323, 4, [tile])] if tile else [(278, 4, [5])]),
        (324 if tile else 273, 4, [int(v) for v in offsets[:-1]]),
        (325 if tile else 279, 4, [len(d) for d in data]),
        *([(338, 3, [alpha])] if alpha else []),
        (339, 3, [3 if real else 1] * channels),
        *([(34675, 7, list(icc))] if icc else []),
    ]
    body, extra = b"".join(data), b""
    body += bytes(len(body) % 2)
    start = 8 + len(body) + 2 + 12 * len(entries) + 4
    table = struct.pack("<H", len(entries))
    for tag, code, values in sorted(entries):
        packed = struct.pack(f"<{len(values)}{ {3: 'H', 4: 'I', 7: 'B'}[code] }".replace(" ", ""), *values)
        if len(packed) > 4:
            packed, where = b"", packed
            table += struct.pack("<HHII", tag, code, len(values), start + len(extra))
            extra += where + bytes(len(where) % 2)
        else:
            table += struct.pack("<HHI", tag, code, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + table + bytes(4) + extra
