"""SVG: every stroke an element, in painting order."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from neuralpaint._version import __version__
from neuralpaint.brushes.svg.text import Writer, color, number
from neuralpaint.painting.exporters.settings import SvgSettings
from neuralpaint.painting.exporters.xml import escaped
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    from neuralpaint.brushes.svg import Shapes
    from neuralpaint.painting.exporters.plotter import PlotReport
    from neuralpaint.painting.painting import Painting

_CHUNK = 1 << 16  # bytes that are written at once


def write_svg(painting: Painting, path: str | os.PathLike, settings: SvgSettings | None = None) -> int | PlotReport:
    """Writes a painting as SVG 1.1, or compressed if the suffix is .svgz. The output is deterministic.

    Coordinates are pixels of the painting's own size. Strokes are written as they are computed, so that memory does not
    grow with their number.

    Args:
        painting: of any brush but an engine's.
        path: .svg or .svgz.
        settings: by default exact, of the painting's size in pixels.

    Returns:
        The size of the file in bytes; of lines for a plotter a `PlotReport`.

    Raises:
        ValueError: an engine's brush, whose strokes only the engine can draw; metadata that is not JSON-serializable.
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    settings = settings or SvgSettings()
    if settings.plot is not None:
        from neuralpaint.painting.exporters.plotter import write_plot

        return write_plot(painting, path, settings.plot)
    text = svg_text(painting, settings)
    compressed = Path(path).suffix.lower() == ".svgz"
    with atomic_write(path) as file:
        counter = _Counted(file)
        if compressed:
            # No name and no time in the header: the same painting gives the same bytes.
            with gzip.GzipFile(filename="", fileobj=cast(BinaryIO, counter), mode="wb", mtime=0) as packed:
                _write(packed, text)
        else:
            _write(counter, text)
    return counter.size


def svg_text(painting: Painting, settings: SvgSettings) -> Iterator[str]:
    """The lines of the SVG, each with its end. Raises as `write_svg`, before the first line."""
    writer = Writer(float(painting.size), settings.style == "simple")
    shapes = painting.brush.svg(writer)
    head = _head(painting, settings)
    return _lines(painting, head, shapes)


def _lines(painting: Painting, head: str, shapes: Shapes) -> Iterator[str]:
    strokes = painting.strokes.cpu().numpy().astype(np.float64)
    yield head
    opened = False
    for definition in shapes.definitions(strokes):
        if not opened:
            yield "<defs>\n"
            opened = True
        yield definition + "\n"
    if opened:
        yield "</defs>\n"
    height, width = painting.pixels()
    yield f'<rect width="{width}" height="{height}" fill="{color(painting.background)}"/>\n'
    first = 0
    for name, count in _layers(painting):
        yield f'<g id="{name.lower().replace(" ", "-")}" inkscape:groupmode="layer" inkscape:label="{name}">\n'
        for element in shapes.elements(strokes[first : first + count], first):
            yield element + "\n"
        yield "</g>\n"
        first += count
    yield "</svg>\n"


def _layers(painting: Painting) -> list[tuple[str, int]]:
    """(name, number of strokes): the search's levels if the painting's metadata counts them, else one layer."""
    levels = painting.metadata.get("levels")
    if isinstance(levels, list) and all(type(count) is int and count > 0 for count in levels):
        if sum(levels) == len(painting) and levels:
            return [(f"Level {number}", count) for number, count in enumerate(levels, 1)]
    return [("Strokes", len(painting))]


def _head(painting: Painting, settings: SvgSettings) -> str:
    height, width = painting.pixels()
    if settings.size_mm is None:
        size = f'width="{width}" height="{height}"'
    else:
        unit = settings.size_mm / painting.size
        size = f'width="{number(width * unit, 4)}mm" height="{number(height * unit, 4)}mm"'
    try:
        facts = json.dumps(
            {
                "generator": f"neuralpaint {__version__}",
                "brush": painting.brush.name,
                "strokes": len(painting),
                "aspect": painting.aspect,
                "background": painting.background,
                "size": painting.size,
                "metadata": painting.metadata,
            },
            sort_keys=True,
            allow_nan=False,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"metadata must be JSON-serializable: {error}") from error
    count = f"{len(painting)} {painting.brush.name} stroke{'' if len(painting) == 1 else 's'}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" version="1.1" '
        f'{size} viewBox="0 0 {width} {height}">\n'
        f"<title>{escaped(f'Painting of {count}')}</title>\n"
        f"<desc>{escaped(f'{count}, {settings.style} style, by neuralpaint {__version__}')}</desc>\n"
        f"<metadata>{escaped(facts)}</metadata>\n"
    )


class _Counted:
    """Passes bytes on to a file and counts them."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


def _write(file: _Counted | gzip.GzipFile, text: Iterator[str]) -> None:
    """Writes text in pieces of some size: elements are short."""
    waiting: list[str] = []
    held = 0
    for piece in text:
        waiting.append(piece)
        held += len(piece)
        if held >= _CHUNK:
            file.write("".join(waiting).encode("utf-8"))
            waiting, held = [], 0
    file.write("".join(waiting).encode("utf-8"))
