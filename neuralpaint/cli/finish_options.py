"""Options about the surface of a painting, shared by `paint` and `render`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from neuralpaint.painting.finish import GROUNDS, WET_BRUSH, Finish

_PANEL = "Finish"

Relief = Annotated[
    float | None,
    typer.Option(
        metavar="0…1",
        help="How high the paint stands out, lit from one side.",
        show_default="0",
        rich_help_panel=_PANEL,
    ),
]
Light = Annotated[
    float | None,
    typer.Option(
        metavar="DEGREES",
        help="--relief, --ground: where the light comes from, counter-clockwise from the right.",
        show_default="135, the top left",
        rich_help_panel=_PANEL,
    ),
]
GroundName = Annotated[
    str | None,
    typer.Option(
        "--ground",
        metavar="|".join(GROUNDS),
        help="Texture of what it is painted on.",
        show_default="none",
        rich_help_panel=_PANEL,
    ),
]
Varnish = Annotated[
    float | None,
    typer.Option(metavar="0…1", help="Strength of the highlights.", show_default="0", rich_help_panel=_PANEL),
]
Wet = Annotated[
    float | None,
    typer.Option(
        metavar="0…1",
        help=f"--brush {WET_BRUSH}: how much it looks like watercolour: dark edges, grain of the paper.",
        show_default="0",
        rich_help_panel=_PANEL,
    ),
]


def finish_from(
    relief: float | None,
    light: float | None,
    ground: str | None,
    varnish: float | None,
    wet: float | None,
    *,
    engine: bool,
    before: Finish = Finish(),  # noqa: B008 (frozen)
) -> Finish:
    """The finish that the options ask for; what is not given is as `before`.

    Raises:
        ValueError: a value is out of range, or an engine draws the strokes, whose height nobody knows.
    """
    options = {"relief": relief, "light": light, "ground": ground, "varnish": varnish, "wet": wet}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if engine and given:
        raise ValueError(f"--{next(iter(given))} cannot be combined with --engine, which draws the picture itself")
    try:
        return dataclasses.replace(before, **given)
    except ValueError as error:
        raise ValueError(f"--{error}" if str(error).split()[0] in given else str(error)) from None


def check_wet(finish: Finish, brush: str) -> None:
    """Raises ValueError if strokes of this brush cannot have the finish."""
    try:
        finish.check_brush(brush)
    except ValueError as error:
        raise ValueError(f"--{error}") from None
