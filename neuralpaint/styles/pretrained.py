"""Saves and loads style networks: see `neuralpaint.utils.model_files`. Their folders also have thumbnails."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch

from neuralpaint.styles.architecture import Architecture
from neuralpaint.styles.files import FIELDS, FORMAT, STYLES, VERSION, find_style_network
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.utils import schema
from neuralpaint.utils.loading import BadFile
from neuralpaint.utils.model_files import (
    CONFIG,
    WEIGHTS,
    check_config,
    load_weights,
    read_model_config,
    write_model,
)
from neuralpaint.utils.outline import outline

THUMBNAILS = "thumbnails"
_CHECK = schema.fields(
    {
        "architecture": schema.fields(
            {
                "name": schema.text(),
                "widths": schema.listed(schema.whole(1, 4096), 3, 3),
                "blocks": schema.whole(1, 256),
                "outer": schema.whole(1, 255),
                "early": schema.flag,
            }
        ),
        "styles": STYLES,
    }
)


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
    config = read_model_config(folder, FORMAT, VERSION, "style network", FIELDS)
    path = folder / CONFIG
    check_config(config, path, _CHECK)
    found, names = config["architecture"], config["styles"]
    if found["outer"] % 2 == 0 or (found["early"] and found["outer"] > 5):
        raise BadFile(f"{path} is damaged: architecture.outer must be odd, if early at most 5, got {found['outer']}")
    shape = Architecture(found["name"], tuple(found["widths"]), found["blocks"], found["outer"], found["early"])
    try:
        with outline():
            loaded = StyleNetwork(names, shape)
    except ValueError as error:
        raise BadFile(f"{path} is damaged: missing or invalid {error}") from error
    loaded = load_weights(loaded, folder / WEIGHTS, config["sha256"])
    loaded.training_facts = dict(config.get("training") or {})
    return loaded
