"""Checkpoints of trainings: written whole or not at all, read without running code, refused if they are another's."""

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
        identity: what a training must agree with to go on from it; anything JSON can hold.
        state: tensors, numbers, text, and containers of them.
    """
    with atomic_write(path) as file:
        torch.save({"identity": json.dumps(identity), **state}, file)


def read_checkpoint(path: Path, identity: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """The state in a checkpoint.

    Raises:
        ValueError: it is damaged, or of a training with another identity.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        theirs = json.loads(state["identity"])
    except (RuntimeError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{path} is damaged: delete it to start anew ({type(error).__name__})") from error
    except Exception as error:  # weights_only refuses what is not plain data by an error of pickle's own
        raise ValueError(f"{path} is no checkpoint of a training: delete it to start anew") from error
    for name, value in json.loads(json.dumps(dict(identity))).items():
        if theirs.get(name) != value:
            raise ValueError(
                f"{path} belongs to a training with {name} {theirs.get(name)}, not {value}: name another folder"
            )
    return state
