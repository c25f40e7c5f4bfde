"""What a picture can be read from: a file by its path, its contents, or a stream of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

Source: TypeAlias = "str | os.PathLike | bytes"  # a path, or the contents of a file

MAX_STREAM = 1 << 28  # bytes that are read of a pipe or a stream: they are kept in memory
_PIECE = 1 << 20


def is_source(image: object) -> bool:
    """Whether `as_source` takes it: a path, bytes, or a binary stream (an object with `read`)."""
    return isinstance(image, (str, os.PathLike, bytes, bytearray, memoryview)) or callable(getattr(image, "read", None))


def as_source(image: Any, name: str) -> tuple[Source, str]:
    """(what can be read again and again, a label for messages) of a path, bytes or a binary stream.

    Streams, and paths of pipes and devices, are read here, once, from where they are.

    Args:
        name: label of what has no name.

    Raises:
        ValueError: the file does not exist, is a folder, is empty, or a stream is too long.
        TypeError: a stream gives text.
    """
    if isinstance(image, (bytes, bytearray, memoryview)):
        return _checked(bytes(image), name), name
    if isinstance(image, (str, os.PathLike)):
        check_there(image)
        label = os.fspath(image)
        if stat.S_ISREG(os.stat(image).st_mode):
            return image, label
        try:
            with open(image, "rb") as file:
                return _checked(_read(file.read, label), label), label
        except OSError as error:
            raise ValueError(f"{label} cannot be read: {error.strerror}") from error
    return _checked(_read(image.read, name), name), name


def check_there(path: str | os.PathLike) -> None:
    """Raises ValueError, as `load_image` does, if the file does not exist or is empty."""
    label = os.fspath(path)
    path = Path(path)
    try:
        if path.is_dir():
            raise ValueError(f"{label} is a folder: choose an image in it")
        if not path.exists():
            raise ValueError(f"{label} does not exist: check the path")
        if path.is_file() and path.stat().st_size == 0:
            raise ValueError(f"{label} is an empty file (0 bytes)")
    except OSError as error:
        raise ValueError(f"{label} cannot be read: {error.strerror}") from error


def _checked(data: bytes, label: str) -> bytes:
    if not data:
        raise ValueError(f"{label} is empty (0 bytes)")
    return data


def _read(read: Callable[[int], Any], label: str) -> bytes:
    """All of a stream, unless it is too long: then no more than `MAX_STREAM` is taken."""
    pieces, size = [], 0
    while piece := read(_PIECE):
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"{label} gives text: open it in binary mode")
        pieces.append(bytes(piece))
        size += len(piece)
        if size > MAX_STREAM:
            raise ValueError(f"{label} has more than {MAX_STREAM >> 20} MiB: save it as a file, and give its path")
    return b"".join(pieces)
