"""Saves and loads picture-style networks: see `neuralpaint.utils.model_files`."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from neuralpaint.styles.pictures.network import CHANNELS, PictureStyleNetwork
from neuralpaint.utils import schema
from neuralpaint.utils.loading import BadFile
from neuralpaint.utils.model_files import (
    BUNDLED,
    CONFIG,
    WEIGHTS,
    check_config,
    load_weights,
    read_model_config,
    write_model,
)
from neuralpaint.utils.outline import outline

FORMAT, VERSION = "neuralpaint.picture-styles", 1
FOLDER = BUNDLED / "styles-pictures"
_CHECK = schema.fields({"channels": schema.listed(schema.whole(1, 4096), 3, 3)})


def save_picture_network(
    network: PictureStyleNetwork,
    folder: str | os.PathLike,
    *,
    dtype: torch.dtype = torch.float32,
    training: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> None:
    """Writes the folder of a network; each file is written atomically.

    Args:
        dtype, training, card: see `neuralpaint.styles.pretrained.save_style_network`.

    Raises:
        ValueError: the weights contain NaN or infinity.
        OSError: the folder cannot be written.
    """
    config = {"format": FORMAT, "version": VERSION, "channels": list(CHANNELS), "training": dict(training or {})}
    write_model(folder, network.state_dict(), config, dtype=dtype, card=card)


def load_picture_network(folder: str | os.PathLike | None = None) -> PictureStyleNetwork:
    """Loads the bundled network, or one from a folder. On the CPU, float32, without gradients.

    No code from the folder is run.

    Raises:
        ValueError: the network does not exist, or its files are damaged, from another version, or do not match.
    """
    return _cached(str(FOLDER if folder is None else folder))


@functools.lru_cache(maxsize=2)
@torch.inference_mode(False)  # a later caller may need gradients through it
def _cached(folder: str) -> PictureStyleNetwork:
    config = read_model_config(folder, FORMAT, VERSION, "picture-style network", ("channels",))
    path = Path(folder) / CONFIG
    check_config(config, path, _CHECK)
    if tuple(config["channels"]) != CHANNELS:
        raise BadFile(f"{path} is of another version: its channels are {config['channels']}, not {list(CHANNELS)}")
    with outline():
        network = PictureStyleNetwork()
    network = load_weights(network, Path(folder) / WEIGHTS, config["sha256"]).requires_grad_(False).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):  # channels-last takes half the time on a CPU
            module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    return network
