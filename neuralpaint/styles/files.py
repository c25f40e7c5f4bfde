"""Finds style networks and reads their configurations, without importing torch."""

from __future__ import annotations

import os
from pathlib import Path

from neuralpaint.styles.architecture import ARCHITECTURES
from neuralpaint.utils import schema
from neuralpaint.utils.model_files import BUNDLED, CONFIG, check_config, read_model_config

FORMAT, VERSION = "neuralpaint.styles", 1
FIELDS = ("architecture", "styles")
STYLES = schema.listed(schema.text(), 1, 4096)
"""The check of the names of a network's styles."""


def find_style_network(network: str | os.PathLike) -> Path:
    """The folder of a network, given its name or folder. ValueError if it does not exist."""
    bundled = BUNDLED / f"styles-{network}"
    if str(network) in ARCHITECTURES and (bundled / CONFIG).is_file():
        return bundled
    folder = Path(network)
    if not folder.is_dir():
        have = [name for name in ARCHITECTURES if (BUNDLED / f"styles-{name}" / CONFIG).is_file()]
        raise ValueError(
            f"no style network {str(network)!r}: use a folder, or the name of a bundled network "
            f"({', '.join(have) or 'none'})"
        )
    return folder


def style_names(network: str | os.PathLike) -> list[str]:
    """The styles of a network, read from its configuration. ValueError if it is missing or damaged."""
    folder = find_style_network(network)
    config = read_model_config(folder, FORMAT, VERSION, "style network", FIELDS)
    check_config(config, folder / CONFIG, schema.fields({"styles": STYLES}))
    return config["styles"]
