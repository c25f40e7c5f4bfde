"""Reads files of weights that others publish."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from neuralpaint.utils.checksums import file_digest
from neuralpaint.utils.loading import BadFile, reading
from neuralpaint.utils.torch_files import MoreThanData, read_torch

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
            state = read_torch(path)
        except MoreThanData as error:
            raise BadFile(f"{label} contains more than weights and is not loaded: {remedy}") from error
    if not isinstance(state, Mapping):
        raise BadFile(f"{label} does not contain weights: {remedy}")
    return state


def check_published(path: Path, label: str, checksum: str, remedy: str) -> None:
    """Raises ValueError unless a file is the one that was published, by its SHA-256."""
    with reading(label, "cannot be read", remedy):
        found = file_digest(path)
    if found != checksum:
        raise BadFile(f"{label} is damaged or another file: its SHA-256 is not {checksum[:12]}…: {remedy}")


def is_dense(value: object) -> bool:
    """Whether this is an ordinary tensor of floats: neither sparse nor of a special type, and with its numbers."""
    return isinstance(value, Tensor) and value.layout == torch.strided and value.dtype in _FLOATS and not value.is_meta
