"""Files of style networks: see `neuralpaint.utils.model_files`; beside them, a thumbnail of each painting."""

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
_LIMIT = 4096  # styles, channels: more in a file is damage, and would only fill the memory


def save_style_network(
    network: StyleNetwork,
    folder: str | os.PathLike,
    *,
    dtype: torch.dtype = torch.float32,
    training: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> None:
    """Writes a network's folder, each file whole or not at all.

    Args:
        dtype: of the weights in the file.
        training: anything JSON can hold about how it was trained.
        card: the model card, Markdown; an old one stays if this is None.

    Raises:
        ValueError: if the weights hold NaN or infinity.
        OSError: if the folder cannot be written.
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
    """A style network: one that comes with the package, by its name, or one from a folder. On the CPU, float32.

    No code of the folder runs. The result's `training` holds what its file says of its training.

    Args:
        network: "light", "paper", or a folder with `config.json` and `model.safetensors`.

    Raises:
        ValueError: there is none, or its files are damaged, of another version, or do not belong together.
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
        raise ValueError(f"{path} is damaged: it lacks or garbles {error}") from error
    loaded.load_state_dict(read_weights(folder / WEIGHTS, str(config.get("sha256")), loaded.state_dict()))
    loaded.training_facts = dict(config.get("training") or {})
    return loaded.eval()
