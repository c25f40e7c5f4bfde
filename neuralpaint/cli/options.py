"""Options shared by several commands."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import set_debug, warn
from neuralpaint.pipelines.batch import same_file
from neuralpaint.utils.validation import MAX_SEED, MAX_SIZE, MAX_STROKES  # noqa: F401  (for the commands)

if TYPE_CHECKING:
    from neuralpaint.brushes import Brush

MAX_STEPS = 1_000_000
MAX_JOBS, MAX_GRIDS = 1024, 1024
PRECISIONS = ("no", "bf16", "fp16")
ENGINE_TIMEOUT = 60.0  # seconds


Debug = Annotated[bool, typer.Option("--debug", callback=set_debug, help="Show the Python traceback on errors.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]
Canvas = Annotated[str | None, typer.Option("--canvas", hidden=True, help="The old name of --background.")]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1 …; auto: a GPU if available.")]
EngineTimeout = Annotated[
    float,
    typer.Option(metavar="SECONDS", help="--engine: time limit for 16 strokes.", rich_help_panel="Renderer and engine"),
]
Memory = Annotated[
    str | None,
    typer.Option(
        metavar="BYTES",
        help="Memory limit, such as 2G.",
        show_default="half of the available memory",
        rich_help_panel="Machine",
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(metavar="TYPE", help="Mixed precision: no, bf16 or fp16.", show_default="accelerate's configuration"),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


def check_inputs(targets: Sequence[Path | None], inputs: Mapping[str, str | os.PathLike | None]) -> None:
    """Raises ValueError if a file to be written is one that is read, or lies in a folder that is; by its name."""
    for target in targets:
        for what, source in inputs.items():
            if target is None or source is None or not target.exists():
                continue
            if same_file(target, Path(source)) or same_file(target.parent, Path(source)):
                raise ValueError(f"{target} is {what}: choose another output file")


def check_range(option: str, value: int | None, low: int, high: int) -> None:
    """Raises ValueError unless low ≤ value ≤ high or the value is None."""
    if value is not None and not low <= value <= high:
        raise ValueError(f"{option} must be from {low} to {high}, got {value}")


def check_precision(precision: str | None) -> None:
    """Raises ValueError unless --precision is one of `PRECISIONS` or None."""
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(f"--precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")


def resolve_brush(name: str) -> Brush:
    """A brush by name, or one made from an image file."""
    from neuralpaint.brushes import TexturedBrush, get_brush
    from neuralpaint.images.io import PHOTO_SUFFIXES

    if Path(name).suffix.lower() in PHOTO_SUFFIXES or os.sep in name:
        return TexturedBrush.from_image(name)
    return get_brush(name)


def renamed_background(background: str, canvas: str | None) -> str:
    """The colour of --background, or of --canvas, its old name."""
    if canvas is None:
        return background
    warn("--canvas is now --background; the old name will go in the next version")
    return canvas
