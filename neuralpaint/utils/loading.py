"""Guards for reading files made by others: whatever is in them, the error is one line that names the file."""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MAX_JSON = 64 * 2**20  # bytes of a JSON file
_LONG_READ = 1 << 20  # bytes
_LONGEST = 160  # characters of a reason


class BadFile(ValueError):
    """A file is damaged, or not what it should be. The message names the file."""


class BoundedFile(io.BufferedReader):
    """A file that takes no more memory for a read than it has bytes left, whatever length a header declares."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LONG_READ:
            status = os.fstat(self.fileno())
            if stat.S_ISREG(status.st_mode):
                size = max(0, min(size, status.st_size - self.tell()))
        return super().read(size)


@contextmanager
def reading(path: str | os.PathLike, problem: str, remedy: str = "", kind: type[BadFile] = BadFile) -> Iterator[None]:
    """Turns every exception of the block into one `BadFile`: "PATH PROBLEM (what happened): REMEDY".

    `BadFile` passes through unchanged, and so does MemoryError, which says nothing about the file.

    Args:
        problem: what is wrong with the file, such as "is damaged".
        remedy: what to do about it.
        kind: the class of the error, unless the file does not exist or may not be read.
    """
    try:
        yield
    except (BadFile, MemoryError):
        raise
    except Exception as error:
        ending = f": {remedy}" if remedy else ""
        if isinstance(error, PermissionError):
            raise BadFile(f"{path} cannot be read: permission denied{ending}") from error
        if isinstance(error, FileNotFoundError):
            raise BadFile(f"{path} cannot be read: it does not exist{ending}") from error
        raise kind(f"{path} {problem} ({reason(error)}){ending}") from error


def reason(error: BaseException) -> str:
    """What an exception says, on one short line."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, KeyError):
        text = f"it lacks {error}"
    else:
        text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    text = " ".join(text.split()) or type(error).__name__
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def read_json(path: str | os.PathLike) -> Any:
    """Parses a JSON file of at most `MAX_JSON` bytes. For use within `reading`."""
    with open(path, "rb") as file:
        check_length(os.fstat(file.fileno()).st_size, MAX_JSON)
        return parse_json(file.read())


def parse_json(text: str | bytes) -> Any:
    """Parses JSON. For use within `reading`.

    Raises:
        ValueError: it is not JSON, or an object has a key twice, of which other readers may take the other one.
    """
    return json.loads(text, object_pairs_hook=_distinct)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)[:60]!r} is there twice")
    return found


def check_length(length: int, limit: int, what: str = "the file") -> None:
    """Raises ValueError if something in a file has more bytes than it may have. For use within `reading`."""
    if length > limit:
        raise ValueError(f"{what} has {length:,} bytes, more than {limit:,}")


def safetensors_header(path: str | os.PathLike) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a .safetensors file by name, without reading the tensors. For use within
    `reading`."""
    from safetensors import safe_open

    with safe_open(Path(path), framework="np") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (not a mapping)
