"""Reads files of `torch.save` without running what is in them, and without trusting what they declare."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import torch

from neuralpaint.utils.loading import BoundedFile

_SIGNATURE = b"PK\x03\x04"  # how a ZIP archive begins


class MoreThanData(ValueError):
    """The file contains objects other than tensors, numbers, texts, and containers of them."""


def read_torch(path: str | os.PathLike, device: torch.device | str = "cpu") -> Any:
    """What a file of `torch.save` contains, in either format, by torch's unpickler of plain data. For use within
    `neuralpaint.utils.loading.reading`.

    The checksums of the archive's members, which torch does not look at, are compared before anything is unpickled.

    Raises:
        MoreThanData: the file contains other objects.
        ValueError: the file is damaged; also other errors of `zipfile` and `torch.load`.
    """
    with open(path, "rb") as file:
        archive = file.read(len(_SIGNATURE)) == _SIGNATURE
    if archive:
        _check_archive(Path(path))
    elif zipfile.is_zipfile(path):
        raise ValueError("something precedes the archive")
    try:
        with BoundedFile(io.FileIO(path)) as file:
            return torch.load(file, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError, MemoryError):
        raise
    except Exception as error:  # weights_only raises errors of pickle for anything but plain data
        raise MoreThanData("it contains more than plain data") from error


def _check_archive(path: Path) -> None:
    """Raises ValueError if a member has another checksum than is noted, or more bytes than the file, as those of torch
    never do."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(info.file_size for info in members) > path.stat().st_size:
            raise ValueError("it is compressed")
        if len({info.filename for info in members}) < len(members):
            raise ValueError("a member is there twice")
        if (name := archive.testzip()) is not None:
            raise ValueError(f"the checksum of {name[:60]!r} does not match")
