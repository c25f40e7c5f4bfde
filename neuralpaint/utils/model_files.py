"""Files of trained networks: a folder with `config.json`, `model.safetensors` and a model card, `README.md`.

The configuration says what the network is and holds the checksum of the weights, so that a truncated, tampered or
mixed-up file is an error rather than a wrong picture.
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
    """Writes a network's folder, each file whole or not at all.

    Args:
        state: the weights.
        config: anything JSON can hold; the checksum of the weights is added as `sha256`.
        dtype: of the weights in the file: float32 (the default), float16 or bfloat16.
        card: the model card, Markdown; an old one stays if this is None.

    Raises:
        ValueError: if the weights hold NaN or infinity, in that type too.
        OSError: if the folder cannot be written.
    """
    import torch
    from safetensors.torch import save as to_safetensors

    dtype = torch.float32 if dtype is None else dtype
    folder = make_folder(folder)
    state = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    state = {name: value.to(dtype) if value.is_floating_point() else value for name, value in state.items()}
    broken = [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        raise ValueError(f"the network's weights are not finite ({broken[0]}): they are not saved")
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
    """The configuration in a network's folder.

    Args:
        format, version: what it must say it is.
        what: the kind of network, for messages, such as "renderer".

    Raises:
        ValueError: if there is none, or it is of another kind or version.
    """
    path = Path(folder) / CONFIG
    if not Path(folder).is_dir():
        raise ValueError(f"{folder} is no folder of a trained {what} (with {CONFIG} and {WEIGHTS})")
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{folder} holds no trained {what}: cannot read {CONFIG}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged: it is not JSON") from error
    if not isinstance(config, dict) or config.get("format") != format:
        raise ValueError(f"{path} is not the configuration of a neuralpaint {what}")
    if config.get("version") != version:
        raise ValueError(f"{path} is of version {config.get('version')}, this program reads version {version}")
    return config


def read_weights(path: Path, checksum: str, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights from a file, with the names, shapes and types of `expected`. No code in the file runs.

    Raises:
        ValueError: the file is missing, damaged or not the one of that SHA-256, or does not fit.
    """
    from safetensors.torch import load as from_safetensors

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the weights {path}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != checksum:
        raise ValueError(f"{path} is truncated or changed: its checksum is not the one in {CONFIG}")
    try:
        state = from_safetensors(data)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    for name, value in expected.items():
        if name not in state or state[name].shape != value.shape:
            found = f"shape {list(state[name].shape)}" if name in state else "nothing"
            raise ValueError(
                f"{path} does not fit {CONFIG}: {name} must have shape {list(value.shape)}, it has {found}"
            )
        if state[name].is_floating_point() and not state[name].isfinite().all():
            raise ValueError(f"{path} is damaged: {name} holds NaN or infinity")
    extra = set(state) - set(expected)
    if extra:
        raise ValueError(f"{path} does not fit {CONFIG}: it holds {sorted(extra)[0]} besides")
    return {name: value.to(expected[name].dtype) for name, value in state.items()}
