"""Training checkpoints: written atomically, loaded without running code, rejected if they belong to another run."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

from neuralpaint.utils.files import atomic_write
from neuralpaint.utils.loading import BadFile, reading
from neuralpaint.utils.schema import shown


def write_checkpoint(path: Path, identity: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Writes a checkpoint.

    Args:
        identity: settings that must match to resume from it; JSON-serializable.
        state: tensors, numbers, strings, and containers of them.
    """
    with atomic_write(path) as file:
        torch.save({"identity": json.dumps(identity), **state}, file)


def read_checkpoint(path: Path, identity: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Reads the state from a checkpoint.

    Raises:
        ValueError: the checkpoint is damaged, or has another identity.
    """
    with resuming(path):
        try:
            state = torch.load(path, map_location=device, weights_only=True)
        except (RuntimeError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, OSError, MemoryError):
            raise
        except Exception as error:  # weights_only raises errors of pickle for anything but plain data
            raise BadFile(f"{path} is not a training checkpoint: delete it to start again") from error
        theirs = json.loads(state["identity"])
        if not isinstance(theirs, dict):
            raise ValueError("it does not say what it belongs to")
    for name, value in json.loads(json.dumps(dict(identity))).items():
        if theirs.get(name) != value:
            other = shown(theirs.get(name)).strip("'")
            raise BadFile(f"{path} belongs to a training run with {name} {other}, not {value}: use another folder")
    return state


def resuming(path: Path) -> AbstractContextManager[None]:
    """Turns whatever goes wrong with what a checkpoint holds into one ValueError that names it."""
    return reading(path, "is damaged", "delete it to start again")
