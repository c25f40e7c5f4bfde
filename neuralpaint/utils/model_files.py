"""Files of trained networks: a folder with `config.json`, `model.safetensors` and a model card, `README.md`.

The configuration describes the network and contains two checksums, of the weights and of itself, so truncated, modified
or mismatched files are detected.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from neuralpaint.utils import schema
from neuralpaint.utils.checksums import check_checksum, with_checksum
from neuralpaint.utils.files import atomic_write, make_folder
from neuralpaint.utils.loading import BadFile, read_json, reading, safetensors_header
from neuralpaint.utils.schema import shown

if TYPE_CHECKING:
    import torch

Network = TypeVar("Network", bound="torch.nn.Module")
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
_OWN = "config_sha256"  # the checksum of a configuration, in itself
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
        config: JSON-serializable; the checksum of the weights is added as `sha256`, that of all this as
            `config_sha256`.
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
    full = json.loads(json.dumps({**config, "sha256": hashlib.sha256(weights).hexdigest()}))
    with atomic_write(folder / WEIGHTS) as file:
        file.write(weights)
    with atomic_write(folder / CONFIG) as file:
        file.write((json.dumps(with_checksum(full, key=_OWN), indent=2) + "\n").encode())
    if card is not None:
        with atomic_write(folder / CARD) as file:
            file.write(card.encode())


def read_model_config(
    folder: str | os.PathLike, format: str, version: int, what: str, fields: Collection[str]
) -> dict[str, Any]:
    """Reads the configuration in the folder of a network.

    Args:
        format, version: the required format and version.
        what: the kind of network for messages, such as "renderer".
        fields: the format's own fields; one without a checksum of itself may have no others.

    Raises:
        ValueError: the configuration is missing, damaged, or has another format or version.
    """
    path = Path(folder) / CONFIG
    if not Path(folder).is_dir():
        raise ValueError(f"{folder} is not the folder of a trained {what} (with {CONFIG} and {WEIGHTS})")
    if not path.is_file():
        raise BadFile(f"{folder} contains no trained {what}: cannot read {CONFIG}: there is no such file")
    with reading(path, "is damaged: it is not JSON"):
        config = read_json(path)
    if not isinstance(config, dict) or config.get("format") != format:
        raise BadFile(f"{path} is not the configuration of a neuralpaint {what}")
    if config.get("version") != version:
        raise BadFile(f"{path} has version {shown(config.get('version'))}, this neuralpaint reads version {version}")
    with reading(path, "is damaged"):
        check_checksum(config, None, {"format", "version", "sha256", "training", *fields}, _OWN)
    check_config(config, path, schema.fields({"sha256": schema.text(64)}, {"training": schema.maybe(schema.items)}))
    return config


def check_config(config: Any, path: Path, check: schema.Check) -> None:
    """Raises ValueError, naming the file, unless a configuration passes a check."""
    try:
        check(config, "")
    except ValueError as error:
        raise BadFile(f"{path} is damaged: {error}") from error


def read_weights(path: Path, checksum: str, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Reads weights with the names and shapes of `expected`, float32. No code in the file is run.

    Names and shapes are compared before the weights are read, so a file takes no more memory than its network.

    Args:
        expected: may be on the device "meta".

    Raises:
        ValueError: the file is missing or damaged, or does not match the SHA-256 or the expected weights.
    """
    from safetensors.torch import load as from_safetensors

    if not path.is_file():
        raise BadFile(f"cannot read the weights {path}: there is no such file")
    with reading(path, f"is truncated or modified: its checksum does not match {CONFIG}"):
        _compare(path, safetensors_header(path), expected)
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != checksum:
            raise BadFile(f"{path} is truncated or modified: its checksum does not match {CONFIG}")
        state = from_safetensors(data)
    with reading(path, f"does not match {CONFIG}"):
        _compare(path, {name: tuple(value.shape) for name, value in state.items()}, expected)
        for name, value in state.items():
            if value.is_floating_point() != expected[name].is_floating_point() or value.is_complex():
                raise BadFile(f"{path} does not match {CONFIG}: {name} has type {value.dtype}")
            if value.is_floating_point() and not value.isfinite().all():
                raise BadFile(f"{path} is damaged: {name} contains NaN or infinity")
        return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def load_weights(network: Network, path: Path, checksum: str) -> Network:
    """The network with the weights of a file, on the CPU in evaluation mode. It is made on the device "meta" and takes
    memory only once the file turns out to fit. Raises as `read_weights`."""
    state = read_weights(path, checksum, network.state_dict())
    # Copied, because they share one buffer, in which they are not aligned.
    network.load_state_dict({name: value.clone() for name, value in state.items()}, assign=True)
    return network.eval()


def _compare(path: Path, found: Mapping[str, tuple[int, ...]], expected: Mapping[str, torch.Tensor]) -> None:
    for name, value in expected.items():
        if found.get(name) != tuple(value.shape):
            has = f"shape {list(found[name])}" if name in found else "nothing"
            raise BadFile(f"{path} does not match {CONFIG}: {name} must have shape {list(value.shape)}, it has {has}")
    extra = set(found) - set(expected)
    if extra:
        raise BadFile(f"{path} does not match {CONFIG}: unexpected tensor {sorted(extra)[0]}")
