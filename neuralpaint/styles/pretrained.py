"""Saves and loads style networks: see `neuralpaint.utils.model_files`. Their folders also have thumbnails."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch

from neuralpaint.styles.architecture import Architecture
from neuralpaint.styles.files import FORMAT, VERSION, find_style_network
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.utils.model_files import CONFIG, WEIGHTS, read_model_config, read_weights, write_model

THUMBNAILS = "thumbnails"
_LIMIT = 4096  # maximum number of styles and channels accepted from a file


def save_style_network(
    network: StyleNetwork,
    folder: str | os.PathLike,
    *,
    dtype: torch.dtype = torch.float32,
    training: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> None:
    """Writes the folder of a network; each file is written atomically.

    Args:
        dtype: of the weights in the file.
        training: how it was trained, JSON-serializable.
        card: the model card, Markdown; None keeps an existing one.

    Raises:
        ValueError: the weights contain NaN or infinity.
        OSError: the folder cannot be written.
    """
    shape = network.architecture
    config = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": {
            "name": shape.name,
            "widths": list(shape.widths),
            "blocks": shape.blocks,
            "outer": shape.outer,
            "early": shape.early,
        },
        "styles": network.names,
        "training": dict(training or {}),
    }
    write_model(folder, network.state_dict(), config, dtype=dtype, card=card)


def load_style_network(network: str | os.PathLike = "light") -> StyleNetwork:
    """Loads a bundled style network by name, or one from a folder. On the CPU, float32.

    No code from the folder is run. The attribute `training_facts` of the result describes how it was trained.

    Args:
        network: "light", "paper", or a folder with `config.json` and `model.safetensors`.

    Raises:
        ValueError: the network does not exist, or its files are damaged, from another version, or do not match.
    """
    folder = find_style_network(network)
    config = read_model_config(folder, FORMAT, VERSION, "style network")
    path = folder / CONFIG
    try:
        found = config["architecture"]
        widths = tuple(int(width) for width in found["widths"])
        numbers = (*widths, int(found["blocks"]), int(found["outer"]))
        names = config["styles"]
        if len(widths) != 3 or not all(0 < number <= _LIMIT for number in numbers) or found["outer"] % 2 == 0:
            raise ValueError("architecture")
        if not isinstance(names, list) or len(names) > _LIMIT or not all(isinstance(name, str) for name in names):
            raise ValueError("styles")
        shape = Architecture(
            str(found["name"]), (widths[0], widths[1], widths[2]), numbers[3], numbers[4], bool(found["early"])
        )
        loaded = StyleNetwork(names, shape)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: missing or invalid {error}") from error
    loaded.load_state_dict(read_weights(folder / WEIGHTS, str(config.get("sha256")), loaded.state_dict()))
    loaded.training_facts = dict(config.get("training") or {})
    return loaded.eval()
