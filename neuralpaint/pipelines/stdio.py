"""Photos from standard input and paintings to standard output, which the command line calls "-"."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralpaint.images.sources import Source

STDIO = Path("-")
_NAME = "painting.png"


def photo_source(photo: Path) -> tuple[Source, str]:
    """(what the photo can be read from, its label for messages). Pipes and standard input are read here, whole.

    Raises:
        ValueError: there is no such file, or it is empty; or a pipe holds too much.
    """
    from neuralpaint.images.sources import as_source

    if photo == STDIO:
        return as_source(sys.stdin.buffer, "standard input")
    return as_source(photo, str(photo))


def named(path: Path) -> Path:
    """The path with the suffix of what is written to it: a PNG to standard output."""
    return Path(_NAME) if path == STDIO else path


def check_stdio(photos: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Raises ValueError if "-" is used for several photos, or would print a picture to a terminal."""
    if STDIO in photos and len(photos) > 1:
        raise ValueError("- (standard input) cannot be painted together with other photos: paint it alone")
    if STDIO in outputs and sys.stdout.isatty():
        raise ValueError("-o - writes a PNG to standard output, which is a terminal: redirect it, or name a file")


@contextmanager
def output_path(path: Path) -> Iterator[Path]:
    """The path to write a file to. For standard output a temporary file, which is copied there at the end."""
    if path != STDIO:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / _NAME
        yield temporary
        with temporary.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
