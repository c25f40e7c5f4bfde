"""Training checkpoints: written atomically, loaded without running code, rejected if they are damaged or belong to
another run."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

from neuralpaint.utils.checksums import check_checksum, with_checksum
from neuralpaint.utils.files import atomic_write
from neuralpaint.utils.loading import BadFile, parse_json, reading
from neuralpaint.utils.schema import shown
from neuralpaint.utils.torch_files import MoreThanData, read_torch


def write_checkpoint(path: Path, identity: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Writes a checkpoint.

    Args:
        identity: settings that must match to resume from it; JSON-serializable.
        state: tensors, numbers, strings, and containers of them.
    """
    with atomic_write(path) as file:
        torch.save(with_checksum({"identity": json.dumps(identity), **state}), file)


def read_checkpoint(
    path: Path, identity: Mapping[str, Any], device: torch.device, names: Collection[str]
) -> dict[str, Any]:
    """Reads the state from a checkpoint.

    Args:
        names: what the state consists of.

    Raises:
        ValueError: the checkpoint is damaged, or has another identity.
    """
    with resuming(path):
        try:
            state = read_torch(path, device)
        except MoreThanData as error:
            raise BadFile(f"{path} is not a training checkpoint: delete it to start again") from error
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            raise ValueError("it is not a training checkpoint")
        check_checksum(state, None, {"identity", *names})
        theirs = parse_json(state["identity"])
        if not isinstance(theirs, dict):
            raise ValueError("it does not say what it belongs to")
        if missing := sorted(set(names) - set(state)):
            raise KeyError(missing[0])
    for name, value in json.loads(json.dumps(dict(identity))).items():
        if theirs.get(name) != value:
            other = shown(theirs.get(name)).strip("'")
            raise BadFile(f"{path} belongs to a training run with {name} {other}, not {value}: use another folder")
    return state


def check_finite(value: Any, name: str) -> None:
    """Raises ValueError if a number in a tensor, or in containers of them, is NaN or infinite."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            check_finite(part, f"{name}.{key}")
    elif isinstance(value, (list, tuple)):
        for part in value:
            check_finite(part, name)
    elif isinstance(value, torch.Tensor):
        if (value.is_floating_point() or value.is_complex()) and not value.isfinite().all():
            raise ValueError(f"{name} contains NaN or infinity")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {value}")


def resuming(path: Path) -> AbstractContextManager[None]:
    """Turns whatever goes wrong with what a checkpoint holds into one ValueError that names it."""
    return reading(path, "is damaged", "delete it to start again")
