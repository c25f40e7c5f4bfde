"""Reads arrays from .npz files made by others, without trusting the sizes that they declare."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Sequence
from typing import IO

import numpy as np

_ENCRYPTED = 1  # bit of a member's flags
_HEADER = 65536  # bytes that the header of an array may have


def read_npz(path: str | os.PathLike, names: Sequence[str], limit: int) -> list[np.ndarray]:
    """The arrays of these names, in order. For use within `neuralpaint.utils.loading.reading`.

    Args:
        limit: bytes that an array may have; checked, and compared with the file, before any is read.

    Raises:
        KeyError: an array is missing.
        ValueError: an array is too large, encrypted, not of numbers, or not as large as it says; also other errors of
            `zipfile` and `numpy`.
    """
    with zipfile.ZipFile(path) as archive:
        there = set(archive.namelist())
        for name in names:
            if f"{name}.npy" not in there:
                raise KeyError(name)
            _check(archive, name, limit)
        found = []
        for name in names:
            with archive.open(f"{name}.npy") as member:
                found.append(np.lib.format.read_array(member, allow_pickle=False))  # also verifies the checksum
        return found


def _check(archive: zipfile.ZipFile, name: str, limit: int) -> None:
    info = archive.getinfo(f"{name}.npy")
    if info.flag_bits & _ENCRYPTED:
        raise ValueError(f"{name} is encrypted")
    if info.file_size > limit + _HEADER:
        raise ValueError(f"{name} has {info.file_size:,} bytes, more than {limit:,}")
    with archive.open(info) as member:
        shape, dtype = _header(member)
        begin = member.tell()
    if dtype.kind not in "biuf":
        raise ValueError(f"{name} is an array of {dtype}, not of numbers")
    if math.prod(shape) * dtype.itemsize != info.file_size - begin:
        raise ValueError(f"{name} has {info.file_size - begin:,} bytes, which is not its shape {list(shape)[:8]}")


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """(shape, type) of an array."""
    version = np.lib.format.read_magic(member)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"arrays of version {version} are not read")
    shape, _, dtype = read(member)
    if any(side < 0 for side in shape):
        raise ValueError(f"an array has shape {list(shape)[:8]}")
    return shape, dtype
