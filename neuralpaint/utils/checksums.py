"""SHA-256 checksums of what our files hold, by value: the same whatever the file's layout is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

KEY = "sha256"
_CHUNK = 1 << 20  # bytes


def digest(value: Any) -> str:
    """SHA-256 digest, hexadecimal, of tensors, texts, numbers, None, and containers of them.

    Lists equal tuples, and keys are compared as texts and in any order, as in JSON.

    Raises:
        TypeError: it contains something else.
    """
    hashed = hashlib.sha256()
    _feed(hashed.update, value)
    return hashed.hexdigest()


def file_digest(path: str | os.PathLike) -> str:
    """SHA-256 digest of a file, hexadecimal. Raises OSError."""
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(_CHUNK):
            hashed.update(data)
    return hashed.hexdigest()


def with_checksum(facts: Mapping[str, Any], payload: Any = None, key: str = KEY) -> dict[str, Any]:
    """`facts`, which a JSON header holds, and under `key` the digest of them and of what else the file holds."""
    return {**facts, key: digest([facts, payload])}


def check_checksum(facts: Mapping[str, Any], payload: Any, older: Collection[str], key: str = KEY) -> None:
    """Compares what was read with its checksum.

    Args:
        facts, payload: as of `with_checksum`, including the checksum.
        older: the fields of files from before there was a checksum. A header without one may hold no others, so that a
            damaged name of the checksum is no way around it.

    Raises:
        ValueError: they differ, or the checksum is missing.
    """
    if key not in facts:
        if more := sorted(set(facts) - set(older)):
            raise ValueError(f"it has no checksum, but {more[0]!r}")
    elif facts[key] != digest([{name: value for name, value in facts.items() if name != key}, payload]):
        raise ValueError("its checksum does not match")


def tensor_bytes(value: torch.Tensor) -> memoryview:
    """The numbers of a tensor as bytes, row by row."""
    import torch

    return value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data


def _feed(update: Callable[[bytes | memoryview], None], value: Any) -> None:
    """Each value begins with its type and its length, so that different values give different bytes."""
    if isinstance(value, Mapping):
        update(b"{%d " % len(value))
        for name, part in sorted(((str(name), part) for name, part in value.items()), key=lambda pair: pair[0]):
            _feed(update, name)
            _feed(update, part)
    elif isinstance(value, (list, tuple)):
        update(b"[%d " % len(value))
        for part in value:
            _feed(update, part)
    elif isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        update(b"s%d " % len(data))
        update(data)
    elif value is None or isinstance(value, bool):
        update(f"{value} ".encode())
    elif isinstance(value, int):
        update(f"i{int(value)} ".encode())
    elif isinstance(value, float):
        update(f"f{float(value)!r} ".encode())
    elif hasattr(value, "detach"):
        update(f"t{value.dtype} {list(value.shape)} ".encode())
        update(tensor_bytes(value))
    else:
        raise TypeError(f"a {type(value).__name__} has no checksum")
