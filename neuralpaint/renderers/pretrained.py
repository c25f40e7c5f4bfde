"""Files of trained networks: a folder with `config.json`, `model.safetensors` and a model card, `README.md`.

The configuration says for which brush the network was trained, by name, parameters and a hash of the texture, and holds
the checksum of the weights, so that a truncated, tampered or mixed-up file is an error rather than a wrong picture.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors

from neuralpaint.brushes import Brush, brushes
from neuralpaint.files import atomic_write, make_folder
from neuralpaint.renderers.network import NetworkRenderer, brush_fingerprint, build_network

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
FORMAT, VERSION = "neuralpaint.renderer", 1
BUNDLED = Path(__file__).resolve().parent.parent / "weights"


def save_network(
    network: NetworkRenderer,
    folder: str | os.PathLike,
    *,
    dtype: torch.dtype = torch.float32,
    training: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> None:
    """Writes a network's folder, each file whole or not at all.

    Args:
        dtype: of the weights in the file: float32, float16 or bfloat16.
        training: anything JSON can hold about how it was trained, kept in the configuration.
        card: the model card, Markdown; an old one stays if this is None.

    Raises:
        ValueError: if the weights hold NaN or infinity.
        OSError: if the folder cannot be written.
    """
    folder = make_folder(folder)
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    state = {name: value.to(dtype) if value.is_floating_point() else value for name, value in state.items()}
    broken = [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        raise ValueError(f"the network's weights are not finite ({broken[0]}): they are not saved")
    weights = to_safetensors(state)
    brush = network.brush
    config = {
        "format": FORMAT,
        "version": VERSION,
        "network": network.network,
        "size": network.size,
        "options": network.options(),
        "brush_spec": {
            "name": brush.name,
            "kind": brush.kind,
            "parameters": list(brush.parameters),
            "held": [list(pair) for pair in brush.held],
            "fingerprint": brush_fingerprint(brush),
        },
        "sha256": hashlib.sha256(weights).hexdigest(),
        "training": dict(training or {}),
    }
    with atomic_write(folder / WEIGHTS) as file:
        file.write(weights)
    with atomic_write(folder / CONFIG) as file:
        file.write((json.dumps(config, indent=2) + "\n").encode())
    if card is not None:
        with atomic_write(folder / CARD) as file:
            file.write(card.encode())


def read_config(folder: str | os.PathLike) -> dict[str, Any]:
    """The configuration in a network's folder. ValueError if it is none of ours."""
    path = Path(folder) / CONFIG
    if not Path(folder).is_dir():
        raise ValueError(f"{folder} is no folder of a trained renderer (with {CONFIG} and {WEIGHTS})")
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{folder} holds no trained renderer: cannot read {CONFIG}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged: it is not JSON") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ValueError(f"{path} is not the configuration of a neuralpaint renderer")
    if config.get("version") != VERSION:
        raise ValueError(f"{path} is of version {config.get('version')}, this program reads version {VERSION}")
    return config


def load_network(folder: str | os.PathLike, *, brush: Brush | str | None = None) -> NetworkRenderer:
    """A trained network from its folder, in evaluation mode, float32, on the CPU. No code of the folder runs.

    Args:
        folder: with `config.json` and `model.safetensors`.
        brush: the brush that it must have been trained for; any by default.

    Raises:
        ValueError: if the folder holds no network, its files are damaged or do not belong together, or it was trained
            for another brush; the message names the file.
    """
    from neuralpaint.brushes import get_brush

    config = read_config(folder)
    try:
        spec = config["brush_spec"]
        name, fingerprint = str(spec["name"]), spec["fingerprint"]
        held = tuple((int(index), float(value)) for index, value in spec["held"])
        own = Brush(name, int(spec["kind"]), tuple(spec["parameters"]), held)
        kind, size, options = config["network"], config["size"], dict(config["options"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{Path(folder) / CONFIG} is damaged: it lacks or garbles {error}") from error
    if brush is not None:
        wanted = get_brush(brush)
        other = wanted.engine and wanted.name != own.name
        if wanted.parameters != own.parameters or wanted.kind != own.kind or other:
            raise ValueError(f"the renderer in {folder} was trained for brush {name!r}, not for {wanted.name!r}")
    elif name in brushes():
        wanted = brushes()[name]
    else:
        wanted = own
    if brush_fingerprint(wanted) != fingerprint:
        raise ValueError(
            f"the renderer in {folder} was trained for brush {name!r} with other parameters or texture than those of "
            f"{wanted.name!r}: train it again (neuralpaint train-renderer)"
        )
    network = build_network(kind, wanted, size, **options)
    network.load_state_dict(_read_weights(Path(folder) / WEIGHTS, str(config.get("sha256")), network.state_dict()))
    network.trained = dict(config.get("training") or {})
    return network.eval()


def _read_weights(path: Path, checksum: str, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
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


def bundled_folder(brush: Brush | str) -> Path:
    """The folder of the network that comes with the package for a brush (`pixel` shares that of `tape`).

    Raises:
        ValueError: if there is none.
    """
    from neuralpaint.brushes import get_brush

    brush = get_brush(brush)
    folder = BUNDLED / {"pixel": "tape"}.get(brush.name, brush.name)
    if not (folder / CONFIG).is_file():
        have = sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG}"))
        raise ValueError(
            f"no neural renderer for brush {brush.name!r} comes with the package (there are "
            f"{', '.join(have) or 'none'}): train one with neuralpaint train-renderer and name its folder"
        )
    return folder
