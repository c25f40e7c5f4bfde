"""What a painter has chosen on the page: checked when it arrives, kept with the painting as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from neuralpaint.utils import schema
from neuralpaint.utils.validation import unknown_name

MAX_STROKES = 5000
"""As many as a search of the whole canvas can hold at a time; the command line has no such limit."""
PRESETS = ("fast", "balanced", "best")
DETAILS = ("auto", "none", "mask")
NO_STYLE, PICTURE = "", "picture"
_LEAST_CROP = 0.02  # of the photo, along each side

_unit = schema.number(0, 1)
_FIELDS: dict[str, schema.Check] = {
    "brush": schema.text(40),
    "strokes": schema.whole(1, MAX_STROKES),
    "preset": schema.text(40),
    "palette": schema.text(2000),
    "opaque": schema.flag,
    "background": schema.text(40),
    "style": schema.text(80),
    "strength": _unit,
    "detail": schema.text(10),
    "crop": schema.listed(_unit, 4, 4),
    "seed": schema.whole(0, 2**31 - 1),
    "relief": _unit,
    "light": schema.number(-360, 360),
    "ground": schema.text(20),
    "varnish": _unit,
    "wet": _unit,
}
FINISH = ("relief", "light", "ground", "varnish", "wet")
FINISH_FIELDS = schema.fields({name: _FIELDS[name] for name in FINISH})
"""Checks the keyword arguments of `Finish` in JSON."""


@dataclass(frozen=True)
class Choices:
    """How a photo is to be painted.

    Attributes:
        brush, strokes, preset, opaque, background, seed: as for `neuralpaint.paint`.
        palette: as `--palette` takes it, but no file; empty for any colours.
        style: the name of a bundled style, "picture" for the painting's own style picture, or empty.
        strength: of the style, from 0 to 1.
        detail: "auto", "none", or "mask": the painting's own mask.
        crop: left, top, right, bottom of the part of the photo that is painted, in fractions.
        relief, light, ground, varnish, wet: as for `neuralpaint.painting.finish.Finish`.

    Raises:
        ValueError: one is out of range; the message names it.
    """

    brush: str = "oil"
    strokes: int = 500
    preset: str = "balanced"
    palette: str = ""
    opaque: bool = False
    background: str = "white"
    style: str = NO_STYLE
    strength: float = 1.0
    detail: str = "auto"
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    seed: int = 0
    relief: float = 0.0
    light: float = 135.0
    ground: str = "none"
    varnish: float = 0.0
    wet: float = 0.0

    def __post_init__(self) -> None:
        from neuralpaint.brushes import brushes
        from neuralpaint.images.io import parse_color
        from neuralpaint.images.palette import parse_palette
        from neuralpaint.painting.finish import Finish

        if self.brush not in brushes():
            raise ValueError(unknown_name("brush", self.brush, list(brushes())))
        for what, value, known in (("preset", self.preset, PRESETS), ("detail", self.detail, DETAILS)):
            if value not in known:
                raise ValueError(unknown_name(what, value, known))
        parse_color(self.background)
        if self.palette:
            check_palette(self.palette)
            parse_palette(self.palette)
        if self.opaque and not self.palette:
            raise ValueError("opaque needs a palette: choose colours first")
        left, top, right, bottom = self.crop
        if right - left < _LEAST_CROP or bottom - top < _LEAST_CROP:
            raise ValueError("crop leaves next to nothing of the photo: choose a larger part")
        Finish(self.relief, self.light, self.ground, self.varnish, self.wet).check_brush(self.brush)  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, value: Any) -> Choices:
        """From what a page sends; what it leaves out is as by default. ValueError names what is wrong."""
        schema.fields({}, _FIELDS)(value, "")
        for key in value:
            if key not in _FIELDS:
                raise ValueError(unknown_name("choice", str(key)[:60], list(_FIELDS)))
        found = dict(value)
        if "crop" in found:
            found["crop"] = tuple(found["crop"])
        return cls(**found)

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return asdict(self) | {"crop": list(self.crop)}

    @property
    def finish(self) -> dict[str, Any]:
        """Keyword arguments of `Finish`."""
        return {name: getattr(self, name) for name in FINISH}

    def continues(self, other: Choices) -> bool:
        """Whether a search can go on from the strokes that these other choices led to."""
        return self.brush == other.brush and self.crop == other.crop


def check_palette(text: str) -> None:
    """Raises ValueError if a palette could be a path: a client names no files."""
    from neuralpaint.images.palette import PALETTES

    plain = text.strip()
    if not (plain.isdecimal() or plain.lower() in PALETTES or plain.startswith("#")):
        raise ValueError(
            f"{unknown_name('palette', plain[:60], list(PALETTES))}; or a number of colours, or #rrggbb,#rrggbb"
        )
    if plain.startswith("#") and not all(part.strip().startswith("#") for part in plain.split(",")):
        raise ValueError("a palette of colours is written #rrggbb,#rrggbb")


def finish_from_json(value: Any) -> Mapping[str, Any]:
    """The keyword arguments of `Finish` from what a page sends. ValueError names what is wrong."""
    FINISH_FIELDS(value, "finish")
    return {name: value[name] for name in FINISH}
