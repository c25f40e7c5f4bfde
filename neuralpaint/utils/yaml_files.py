"""Reads small YAML files that people write."""

from __future__ import annotations

import os
from typing import Any

from neuralpaint.utils.loading import check_length, reading

MAX_BYTES = 1 << 16


def read_yaml(path: str | os.PathLike, what: str, hint: str = "check the file") -> Any:
    """What a YAML file holds: lists, objects, texts, numbers; never code.

    Args:
        what: what is wrong if it cannot be read, such as "is no list of pens".
        hint: what to do then.

    Raises:
        BadFile: larger than 64 KiB, not YAML, or with aliases, which can make a small file a huge list.
    """
    import yaml

    with reading(path, what, hint):
        with open(path, "rb") as file:
            check_length(os.fstat(file.fileno()).st_size, MAX_BYTES)
            text = file.read(MAX_BYTES + 1).decode("utf-8-sig")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ValueError("it has aliases, such as *name: write everything in full")
        return yaml.safe_load(text)
