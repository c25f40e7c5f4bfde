"""The state of a search on disk."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from neuralpaint.utils.files import atomic_write, make_folder

_FORMAT = "neuralpaint.search"
_VERSION = 2
_NAME = "search.safetensors"
_HEADER = "neuralpaint"  # one key for all: safetensors writes several in no fixed order


class Checkpoint:
    """One search's state in a folder. It is replaced whole, so a kill at any moment leaves the old or the new one.

    Args:
        folder: created if it is not there.
        settings: everything the search's result depends on, as JSON can hold it; a state of other settings is refused.
    """

    def __init__(self, folder: str | os.PathLike, settings: dict[str, Any]) -> None:
        self.path = make_folder(folder) / _NAME
        self.settings = settings

    def exists(self) -> bool:
        return self.path.exists()

    def write(self, state: dict[str, Tensor]) -> None:
        """Raises WriteError (an OSError) if it cannot be written."""
        header = {"format": _FORMAT, "version": _VERSION, "settings": self.settings}
        with atomic_write(self.path) as file:
            file.write(save(state, {_HEADER: json.dumps(header, sort_keys=True)}))

    def read(self) -> dict[str, Tensor]:
        """Raises ValueError if the file is damaged, from another version, or of another photo or other settings."""
        try:
            with safe_open(self.path, "pt") as file:
                header = json.loads((file.metadata() or {}).get(_HEADER, "{}"))
                state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        except (SafetensorError, OSError, json.JSONDecodeError) as error:
            raise ValueError(f"checkpoint {self.path} cannot be read ({error}): start anew, without resuming") from None
        if not isinstance(header, dict) or header.get("format") != _FORMAT:
            raise ValueError(f"checkpoint {self.path} is not the state of a search")
        if not isinstance(header.get("version"), int) or header["version"] > _VERSION:
            raise ValueError(f"checkpoint {self.path} is from a newer version of neuralpaint: update it, or start anew")
        if header["version"] < _VERSION:
            raise ValueError(f"checkpoint {self.path} is from an older version of neuralpaint: start anew")
        other = header.get("settings", {})
        different = [key for key in self.settings if other.get(key) != self.settings[key]]
        if "photo" in different:
            raise ValueError(f"checkpoint {self.path} belongs to another photo: name another folder, or start anew")
        if different:
            raise ValueError(
                f"checkpoint {self.path} belongs to other settings ({', '.join(different)}): "
                "repeat them, name another folder, or start anew"
            )
        return state


def fingerprint(tensor: Tensor) -> str:
    """A digest of a tensor's shape and bytes."""
    array = tensor.detach().cpu().reshape(-1).clone().view(torch.uint8).numpy()
    return hashlib.sha256(repr(tuple(tensor.shape)).encode() + array.tobytes()).hexdigest()
