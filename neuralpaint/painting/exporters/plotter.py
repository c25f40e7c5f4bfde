"""Drawings for pen plotters: SVG in millimetres, a layer for each pen, that plotter software such as vpype reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import numpy as np

from neuralpaint._version import __version__
from neuralpaint.images.palette import nearest_color
from neuralpaint.painting.exporters.inks import palette_of, stroke_colors
from neuralpaint.painting.exporters.pens import Pen, pens_of
from neuralpaint.painting.exporters.plot_order import order_lines, travel
from neuralpaint.painting.exporters.settings import PlotSettings
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

MAX_STROKES = 50_000
_A4 = (210.0, 297.0)


@dataclass(frozen=True)
class Page:
    """Where the painting lies on the paper, in millimetres.

    Attributes:
        width, height: of the paper.
        left, top: of the painting's corner.
        unit: the painting's shorter side.
    """

    width: float
    height: float
    left: float
    top: float
    unit: float


@dataclass(frozen=True)
class PenReport:
    """What one pen draws.

    Attributes:
        lines: how often the pen is lowered.
        drawn_mm, travel_mm: its way on the paper and in the air.
        seconds: at the speeds of the settings.
    """

    pen: Pen
    lines: int
    drawn_mm: float
    travel_mm: float
    seconds: float


@dataclass(frozen=True)
class PlotReport:
    """What a plotter has to do, by pen."""

    pens: tuple[PenReport, ...]

    def __str__(self) -> str:
        drawn, lifts = sum(pen.drawn_mm for pen in self.pens), sum(pen.lines for pen in self.pens)
        minutes = sum(pen.seconds for pen in self.pens) / 60
        used = sum(pen.lines > 0 for pen in self.pens)
        return (
            f"{drawn / 1000:.1f} m drawn with {used} pen{'' if used == 1 else 's'}, "
            f"{lifts:,} pen lifts, about {minutes:,.0f} minutes"
        )


def write_plot(painting: Painting, path: str | os.PathLike, settings: PlotSettings | None = None) -> PlotReport:
    """Writes a painting as lines for a pen plotter.

    Every stroke takes the pen nearest to its colour (in OKLab). Strokes count as opaque: what later ones hide is not
    drawn. What is left is filled with lines along the stroke, or drawn as one line. Each pen is an Inkscape layer
    "1 NAME", its lines ordered so that the pen travels little. The output is deterministic.

    Args:
        painting: of any brush whose geometry is known.
        path: .svg.
        settings: by default the painting's palette, on A4.

    Returns:
        Lengths, pen lifts and times.

    Raises:
        ValueError: shapely is not installed (extra `plot`), the brush has no geometry, or more than 50,000 strokes.
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    settings = settings or PlotSettings()
    if len(painting) > MAX_STROKES:
        raise ValueError(f"a plotter's drawing has at most {MAX_STROKES:,} strokes, got {len(painting):,}")
    pens = pens_of(palette_of(painting)) if settings.pens is None else settings.pens
    page = page_of(painting.aspect, settings)
    layers = [_ordered(lines) for lines in _lines(painting, pens, page, settings)]
    with atomic_write(path) as file:
        for text in _svg(painting, page, pens, layers):
            file.write(text.encode("utf-8"))
    return PlotReport(tuple(_report(pen, lines, settings) for pen, lines in zip(pens, layers, strict=True)))


def page_of(aspect: tuple[float, float], settings: PlotSettings) -> Page:
    """The page for a painting of this (height, width) in units."""
    height, width = aspect
    margin = settings.margin_mm
    if settings.size_mm is not None:
        unit = settings.size_mm
        return Page(width * unit + 2 * margin, height * unit + 2 * margin, margin, margin, unit)
    page = _A4 if height >= width else _A4[::-1]
    unit = min((page[0] - 2 * margin) / width, (page[1] - 2 * margin) / height)
    return Page(*page, (page[0] - width * unit) / 2, (page[1] - height * unit) / 2, unit)


def _lines(painting: Painting, pens: Sequence[Pen], page: Page, settings: PlotSettings) -> list[list[np.ndarray]]:
    """The lines `[K, 2]` of each pen, in millimetres on the page."""
    try:
        from neuralpaint.painting.exporters.plot_shapes import centre_lines, filling_lines, visible_shapes
    except ImportError:
        raise ValueError("drawings for plotters need the package shapely: pip install 'neuralpaint[plot]'") from None
    layers: list[list[np.ndarray]] = [[] for _ in pens]
    if len(painting) == 0:
        return layers
    strokes = painting.strokes
    points, widths = painting.brush.centre_line(strokes)
    points, widths = points * page.unit, widths * page.unit
    outlines = painting.brush.outline(strokes) * page.unit
    shapes = visible_shapes(outlines, painting.aspect[1] * page.unit, painting.aspect[0] * page.unit)
    for index, pen in enumerate(_pen_of(painting, pens, settings.paper).tolist()):
        if pen == len(pens) or shapes[index].is_empty:
            continue
        if settings.fill == "lines":
            found = centre_lines(shapes[index], points[index])
        else:
            width = pens[pen].width_mm
            gap = width * settings.spacing
            found = filling_lines(shapes[index], points[index], widths[index], width, gap, settings.edges)
        layers[pen] += [line + [page.left, page.top] for line in found]
    return layers


def _pen_of(painting: Painting, pens: Sequence[Pen], paper: bool) -> np.ndarray:
    """`[N]`: index of each stroke's pen, or the number of pens if it stays blank."""
    inks = [pen.color for pen in pens] + ([painting.background] if paper else [])
    # Of equal colours the last counts: paper before any pen.
    own = {color: index for index, color in enumerate(inks)}
    nearest = nearest_color(stroke_colors(painting), np.array(list(own)))
    return np.array(list(own.values()))[nearest]


def _ordered(lines: list[np.ndarray]) -> list[np.ndarray]:
    starts = np.array([line[0] for line in lines]).reshape(-1, 2)
    ends = np.array([line[-1] for line in lines]).reshape(-1, 2)
    order, turned = order_lines(starts, ends)
    return [lines[k][::-1] if back else lines[k] for k, back in zip(order.tolist(), turned.tolist(), strict=True)]


def _report(pen: Pen, lines: list[np.ndarray], settings: PlotSettings) -> PenReport:
    drawn = float(sum(np.linalg.norm(np.diff(line, axis=0), axis=1).sum() for line in lines))
    starts = np.array([line[0] for line in lines]).reshape(-1, 2)
    ends = np.array([line[-1] for line in lines]).reshape(-1, 2)
    away = travel(starts, ends)
    seconds = drawn / settings.down_mm_s + away / settings.up_mm_s + len(lines) * settings.lift_s
    return PenReport(pen, len(lines), drawn, away, seconds)


def _svg(painting: Painting, page: Page, pens: Sequence[Pen], layers: Sequence[Sequence[np.ndarray]]) -> Iterator[str]:
    width, height = _number(page.width), _number(page.height)
    count = f"{len(painting)} {painting.brush.name} strokes".replace("&", "&amp;").replace("<", "&lt;")
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" '
        f'version="1.1" width="{width}mm" height="{height}mm" viewBox="0 0 {width} {height}">\n'
        f"<desc>{count} for a plotter, by neuralpaint {__version__}</desc>\n"
    )
    for number, (pen, lines) in enumerate(zip(pens, layers, strict=True), 1):
        yield (
            f'<g id="pen{number}" inkscape:groupmode="layer" inkscape:label={quoteattr(f"{number} {pen.name}")} '
            f'fill="none" stroke="{pen.hex}" stroke-width="{_number(pen.width_mm)}" stroke-linecap="round" '
            'stroke-linejoin="round">\n'
        )
        for line in lines:
            points = " ".join(f"{_number(x)},{_number(y)}" for x, y in line.tolist())
            yield f'<polyline points="{points}"/>\n'
        yield "</g>\n"
    yield "</svg>\n"


def _number(value: float) -> str:
    """To a hundredth of a millimetre."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
