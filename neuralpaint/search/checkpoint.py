"""Search checkpoints on disk."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import AbstractContextManager
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from neuralpaint.utils.files import atomic_write, make_folder
from neuralpaint.utils.loading import BadFile, parse_json, reading

_FORMAT = "neuralpaint.search"
_VERSION = 3
_OLDER = {"format", "version", "settings"}  # the fields of files without a checksum
_NAME = "search.safetensors"
_HEADER = "neuralpaint"  # a single key, because safetensors does not keep several in order


class Checkpoint:
    """The state of one search in a folder. Writes are atomic: killing the process leaves the old or the new state.

    Args:
        folder: created if missing.
        settings: everything that affects the result of the search, JSON-serializable; a checkpoint with different
            settings is rejected.
    """

    def __init__(self, folder: str | os.PathLike, settings: dict[str, Any]) -> None:
        self.path = make_folder(folder) / _NAME
        self.settings = settings

    def exists(self) -> bool:
        return self.path.exists()

    def write(self, state: dict[str, Tensor]) -> None:
        """Writes the state. Raises WriteError (an OSError) on failure."""
        header = {"format": _FORMAT, "version": _VERSION, "settings": self.settings, "sha256": _digest(state)}
        with atomic_write(self.path) as file:
            file.write(save(state, {_HEADER: json.dumps(header, sort_keys=True)}))

    def reading(self) -> AbstractContextManager[None]:
        """Turns whatever goes wrong with what the file holds into one ValueError that names it."""
        return reading(f"checkpoint {self.path}", "cannot be read", "start again without resuming")

    def read(self) -> dict[str, Tensor]:
        """Reads the state. Raises ValueError if the file is damaged, or from another version, photo or settings."""
        with self.reading(), safe_open(self.path, "pt") as file:
            header = parse_json((file.metadata() or {}).get(_HEADER, "{}"))
            if isinstance(header, dict) and header.get("format") == _FORMAT:
                state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        if not isinstance(header, dict) or header.get("format") != _FORMAT:
            raise BadFile(f"checkpoint {self.path} is not a search checkpoint")
        self._check(header)
        # Older files have no checksum, and no other fields either.
        if header["sha256"] != _digest(state) if "sha256" in header else set(header) - _OLDER:
            raise BadFile(f"checkpoint {self.path} is damaged (its checksum does not match): start again")
        return state

    def _check(self, header: dict[str, Any]) -> None:
        """Raises ValueError if the header is from another version, photo or settings."""
        if not isinstance(header.get("version"), int) or header["version"] > _VERSION:
            raise BadFile(
                f"checkpoint {self.path} is from a newer version of neuralpaint: update neuralpaint, or start again"
            )
        if header["version"] < _VERSION:
            raise BadFile(f"checkpoint {self.path} is from an older version of neuralpaint: start again")
        other = header.get("settings")
        if not isinstance(other, dict):
            raise BadFile(f"checkpoint {self.path} is damaged (it has no settings): start again")
        different = [key for key in self.settings if other.get(key) != self.settings[key]]
        if "photo" in different:
            raise BadFile(f"checkpoint {self.path} belongs to another photo: use another folder, or start again")
        if different:
            raise BadFile(
                f"checkpoint {self.path} was made with other settings ({', '.join(different)}): "
                "use the same settings or another folder, or start again"
            )


def fingerprint(tensor: Tensor) -> str:
    """SHA-256 digest of a tensor's shape and bytes."""
    array = tensor.detach().cpu().reshape(-1).clone().view(torch.uint8).numpy()
    return hashlib.sha256(repr(tuple(tensor.shape)).encode() + array.tobytes()).hexdigest()


def _digest(state: dict[str, Tensor]) -> str:
    """SHA-256 digest of all tensors of a state with their names and types."""
    lines = [f"{name} {value.dtype} {fingerprint(value)}\n" for name, value in sorted(state.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
