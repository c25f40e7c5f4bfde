"""Reads small YAML files that people write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from neuralpaint.utils.loading import check_length, reading

MAX_BYTES = 1 << 16
_DEEPEST = 10  # with the stream and the document


def read_yaml(path: str | os.PathLike, what: str, hint: str = "check the file") -> Any:
    """What a YAML file holds: lists, objects, texts, numbers; never code.

    Args:
        what: what is wrong if it cannot be read, such as "is no list of pens".
        hint: what to do then.

    Raises:
        BadFile: larger than 64 KiB, not YAML, nested deeply, or with aliases.
    """
    import yaml

    with reading(path, what, hint):
        with open(path, "rb") as file:
            check_length(os.fstat(file.fileno()).st_size, MAX_BYTES)
            text = file.read(MAX_BYTES + 1).decode("utf-8-sig")
        _check_events(yaml.parse(text, Loader=yaml.SafeLoader))
        return yaml.safe_load(text)


def _check_events(events: Iterator[Any]) -> None:
    """Raises ValueError before a small file takes long: aliases can make it a huge list, and PyYAML's time goes by the
    square of the depth."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        if kind == "AliasEvent":
            raise ValueError("it has aliases, such as *name: write everything in full")
