"""Files of trained renderers: see `neuralpaint.utils.model_files`. The configuration says for which brush the network
was trained, by name, parameters and a hash of the texture."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from neuralpaint.brushes import Brush, brushes, get_brush
from neuralpaint.brushes.described import described_brush
from neuralpaint.renderers.networks.registry import build_network, network_type
from neuralpaint.utils import schema
from neuralpaint.utils.loading import BadFile
from neuralpaint.utils.model_files import (
    BUNDLED,
    CARD,
    CONFIG,
    WEIGHTS,
    check_config,
    load_weights,
    read_model_config,
    write_model,
)
from neuralpaint.utils.outline import outline

if TYPE_CHECKING:
    from neuralpaint.renderers.networks.base import NetworkRenderer

FORMAT, VERSION = "neuralpaint.renderer", 1
_CHECK = schema.fields(
    {
        "network": schema.text(),
        "size": schema.whole(1, 4096),
        "options": schema.items,
        "brush_spec": schema.fields({"name": schema.text(), "fingerprint": schema.text()}),
    }
)

_FIELDS = ("network", "size", "options", "brush_spec")

__all__ = ["CARD", "CONFIG", "WEIGHTS", "bundled_folder", "load_network", "read_config", "save_network"]


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
            "fingerprint": brush.fingerprint,
        },
        "training": dict(training or {}),
    }
    write_model(folder, network.state_dict(), config, dtype=dtype, card=card)


def read_config(folder: str | os.PathLike) -> dict[str, Any]:
    """The configuration in a network's folder. ValueError if it is none of ours."""
    return read_model_config(folder, FORMAT, VERSION, "renderer", _FIELDS)


def load_network(folder: str | os.PathLike, *, brush: Brush | str | None = None) -> NetworkRenderer:
    """A trained network from its folder, in evaluation mode, float32, on the CPU. No code of the folder runs.

    Args:
        folder: with `config.json` and `model.safetensors`.
        brush: the brush that it must have been trained for; any by default.

    Raises:
        ValueError: if the folder holds no network, its files are damaged or do not belong together, or it was trained
            for another brush; the message names the file.
    """
    config, path = read_config(folder), Path(folder) / CONFIG
    check_config(config, path, _CHECK)
    spec, kind, options = config["brush_spec"], config["network"], config["options"]
    name = spec["name"]
    try:
        own = described_brush(name, spec)
        schema.fields({}, network_type(kind).option_checks)(options, "options")
    except ValueError as error:
        raise BadFile(f"{path} is damaged: {error}") from error
    if brush is not None:
        wanted = get_brush(brush)
        other = wanted.engine and wanted.name != own.name
        if not wanted.same_kind(own) or other:
            raise ValueError(f"the renderer in {folder} was trained for brush {name!r}, not for {wanted.name!r}")
    elif name in brushes():
        wanted = brushes()[name]
    else:
        wanted = own
    if wanted.fingerprint != spec["fingerprint"]:
        raise ValueError(
            f"the renderer in {folder} was trained for brush {name!r} with other parameters or texture than those of "
            f"{wanted.name!r}: train it again (neuralpaint train-renderer)"
        )
    try:
        with outline():
            network = build_network(kind, wanted, config["size"], **options)
    except (ValueError, TypeError) as error:
        raise BadFile(f"{path} is damaged: {error}") from error
    network = load_weights(network, Path(folder) / WEIGHTS, config["sha256"])
    network.trained = dict(config.get("training") or {})
    return network


def bundled_folder(brush: Brush | str) -> Path:
    """The folder of the network that comes with the package for a brush (`pixel` shares that of `tape`).

    Raises:
        ValueError: if there is none.
    """
    brush = get_brush(brush)
    folder = BUNDLED / {"pixel": "tape"}.get(brush.name, brush.name)
    if not (folder / CONFIG).is_file():
        have = [name for name in brushes() if (BUNDLED / name / CONFIG).is_file()]
        raise ValueError(
            f"no neural renderer for brush {brush.name!r} comes with the package (there are those of "
            f"{', '.join(have) or 'none'}): use the exact one, or train one with neuralpaint train-renderer and name "
            "its folder"
        )
    return folder
