"""Damages the bytes of a file, at random but repeatably: anywhere, or where its format keeps sizes, names and numbers.

Those that know a format keep its checks in order (lengths, the CRC of an archive or a PNG), so that what lies behind
them is reached.
"""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

CHECKSUMS = ("sha256", "config_sha256")  # left in place: a file without one is an older file
_PNG = b"\x89PNG\r\n\x1a\n"
_DEEP: Any = []
for _ in range(200):
    _DEEP = [_DEEP]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 7, 255, 4096, 65537, 2**31, 2**63, 2**64 - 1, -(2**63), 10**20, 10**400),
    *(0.0, -0.0, 0.5, -1.5, 1e-320, 1e38, 1e308, float("nan"), float("inf"), float("-inf")),
    *("", "x", "oil", "tape", "1", "\x00", "ä" * 50, "x" * 5000, "\ud800", "../../x", "-1", "NaN", "9" * 400),
    *([], {}, [0], [[1, 2]], {"": None}, {"a": {"b": [1]}}, _DEEP, [0] * 300),
]
# Whole numbers as formats declare sizes by them.
_SIZES = [0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 13_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**62, 2**64 - 1]


# ---- anywhere --------------------------------------------------------------------------------------------------------


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        out[_place(rng, len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def change_bytes(data: bytes, rng: random.Random) -> bytes:
    at = _place(rng, len(data))
    new = rng.randbytes(rng.choice((1, 1, 2, 4, 16)))
    return data[:at] + new + data[at + len(new) :]


def truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.choice((_place(rng, len(data)), max(0, len(data) - rng.randrange(1, 40))))]


def insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((rng.randbytes, bytes))(rng.choice((1, 2, 7, 64, 1000))) + data[at:]


def remove(data: bytes, rng: random.Random) -> bytes:
    at = _place(rng, len(data))
    return data[:at] + data[at + rng.choice((1, 2, 8, 100)) :]


def zero_run(data: bytes, rng: random.Random) -> bytes:
    at, length = _place(rng, len(data)), rng.choice((2, 8, 64, 512, 4096))
    length = min(length, len(data) - at)
    return data[:at] + rng.choice((b"\x00", b"\xff"))[:1] * length + data[at + length :]


def swap_chunks(data: bytes, rng: random.Random) -> bytes:
    length = rng.choice((1, 4, 16, 64, 512))
    a, b = sorted((_place(rng, len(data)), _place(rng, len(data))))
    if b - a < length:
        return data[:a] + data[a : b + length] + data[a:]
    return data[:a] + data[b : b + length] + data[a + length : b] + data[a : a + length] + data[b + length :]


def declare_size(data: bytes, rng: random.Random) -> bytes:
    width = rng.choice((1, 2, 4, 8))
    value = rng.choice(_SIZES) & (1 << 8 * width) - 1
    at = _place(rng, max(1, len(data) - width))
    return data[:at] + value.to_bytes(width, rng.choice(("little", "big"))) + data[at + width :]


ANYWHERE = (flip_bits, change_bytes, truncate, insert, remove, zero_run, swap_chunks, declare_size)


def _place(rng: random.Random, length: int) -> int:
    """A place in a file; often near its beginning or its end, where headers are."""
    if not length:
        return 0
    near = min(length, rng.choice((16, 64, 512)))
    return rng.choice((rng.randrange(length), rng.randrange(near), length - 1 - rng.randrange(near)))


# ---- JSON ------------------------------------------------------------------------------------------------------------


def change_json(data: bytes, rng: random.Random) -> bytes:
    """Another value, one field less or more, or a field twice."""
    root = json.loads(data)
    nodes = [node for node in _containers(root) if len(node)]
    if not nodes:
        return json.dumps(rng.choice(VALUES)).encode()
    node = rng.choice(nodes)
    key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
    way = rng.choice(("value", "value", "value", "near", "drop", "twice", "more"))
    if way in ("value", "near") or (way == "drop" and key in CHECKSUMS):
        node[key] = _near(node[key], rng) if way == "near" else rng.choice(VALUES)
    elif way == "drop":
        del node[key]
    elif way == "twice" and isinstance(node, dict):
        node["\x07"] = rng.choice(VALUES)  # renamed below: a dict has no key twice
        return json.dumps(root).replace('"\\u0007"', json.dumps(key)).encode()
    elif isinstance(node, dict):
        node[rng.choice(("", "x", "size", key + "x"))] = rng.choice(VALUES)
    else:
        node.insert(key, rng.choice(VALUES))
    return json.dumps(root).encode()


def _containers(value: Any) -> list[Any]:
    if isinstance(value, (dict, list)):
        parts = value.values() if isinstance(value, dict) else value
        return [value, *(inner for part in parts for inner in _containers(part))]
    return []


def _near(value: Any, rng: random.Random) -> Any:
    """A value of the same type that is not much different."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + rng.choice((-1, 1, 0.25))
    if isinstance(value, str):
        return value + rng.choice(("", "x", "0"))
    return rng.choice(VALUES)


# ---- containers ------------------------------------------------------------------------------------------------------


def change_safetensors(data: bytes, rng: random.Random) -> bytes:
    """Other metadata, shapes, types or places in the header, of the right length."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    texts = header.get("__metadata__", {})
    if texts and rng.random() < 0.7:
        key = rng.choice(list(texts))
        try:
            texts[key] = change_json(texts[key].encode(), rng).decode()
        except ValueError:
            texts[key] = str(rng.choice(VALUES))
        text = json.dumps(header).encode()
    else:
        text = change_json(json.dumps(header).encode(), rng)
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def change_member(data: bytes, rng: random.Random) -> bytes:
    """One file of a ZIP archive damaged, and written with the checksum that it then has."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [(info.filename, info.compress_type, archive.read(info)) for info in archive.infolist()]
    chosen = rng.randrange(len(files))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for index, (name, compression, content) in enumerate(files):
            if index == chosen:
                way = rng.choice(("damage", "damage", "damage", "drop", "rename"))
                if way == "drop":
                    continue
                name = name + "x" if way == "rename" else name
                content = rng.choice(ANYWHERE)(content, rng) if way == "damage" else content
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()


def change_png(data: bytes, rng: random.Random) -> bytes:
    """A chunk damaged, dropped or repeated, with the CRC that it then has."""
    chunks, at = [], len(_PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    index = rng.randrange(len(chunks))
    name, content = chunks[index]
    way = rng.choice(("damage", "damage", "damage", "inflate", "drop", "twice"))
    if way == "inflate" and name in (b"IDAT", b"zTXt", b"iCCP"):
        content = content[: content.find(b"\x00") + 2 if name != b"IDAT" else 0] + zlib.compress(bytes(1 << 20), 9)
    elif content:
        content = rng.choice(ANYWHERE)(content, rng)
    new = {"drop": [], "twice": [(name, content)] * 2}.get(way, [(name, content)])
    chunks[index : index + 1] = new
    return _PNG + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in chunks
    )


def of_format(name: str, data: bytes) -> Callable[[bytes, random.Random], bytes] | None:
    """The mutation that knows the format of a file."""
    if data[:8] == _PNG:
        return change_png
    if data[:4] == b"PK\x03\x04":
        return change_member
    if name.endswith(".safetensors"):
        return change_safetensors
    return change_json if name.endswith(".json") else None


def mutate(name: str, data: bytes, rng: random.Random) -> bytes:
    """A damaged copy of a file, by one to three mutations."""
    out = data
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        known = of_format(name, out)
        if known is not None and rng.random() < 0.5:
            try:
                out = known(out, rng)
                continue
            except Exception:  # damaged by the mutation before
                pass
        if out:
            out = rng.choice(ANYWHERE)(out, rng)
    return out
