"""Draws figures: rows of pictures with captions, and plots of curves beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

PANEL = 132
"""Pixels along each side of a picture in a sheet."""

COLORS = (
    (90, 120, 200),
    (200, 80, 30),
    (70, 140, 80),
    (140, 100, 160),
    (60, 150, 165),
    (160, 120, 50),
    (90, 90, 90),
)
"""Of curves, and of the labels of rows that belong to them."""

_GAP, _LEFT, _TOP, _PLOT, _FOOT = 8, 92, 30, 264, 40
_INK, _FAINT, _GRID = (40, 40, 40), (170, 170, 170), (225, 225, 225)
_TALLEST = 460  # pixels of a plot
_SHARP = 3  # text and lines are drawn this many times larger
_TICKS = 4
_TOPS = (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10)  # whose quarters are short numbers

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Plot:
    """Curves over the horizontal axis from `start` to `end`, from `lowest` to `highest` of the vertical one.

    A curve's values are at equal steps of the whole axis, or at the places that `at` has for its name.
    """

    curves: Mapping[str, Sequence[float]]
    axis: str  # of the horizontal axis
    start: float
    end: float
    highest: float
    legend: bool = True
    lowest: float = 0.0
    at: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """Pictures side by side, with lines of text to their left; `color` is that of all lines but the first."""

    text: Sequence[str]
    pictures: Sequence[Image.Image]
    color: Color = _INK


@dataclass(frozen=True)
class Group:
    """Rows that share the captions above them, and a plot beside them."""

    captions: Sequence[str]
    rows: Sequence[Row]
    plot: Plot | None = None


def sheet(groups: Sequence[Group], title: str = "") -> Image.Image:
    """A figure, RGB on white. `title` stands above the plots.

    Raises:
        ValueError: there are no groups, or a row has another number of pictures than captions.
    """
    if not groups:
        raise ValueError("groups must not be empty")
    for group in groups:
        if any(len(row.pictures) != len(group.captions) for row in group.rows):
            raise ValueError("each row must have as many pictures as its group has captions")
    across = _LEFT + max(len(group.captions) for group in groups) * (PANEL + _GAP)
    width = across + (_PLOT if any(group.plot for group in groups) else 0)
    heights = [_TOP + _tall(group) for group in groups]
    large = Image.new("RGB", (width * _SHARP, sum(heights) * _SHARP), "white")
    pen, placed, top = ImageDraw.Draw(large), [], 0
    for group, height in zip(groups, heights, strict=True):
        for column, caption in enumerate(group.captions):
            _write(pen, (_LEFT + column * (PANEL + _GAP) + PANEL / 2, top + _TOP / 2), caption, _fit(caption, PANEL))
        for line, row in enumerate(group.rows):
            y = top + _TOP + line * (PANEL + _GAP)
            for k, text in enumerate(row.text):
                middle = y + PANEL / 2 + 18 * (k - (len(row.text) - 1) / 2)
                _write(pen, (_LEFT / 2 - 2, middle), text, _fit(text, _LEFT - 8), row.color if k else _INK)
            placed += [(shown, _LEFT + k * (PANEL + _GAP), y) for k, shown in enumerate(row.pictures)]
        if group.plot is not None:
            if title:
                _write(pen, (across + _PLOT / 2, top + _TOP / 2), title, _fit(title, _PLOT - 24))
            bottom = top + min(height, _TALLEST) - _FOOT
            _draw_plot(pen, group.plot, (across + 38, top + _TOP + 6, width - 16, bottom))
        top += height
    finished = large.resize((width, top), Image.Resampling.BOX)
    pen = ImageDraw.Draw(finished)
    for picture, x, y in placed:
        if picture.size != (PANEL, PANEL):
            picture = picture.resize((PANEL, PANEL), Image.Resampling.LANCZOS)
        finished.paste(picture, (x, y))
        pen.rectangle((x, y, x + PANEL - 1, y + PANEL - 1), outline=_FAINT)
    return finished


def top_of(values: Iterable[float]) -> float:
    """A round number for the top of a plot of values ≥ 0, with room above the highest for the names of the curves."""
    highest = 1.25 * max(values)
    power = 10 ** math.floor(math.log10(max(highest, 1e-9)))
    return next(top * power for top in _TOPS if top * power >= highest)


def _tall(group: Group) -> int:
    """Pixels; a plot beside a single row makes it taller."""
    rows = len(group.rows) * (PANEL + _GAP)
    return max(rows, PANEL + _FOOT) if group.plot is not None else rows


def _fit(text: str, width: float, size: int = 14) -> int:
    """The largest size of the font, up to `size`, at which a text is no wider than that."""
    while size > 8 and ImageFont.load_default(size).getlength(text) > width:
        size -= 1
    return size


def _write(
    pen: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: int = 13,
    fill: Color = _INK,
    anchor: str = "mm",
) -> None:
    font = ImageFont.load_default(size * _SHARP)
    pen.text((at[0] * _SHARP, at[1] * _SHARP), text, fill=fill, font=font, anchor=anchor)


def _draw_plot(pen: ImageDraw.ImageDraw, plot: Plot, box: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = box

    def at(share: float, value: float) -> tuple[float, float]:
        y = y1 - (y1 - y0) * min(max((value - plot.lowest) / (plot.highest - plot.lowest), 0), 1)
        return (x0 + (x1 - x0) * share) * _SHARP, y * _SHARP

    for k in range(_TICKS + 1):
        value = plot.lowest + (plot.highest - plot.lowest) * k / _TICKS
        pen.line([at(0, value), at(1, value)], fill=_GRID, width=_SHARP)
        _write(pen, (x0 - 6, at(0, value)[1] / _SHARP), f"{value:.3g}", 11, anchor="rm")
        step = plot.start + (plot.end - plot.start) * k / _TICKS
        _write(pen, (at(k / _TICKS, 0)[0] / _SHARP, y1 + 10), f"{step:.4g}", 11)
    _write(pen, ((x0 + x1) / 2, y1 + 26), plot.axis, 11)
    for k, (name, values) in enumerate(plot.curves.items()):
        color = COLORS[k % len(COLORS)]
        shares = [i / max(1, len(values) - 1) for i in range(len(values))]
        if name in plot.at:
            shares = [(place - plot.start) / (plot.end - plot.start) for place in plot.at[name]]
        points = [at(share, value) for share, value in zip(shares, values, strict=True)]
        pen.line(points, fill=color, width=2 * _SHARP, joint="curve")
        if plot.legend:
            _write(pen, (x1 - 4, y0 + 10 + 14 * k), name, 11, color, "rm")
