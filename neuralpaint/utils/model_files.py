"""Files of trained networks: a folder with `config.json`, `model.safetensors` and a model card, `README.md`.

The configuration describes the network and contains the checksum of the weights, so truncated, modified or mismatched
files are detected.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from neuralpaint.utils.files import atomic_write, make_folder

if TYPE_CHECKING:
    import torch

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
BUNDLED = Path(__file__).resolve().parent.parent / "weights"


def write_model(
    folder: str | os.PathLike,
    state: Mapping[str, torch.Tensor],
    config: Mapping[str, Any],
    *,
    dtype: torch.dtype | None = None,
    card: str | None = None,
) -> None:
    """Writes the folder of a network; each file is written atomically.

    Args:
        state: the weights.
        config: JSON-serializable; the checksum of the weights is added as `sha256`.
        dtype: of the weights in the file: float32 (the default), float16 or bfloat16.
        card: the model card, Markdown; None keeps an existing one.

    Raises:
        ValueError: the weights contain NaN or infinity, possibly only after conversion to `dtype`.
        OSError: the folder cannot be written.
    """
    import torch
    from safetensors.torch import save as to_safetensors

    dtype = torch.float32 if dtype is None else dtype
    folder = make_folder(folder)
    state = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    state = {name: value.to(dtype) if value.is_floating_point() else value for name, value in state.items()}
    broken = [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        raise ValueError(f"not saved: the weights of the network are not finite ({broken[0]})")
    weights = to_safetensors(state)
    full = {**config, "sha256": hashlib.sha256(weights).hexdigest()}
    with atomic_write(folder / WEIGHTS) as file:
        file.write(weights)
    with atomic_write(folder / CONFIG) as file:
        file.write((json.dumps(full, indent=2) + "\n").encode())
    if card is not None:
        with atomic_write(folder / CARD) as file:
            file.write(card.encode())


def read_model_config(folder: str | os.PathLike, format: str, version: int, what: str) -> dict[str, Any]:
    """Reads the configuration in the folder of a network.

    Args:
        format, version: the required format and version.
        what: the kind of network for messages, such as "renderer".

    Raises:
        ValueError: the configuration is missing, damaged, or has another format or version.
    """
    path = Path(folder) / CONFIG
    if not Path(folder).is_dir():
        raise ValueError(f"{folder} is not the folder of a trained {what} (with {CONFIG} and {WEIGHTS})")
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{folder} contains no trained {what}: cannot read {CONFIG}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged: it is not JSON") from error
    if not isinstance(config, dict) or config.get("format") != format:
        raise ValueError(f"{path} is not the configuration of a neuralpaint {what}")
    if config.get("version") != version:
        raise ValueError(f"{path} has version {config.get('version')}, this neuralpaint reads version {version}")
    return config


def read_weights(path: Path, checksum: str, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Reads weights with the names, shapes and types of `expected`. No code in the file is run.

    Raises:
        ValueError: the file is missing or damaged, or does not match the SHA-256 or the expected weights.
    """
    from safetensors.torch import load as from_safetensors

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the weights {path}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != checksum:
        raise ValueError(f"{path} is truncated or modified: its checksum does not match {CONFIG}")
    try:
        state = from_safetensors(data)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    for name, value in expected.items():
        if name not in state or state[name].shape != value.shape:
            found = f"shape {list(state[name].shape)}" if name in state else "nothing"
            raise ValueError(
                f"{path} does not match {CONFIG}: {name} must have shape {list(value.shape)}, it has {found}"
            )
        if state[name].is_floating_point() and not state[name].isfinite().all():
            raise ValueError(f"{path} is damaged: {name} contains NaN or infinity")
    extra = set(state) - set(expected)
    if extra:
        raise ValueError(f"{path} does not match {CONFIG}: unexpected tensor {sorted(extra)[0]}")
    return {name: value.to(expected[name].dtype) for name, value in state.items()}
