"""How the surface of a painting looks; `relief` and `wet` have the maths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from neuralpaint.utils import schema
from neuralpaint.utils.validation import check_weight, unknown_name

Ground = Literal["none", "canvas", "paper"]
GROUNDS = get_args(Ground)
WET_BRUSH = "watercolor"
"""The brush whose strokes can be wet."""


@dataclass(frozen=True)
class Finish:
    """How the surface of a painting looks.

    Attributes:
        relief: how high the paint stands out, from 0 (flat) to 1.
        light: direction that the light comes from, in degrees counter-clockwise from the right: 90 is from above.
        ground: texture of what it is painted on: "none", "canvas" or "paper".
        varnish: strength of the highlights, from 0 (matt) to 1.
        wet: how much strokes of the brush `watercolor` look like watercolour, from 0 to 1: dark, uneven edges, pigment
            in the valleys of the paper. Other brushes need 0.

    Raises:
        ValueError: a value is out of range; the message names it.
    """

    relief: float = 0.0
    light: float = 135.0
    ground: Ground = "none"
    varnish: float = 0.0
    wet: float = 0.0

    def __post_init__(self) -> None:
        for name in ("relief", "varnish", "wet"):
            if check_weight(name, getattr(self, name)) > 1:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name):g}")
        if isinstance(self.light, bool) or not isinstance(self.light, (int, float)) or not abs(self.light) <= 360:
            raise ValueError(f"light must be an angle from -360 to 360 degrees, got {self.light!r}")
        if self.ground not in GROUNDS:
            raise ValueError(unknown_name("ground", str(self.ground), GROUNDS))

    @property
    def flat(self) -> bool:
        """Whether it changes nothing."""
        return self.unlit and self.wet == 0

    @property
    def unlit(self) -> bool:
        """Whether light changes nothing: the surface is even and matt."""
        return self.relief == 0 and self.ground == "none" and self.varnish == 0

    def check_brush(self, brush: str) -> None:
        """Raises ValueError if strokes of this brush cannot have it."""
        if self.wet and brush != WET_BRUSH:
            raise ValueError(f"wet needs the brush {WET_BRUSH}, and must be 0 for {brush}")

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        values = {"relief": self.relief, "light": self.light, "ground": self.ground, "varnish": self.varnish}
        return values | ({"wet": self.wet} if self.wet else {})

    @classmethod
    def from_dict(cls, value: Any) -> Finish:
        """From what a JSON file holds. ValueError if it is no finish."""
        _SCHEMA(value, "finish")
        return cls(value["relief"], value["light"], value["ground"], value["varnish"], value.get("wet", 0.0))


_SCHEMA = schema.fields(
    {
        "relief": schema.number(0, 1),
        "light": schema.number(-360, 360),
        "ground": schema.text(),
        "varnish": schema.number(0, 1),
    },
    {"wet": schema.number(0, 1)},  # files of before have none
)
