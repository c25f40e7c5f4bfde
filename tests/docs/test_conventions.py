"""What docs/conventions.md says of every parameter of every brush, and its formulas, by measuring strokes.

A formula is evaluated with the numbers of a stroke, and compared with what the drawn stroke measures. Lengths are in
units on the page, and in pixels here.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from neuralpaint import Brush, TexturedBrush, get_brush, ops
from neuralpaint.brushes import brushes

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "conventions.md").read_text(encoding="utf-8")
HEIGHT, WIDTH = 121, 161  # the shorter side is odd: ½ of it is the centre of a row
LOOSE = 0.2  # relative: textures and bristles do not fill their outline
# Brushes without gaps: here the formulas hold to the pixel.
EXACT = {"tape", "pixel", "watercolor", "marker", "TexturedBrush"}


class Row(NamedTuple):
    parameters: tuple[str, ...]
    unit: str
    quantity: str  # what the formula gives; empty if there is none
    formula: str


def named(name: str) -> Brush:
    if name != "TexturedBrush":
        return get_brush(name)
    full = np.full((8, 32), 255, np.uint8)
    return TexturedBrush(name="full", alpha=full, ridge=np.full_like(full, 128))


def tables() -> dict[str, list[Row]]:
    """The rows of each brush."""
    found: dict[str, list[Row]] = {}
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        section = section.split("\n## ")[0]
        title, *lines = section.splitlines()
        rows = []
        for line in lines:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not line.startswith("|") or cells[0] == "parameters" or set(line) <= set("|-"):
                continue
            formula = re.match(r"`(\w+) = (.*?)`", cells[2])
            rows.append(Row(tuple(cells[0].split()), cells[1], *(formula.groups() if formula else ("", ""))))
        for name in re.findall(r"`(\w+)`", title):
            assert name not in found
            found[name] = rows
    return found


TABLES = tables()
FORMULAS = [(name, row) for name, rows in TABLES.items() for row in rows if row.formula]


def test_every_brush_has_a_table_of_all_its_parameters():
    assert set(TABLES) == {*brushes(), "TexturedBrush"}
    units = set(re.findall(r"^\| ([\w ]+) \| ", PAGE.split("| unit | a number of 1 is |")[1].split("\n\n")[0], re.M))
    for name, rows in TABLES.items():
        brush = named(name)
        assert tuple(parameter for row in rows for parameter in row.parameters) == brush.parameters, name
        assert {row.unit for row in rows} <= units, name


@pytest.mark.parametrize("name", TABLES)
def test_units_are_those_of_the_code(name):
    brush = named(name)
    units = {parameter: row.unit for row in TABLES[name] for parameter in row.parameters}
    for index, parameter in enumerate(brush.parameters):
        if index in brush.positions + brush.sizes:
            expected = "unit"
        elif index == brush.angle:
            expected = "half turn"
        elif index == brush.opacity:
            expected = "opacity"
        else:
            expected = "ratio" if index < brush.shape.stop else "intensity"
        assert units[parameter] == expected, parameter


def test_kinds_orders_and_held_parameters():
    rows = [line for line in PAGE.splitlines() if re.match(r"\| `\w+` \| \d", line)]
    assert len(rows) == len(brushes())
    for row, (name, brush) in zip(rows, brushes().items(), strict=True):
        held = ", ".join(f"{brush.parameters[index]} = {value:g}" for index, value in brush.held)
        cells = (f"`{name}`", brush.kind, brush.num_parameters, " ".join(brush.parameters), held)
        assert row == f"| {' | '.join(map(str, cells))} |".replace("|  |", "| |")


# ---- strokes and what they measure -----------------------------------------------------------------------------------

BOX = {"xc": 0.7, "yc": 0.45, "w": 0.6, "h": 0.25, "theta": 0.15}
LINE = {"x0": 0.3, "y0": 0.5, "x1": 0.5, "y1": 0.5, "x2": 1.0, "y2": 0.5, "radius0": 0.4, "radius2": 0.2, "radius": 0.4}
SLANTED = LINE | {"y0": 0.25, "y2": 0.7, "radius0": 0.1, "radius2": 0.1, "radius": 0.1}
BENT = SLANTED | {"x1": 0.2, "y1": 0.9}
COLORS = {"r": 0.9, "g": 0.5, "b": 0.1, "r0": 0.9, "g0": 0.4, "b0": 0.1, "r2": 0.2, "g2": 0.6, "b2": 0.7, "a": 1.0}


class Drawn:
    """A stroke of these parameters: its alpha `[H, W]` and colours `[3, H, W]`, in float64, and its parameters."""

    def __init__(self, brush: Brush, values: dict[str, float]) -> None:
        self.parameters = {name: (COLORS | values)[name] for name in brush.parameters}
        strokes = torch.tensor([list(self.parameters.values())], dtype=torch.float64)
        colors, alpha = ops.rasterize(strokes, brush, HEIGHT, WIDTH)
        self.colors, self.alpha = colors[0].numpy(), alpha[0, 0].numpy()
        self.scale = min(HEIGHT, WIDTH)
        self.exact = brush.name in EXACT or brush.name == "full"

    def covered(self, least: float = 0.05) -> np.ndarray:
        """The centres of covered pixels, `[K, 2]` as x, y."""
        i, j = np.nonzero(self.alpha > least)
        return np.stack([j + 0.5, i + 0.5], 1)


def box_axes() -> tuple[np.ndarray, np.ndarray]:
    """Along w and along h of BOX, y down."""
    angle = math.pi * BOX["theta"]
    return np.array([math.cos(angle), -math.sin(angle)]), np.array([math.sin(angle), math.cos(angle)])


def measure_center(brush):
    drawn = Drawn(brush, BOX)
    points = drawn.covered(0.5 if drawn.exact else 0.05)
    spans = [points @ axis for axis in box_axes()]
    return drawn, sum((s.min() + s.max()) / 2 * axis for s, axis in zip(spans, box_axes(), strict=True)), 1.0, 4.0


def measure_side(brush, axis):
    drawn = Drawn(brush, BOX)
    along = drawn.covered(0.5 if drawn.exact else 0.05) @ box_axes()[axis]
    length = along.max() - along.min()
    return drawn, length, 1.6, LOOSE * length


def measure_degrees(brush):
    drawn = Drawn(brush, BOX)
    mass = drawn.alpha / drawn.alpha.sum()
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    x, y = x - (mass * x).sum(), (mass * y).sum() - y  # y up
    turn = 0.5 * math.atan2(2 * (mass * x * y).sum(), (mass * (x * x - y * y)).sum())
    return drawn, math.degrees(turn), 0.3, 4.0


def measure_end(brush, way):
    """The pixel that lies farthest in the direction of the chord, less the reach beyond the end of the curve."""
    drawn = Drawn(brush, SLANTED)
    p = drawn.parameters
    chord = np.array([p["x2"] - p["x0"], p["y2"] - p["y0"]])
    along = way * chord / np.linalg.norm(chord)
    points = drawn.covered(0.3 if drawn.exact else 0.1)
    reach = 0.0 if brush.name in ("flat", "mop") else 0.1 / 4 * drawn.scale
    ahead = points @ along
    return drawn, points[ahead > ahead.max() - 1].mean(0) - reach * along, 1.5, 4.0


def measure_control(brush):
    """From the middle of the curve, (start + 2 control + end) / 4."""
    drawn = Drawn(brush, BENT)
    p, points = drawn.parameters, drawn.covered(0.3)
    ends = np.array([p["x0"] + p["x2"], p["y0"] + p["y2"]]) * drawn.scale
    assert np.linalg.norm(points - ends / 2, axis=1).min() > 5  # the stroke is bent: its chord is bare
    # Across the chord's perpendicular through the chord's middle, where a symmetrical bend has its own.
    chord = np.array([p["x2"] - p["x0"], p["y2"] - p["y0"]])
    offset = np.array([BENT["x1"] - 0.5, BENT["y1"] - 0.5]) * chord
    bend = offset / np.linalg.norm(offset)
    side = np.array([-bend[1], bend[0]])
    on_axis = points[np.abs((points - ends / 2) @ side) < 1]
    middle = on_axis.mean(0)
    return drawn, (4 * middle - ends) / 2, 4.0, 6.0


def measure_reach(brush, way):
    """Along the middle row: how far coverage goes on beyond an end of the curve."""
    drawn = Drawn(brush, LINE)
    row = drawn.alpha[HEIGHT // 2]
    edge = LINE["x0" if way < 0 else "x2"] * drawn.scale
    x = np.arange(WIDTH)
    beyond = np.clip(edge - x, 0, 1) if way < 0 else np.clip(x + 1 - edge, 0, 1)
    return drawn, (row * beyond).sum(), 0.1, 0.1


def measure_half_width(brush):
    """Across the middle of a level stroke."""
    drawn = Drawn(brush, LINE)
    column = drawn.alpha[:, round(0.5 * (LINE["x0"] + LINE["x2"]) * drawn.scale)]
    if drawn.exact:
        return drawn, column.sum() / 2, 0.1, 0.1
    covered = np.nonzero(column > 0.02)[0]
    half = (covered.max() - covered.min() + 1) / 2
    return drawn, half, 0.0, LOOSE * half


def measure_half_side(brush):
    drawn, half, *tolerance = measure_half_width(brush)
    assert half == pytest.approx(measure_reach(brush, -1)[1], abs=0.1)
    return drawn, half, *tolerance


def measure_color(brush):
    drawn = Drawn(brush, BOX | LINE)
    return drawn, (drawn.colors * drawn.alpha).sum((1, 2)) / drawn.alpha.sum(), 1e-9, 0.06


def measure_gradient(brush, place):
    """The line through the colours over the way that they run: at its start, or at its end."""
    drawn = Drawn(brush, BOX | LINE)
    y, x = (axis + 0.5 for axis in np.mgrid[:HEIGHT, :WIDTH])
    p, weight = drawn.parameters, drawn.alpha
    if "w" in p:
        v = np.stack([x - p["xc"] * drawn.scale, y - p["yc"] * drawn.scale], -1) @ box_axes()[1]
        way = v / (p["h"] * drawn.scale) + 0.5
    elif "radius" in p:
        way = (y - p["y0"] * drawn.scale) / (p["radius"] / 2 * drawn.scale) + 0.5
    else:
        way = (x / drawn.scale - p["x0"]) / (p["x2"] - p["x0"])
        weight = np.where((way > 0) & (way < 1) & (y == HEIGHT / 2), weight, 0)
    inside = (weight > 0.3) & (way > 0) & (way < 1)
    lines = np.polyfit(way[inside], drawn.colors[:, inside].T, 1)  # slopes and values at 0
    return drawn, lines[1] + place * lines[0], 0.01, 0.1


def measure_opacity(brush):
    drawn, opaque = (Drawn(brush, BOX | LINE | {"a": a}) for a in (0.4, 1.0))
    np.testing.assert_allclose(drawn.alpha, 0.4 * opaque.alpha, atol=1e-12)
    return drawn, drawn.alpha.sum() / opaque.alpha.sum(), 1e-9, 1e-9


MEASURES = {
    "center": measure_center,
    "width": lambda brush: measure_side(brush, 0),
    "height": lambda brush: measure_side(brush, 1),
    "degrees": measure_degrees,
    "start": lambda brush: measure_end(brush, -1),
    "end": lambda brush: measure_end(brush, 1),
    "control": measure_control,
    "start_radius": lambda brush: measure_reach(brush, -1),
    "end_radius": lambda brush: measure_reach(brush, 1),
    "half_side": measure_half_side,
    "half_width": measure_half_width,
    "tip_radius": measure_half_width,
    "color": measure_color,
    "first_color": lambda brush: measure_gradient(brush, 0),
    "last_color": lambda brush: measure_gradient(brush, 1),
    "opacity": measure_opacity,
}


@pytest.mark.parametrize(("name", "row"), FORMULAS, ids=[f"{name} {row.quantity}" for name, row in FORMULAS])
def test_formulas(name, row):
    drawn, measured, exact, loose = MEASURES[row.quantity](named(name))
    expected = np.asarray(eval(row.formula, {"__builtins__": {}}, drawn.parameters), float)  # noqa: S307
    if row.unit in ("unit", "ratio"):
        expected = expected * drawn.scale
    assert np.shape(measured) == expected.shape
    difference = np.abs(np.asarray(measured) - expected).max()
    assert difference <= (exact if drawn.exact else loose), f"{measured} instead of {expected}"


def test_what_has_no_formula_changes_nothing():
    rows = [(name, row) for name, rows in TABLES.items() for row in rows if not row.formula]
    assert rows
    for name, row in rows:
        (parameter,) = row.parameters
        pictures = [Drawn(named(name), LINE | {parameter: value}).alpha for value in (0.1, 0.9)]
        assert np.array_equal(*pictures)


# ---- the canvas ------------------------------------------------------------------------------------------------------


def test_bars_end_where_the_curve_ends():
    for name in ("flat", "mop"):
        drawn = Drawn(get_brush(name), LINE)
        x = drawn.covered(0)[:, 0] / drawn.scale
        assert LINE["x0"] - 0.01 < x.min() < LINE["x0"] + 0.05 and LINE["x2"] - 0.15 < x.max() < LINE["x2"] + 0.01


@pytest.mark.parametrize("softness", [1.0, 4.0])
def test_edges_are_as_wide_as_softness(softness):
    stroke = torch.tensor([[0.5, 0.5, 1.0, 1.0, 0.0, 1, 1, 1, 1]], dtype=torch.float64)
    row = ops.rasterize(stroke, "tape", 40, 40, softness=softness)[1][0, 0, 20]  # from 10 to 30
    assert row.sum().item() == pytest.approx(20)
    ramp = ((torch.arange(40) + 0.5 - 10) / softness + 0.5).clamp(0, 1)
    torch.testing.assert_close(row[:20], ramp[:20].double())


def test_origin_and_pixels_per_unit_place_a_part_of_the_plane():
    stroke = torch.tensor([[[0.9, 0.4, 0.6, 0.5, 0.1, 1, 0, 0, 1]]])
    whole = ops.render(torch.ones(1, 3, 60, 90), stroke, "tape")  # 60 pixels a unit
    part = ops.render(torch.ones(1, 3, 30, 40), stroke, "tape", origin=(0.5, 0.25), pixels_per_unit=60)
    torch.testing.assert_close(part, whole[:, :, 15:45, 30:70])
