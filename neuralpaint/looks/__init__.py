"""Looks: named bundles of brush, schedule, colours and finish, a YAML file each, which users can write too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuralpaint.brushes import brushes
from neuralpaint.images.io import parse_color
from neuralpaint.images.palette import parse_palette
from neuralpaint.painting.finish import Finish
from neuralpaint.utils import schema
from neuralpaint.utils.loading import BadFile
from neuralpaint.utils.validation import MAX_STROKES, unknown_name
from neuralpaint.utils.yaml_files import read_yaml

_FOLDER = Path(__file__).parent
_FINISH = ("relief", "light", "ground", "varnish", "wet")
_CHECKS: dict[str, schema.Check] = {
    "description": schema.text(200),
    "brush": schema.text(),
    "strokes": schema.whole(1, MAX_STROKES),
    "preset": schema.text(),
    "background": schema.text(),
    "palette": schema.either(schema.whole(1, 256), schema.text()),
    "opaque": schema.flag,
    "relief": schema.number(0, 1),
    "light": schema.number(-360, 360),
    "ground": schema.text(),
    "varnish": schema.number(0, 1),
    "wet": schema.number(0, 1),
}
_PRESETS = ("fast", "balanced", "best")


@dataclass(frozen=True)
class Look:
    """What a painting looks like. Options that are given besides come before it.

    Attributes:
        name: of the file, without suffix.
        description: one line for people.
        options: by the names that `neuralpaint paint` gives them: brush, strokes, preset, background, palette, opaque,
            relief, light, ground, varnish, wet; those that the look says something about.
    """

    name: str
    description: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for `neuralpaint.paint`."""
        found = {name: value for name, value in self.options.items() if name not in _FINISH}
        if "palette" in found:
            found["palette"] = parse_palette(str(found["palette"]))
        return found

    @property
    def finish(self) -> Finish:
        """For `Painting.finish`."""
        return Finish(**{name: value for name, value in self.options.items() if name in _FINISH})


def looks() -> list[str]:
    """Names of the looks that come with neuralpaint."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def get_look(look: str | os.PathLike) -> Look:
    """The look of that name, or of a YAML file (.yaml or .yml).

    Raises:
        ValueError: there is none of that name, or the file is none; the message names the key.
    """
    path = Path(look)
    if path.suffix.lower() in (".yaml", ".yml"):
        return _read(path)
    if str(look).lower() not in looks():
        raise ValueError(unknown_name("look", str(look), looks(), listed=[*looks(), "or a .yaml file"]))
    return _read(_FOLDER / f"{str(look).lower()}.yaml")


def _read(path: Path) -> Look:
    found = read_yaml(path, "is no look", "write lines such as brush: filbert")
    try:
        schema.items(found, "a look")
        for key, value in found.items():
            if key not in _CHECKS:
                raise ValueError(unknown_name("key", str(key), list(_CHECKS)))
            _CHECKS[key](value, key)
        options = {key: value for key, value in found.items() if key != "description"}
        _check(options)
        return Look(path.stem, found.get("description", ""), options)
    except ValueError as error:
        raise BadFile(f"{path}: {error}") from error


def _check(options: Mapping[str, Any]) -> None:
    """Raises ValueError if one of the options names what there is not."""
    brush, preset = options.get("brush", "oil"), options.get("preset", "balanced")
    if brush.lower() not in brushes():
        raise ValueError(unknown_name("brush", brush, list(brushes())))
    if preset not in _PRESETS:
        raise ValueError(unknown_name("preset", preset, _PRESETS))
    parse_color(options.get("background", "white"))
    if options.get("opaque") and "palette" not in options:
        raise ValueError("opaque needs a palette")
    look = Look("", "", options)
    _ = look.arguments
    look.finish.check_brush(brush.lower())
