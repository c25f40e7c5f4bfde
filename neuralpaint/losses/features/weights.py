"""Reads files of weights that others publish."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from neuralpaint.utils.loading import BadFile, reading

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def read_pth(path: Path, label: str, remedy: str) -> Mapping[str, object]:
    """The contents of a .pth file. No code in it is run.

    Args:
        label: the file as messages name it.
        remedy: what to do about a damaged one.

    Raises:
        ValueError: the file is damaged, or contains anything but plain data.
    """
    with reading(label, "is damaged", remedy):
        try:
            if zipfile.is_zipfile(path):
                _check_sizes(path)
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, MemoryError, zipfile.BadZipFile):
            raise
        except Exception as error:  # weights_only raises errors of pickle for anything but plain data
            raise BadFile(f"{label} contains more than weights and is not loaded: {remedy}") from error
    if not isinstance(state, Mapping):
        raise BadFile(f"{label} does not contain weights: {remedy}")
    return state


def _check_sizes(path: Path) -> None:
    """Raises ValueError if a file expands to more than it has, as those of torch never do."""
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > path.stat().st_size:
            raise ValueError("it is compressed")


def is_dense(value: object) -> bool:
    """Whether this is an ordinary tensor of floats: neither sparse nor of a special type, and with its numbers."""
    return isinstance(value, Tensor) and value.layout == torch.strided and value.dtype in _FLOATS and not value.is_meta
