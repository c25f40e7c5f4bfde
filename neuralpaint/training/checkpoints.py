"""Training checkpoints: written atomically, loaded without running code, rejected if they belong to another run."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from neuralpaint.utils.files import atomic_write


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
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        theirs = json.loads(state["identity"])
    except (RuntimeError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{path} is damaged: delete it to start again ({type(error).__name__})") from error
    except Exception as error:  # weights_only raises errors of pickle for anything but plain data
        raise ValueError(f"{path} is not a training checkpoint: delete it to start again") from error
    for name, value in json.loads(json.dumps(dict(identity))).items():
        if theirs.get(name) != value:
            raise ValueError(
                f"{path} belongs to a training run with {name} {theirs.get(name)}, not {value}: use another folder"
            )
    return state
