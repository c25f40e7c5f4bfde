"""What the commands share: messages, exit codes, and options that several of them take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import set_debug
from neuralpaint.utils.validation import MAX_SEED, MAX_SIZE, MAX_STROKES  # noqa: F401  (for the commands)

if TYPE_CHECKING:
    from neuralpaint.brushes import Brush

MAX_STEPS = 1_000_000
MAX_JOBS, MAX_GRIDS = 1024, 1024
ENGINE_TIMEOUT = 60.0  # seconds


Debug = Annotated[bool, typer.Option("--debug", callback=set_debug, help="On an error, show the Python traceback.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that are there already.")]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1 …; auto takes a GPU if there is one.")]


def check_range(option: str, value: int | None, low: int, high: int) -> None:
    """Raises ValueError unless low ≤ value ≤ high (or it was not given)."""
    if value is not None and not low <= value <= high:
        raise ValueError(f"{option} must be from {low} to {high}, got {value}")


def resolve_brush(name: str) -> Brush:
    """A brush by its name, or one made of a picture file."""
    from neuralpaint.brushes import TexturedBrush, get_brush
    from neuralpaint.images.io import PHOTO_SUFFIXES

    if Path(name).suffix.lower() in PHOTO_SUFFIXES or os.sep in name:
        return TexturedBrush.from_image(name)
    return get_brush(name)
