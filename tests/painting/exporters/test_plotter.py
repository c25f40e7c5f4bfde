"""Drawings for plotters: what is drawn, by which pen, in which order, on what page."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch

from neuralpaint import Painting, get_brush
from neuralpaint.painting.exporters.pens import Pen
from neuralpaint.painting.exporters.plot_order import order_lines, travel
from neuralpaint.painting.exporters.plotter import MAX_STROKES, write_plot
from neuralpaint.painting.exporters.settings import PlotSettings

shapely = pytest.importorskip("shapely")

RED, BLUE = Pen('red <1> & "2"', "#d02010", 0.5), Pen("blue é", "#1020d0", 1.0)
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"
SVG = "{http://www.w3.org/2000/svg}"


def tape(*strokes):
    """Opaque rectangles (x, y, width, height, θ, colour) in units; tape's half-sides are a quarter of w and h."""
    rows = [(x, y, 2 * w, 2 * h, theta, *color, 1.0) for x, y, w, h, theta, color in strokes]
    return Painting(torch.tensor(rows, dtype=torch.float32), "tape", (1.0, 1.5))


def layers(path):
    """(label, stroke width, lines `[K, 2]`) of each layer, and the size of the page."""
    root = ElementTree.parse(path).getroot()
    found = []
    for group in root.findall(f"{SVG}g"):
        assert group.get(f"{INKSCAPE}groupmode") == "layer" and group.get("fill") == "none"
        lines = [
            np.array([[float(v) for v in point.split(",")] for point in line.get("points").split()])
            for line in group.findall(f"{SVG}polyline")
        ]
        found.append((group.get(f"{INKSCAPE}label"), float(group.get("stroke-width")), lines))
    width, height = (float(root.get(side).removesuffix("mm")) for side in ("width", "height"))
    assert root.get("viewBox").split() == ["0", "0", root.get("width")[:-2], root.get("height")[:-2]]
    return found, (width, height)


def inked(lines, pen):
    return shapely.union_all([shapely.LineString(line).buffer(pen / 2) for line in lines])


@pytest.fixture
def crossed(tmp_path):
    """A red bar under a blue one, 100 mm to a unit with margins of 5 mm."""
    painting = tape((0.75, 0.5, 0.8, 0.2, 0.0, (0.9, 0.1, 0.1)), (0.75, 0.5, 0.2, 0.8, 0.0, (0.1, 0.2, 0.8)))
    path = tmp_path / "plot.svg"
    settings = PlotSettings(pens=(RED, BLUE), size_mm=100, margin_mm=5)
    return path, write_plot(painting, path, settings)


def test_strokes_are_filled_and_what_is_hidden_is_not_drawn(crossed):
    (red, blue), page = layers(crossed[0])
    assert page == (160, 110)
    assert (red[0], blue[0]) == (f"1 {RED.name}", f"2 {BLUE.name}") and (red[1], blue[1]) == (0.5, 1.0)
    bars = shapely.box(40, 45, 120, 65), shapely.box(70, 15, 90, 95)
    seen = bars[0].difference(bars[1]), bars[1]
    for shape, (_, pen, lines) in zip(seen, (red, blue), strict=True):
        ink = inked(lines, pen)
        assert ink.intersection(shape).area > 0.99 * shape.area
        # A pen's line may run over the edge by a part of its width.
        assert shape.buffer(0.3 * pen).contains(ink)


def test_the_report_is_what_is_in_the_file(crossed):
    path, report = crossed
    for (_, _, lines), pen in zip(layers(path)[0], report.pens, strict=True):
        drawn = sum(np.linalg.norm(np.diff(line, axis=0), axis=1).sum() for line in lines)
        assert pen.drawn_mm == pytest.approx(drawn, rel=0.01) and pen.lines == len(lines)
        seconds = pen.drawn_mm / 40 + pen.travel_mm / 120 + 0.3 * pen.lines
        assert pen.seconds == pytest.approx(seconds) and pen.seconds > 5
    assert "pen lifts" in str(report) and "2 pens" in str(report)


def test_fewer_lines_for_an_open_hatching_and_one_for_lines(tmp_path):
    painting = tape((0.75, 0.5, 0.8, 0.2, 0.25, (0.9, 0.1, 0.1)))
    path = tmp_path / "plot.svg"

    def drawn(**settings):
        return write_plot(painting, path, PlotSettings(pens=(RED,), size_mm=100, **settings)).pens[0].drawn_mm

    full, spaced = drawn(), drawn(spacing=4.0, edges=False)
    assert spaced < 0.3 * full
    # From the middle of one round end to that of the other.
    assert drawn(fill="lines") == pytest.approx(60, abs=0.1)
    line = layers(path)[0][0][2][0]
    way = line[1] - line[0]
    assert abs(abs(way[0] / way[1]) - 1) < 1e-3


@pytest.mark.parametrize("name", ["oil", "watercolor", "marker", "round", "flat"])
def test_every_brush_covers_its_outline(name, tmp_path):
    brush = get_brush(name)
    painting = Painting(brush.examples(1), brush)
    write_plot(painting, tmp_path / "plot.svg", PlotSettings(pens=(RED,), size_mm=100, margin_mm=0, paper=False))
    lines = layers(tmp_path / "plot.svg")[0][0][2]
    shape = shapely.union_all([shapely.Polygon(piece).buffer(0) for piece in brush.outline(painting.strokes)[0] * 100])
    shape = shape.intersection(shapely.box(0, 0, 100, 100))
    ink = inked(lines, 0.5)
    assert ink.intersection(shape).area > 0.97 * shape.area
    assert shape.buffer(0.2).contains(ink)


def test_paper_stays_blank(tmp_path):
    painting = tape((0.7, 0.5, 0.4, 0.4, 0.0, (0.9, 0.1, 0.1)), (0.7, 0.5, 0.2, 0.2, 0.0, (0.97, 0.97, 0.95)))
    path = tmp_path / "plot.svg"
    settings = {"pens": (RED, BLUE), "size_mm": 100, "margin_mm": 0}
    write_plot(painting, path, PlotSettings(**settings))
    (_, _, red), (_, _, blue) = layers(path)[0]
    assert not blue and not inked(red, 0.5).intersects(shapely.box(61, 41, 79, 59))
    write_plot(painting, path, PlotSettings(**settings, paper=False))
    filled = [inked(lines, pen).intersects(shapely.box(69, 49, 71, 51)) for _, pen, lines in layers(path)[0] if lines]
    assert any(filled)


def test_an_a4_page_and_the_palette_of_the_painting(tmp_path):
    brush = get_brush("tape")
    palette = [{"name": "a", "color": "#202020"}, {"name": "b", "color": "#d06020"}]
    strokes = brush.sample(25, torch.Generator().manual_seed(0))
    strokes[:, 0] *= 1.5
    painting = Painting(strokes, brush, (1.0, 1.5), metadata={"palette": palette})
    path = tmp_path / "plot.svg"
    settings = PlotSettings(spacing=3.0)
    write_plot(painting, path, settings)
    found, page = layers(path)
    assert page == (297, 210) and [label for label, *_ in found] == ["1 a", "2 b"]
    points = np.concatenate([line for *_, lines in found for line in lines])
    assert points.min(0).min() >= 9.9 and (points.max(0) <= [287.1, 200.1]).all()
    first = path.read_bytes()
    write_plot(painting, path, settings)
    assert path.read_bytes() == first
    write_plot(Painting(strokes, brush, (1.0, 1.5)), path, settings)
    assert len(layers(path)[0]) == 6


def test_degenerate_strokes_draw_what_they_cover(tmp_path):
    for name in ("tape", "watercolor", "marker", "round", "flat"):
        brush = get_brush(name)
        strokes = brush.examples(4)
        strokes[0, list(brush.positions)] = 0.5  # a dot
        strokes[1, list(brush.sizes)] = 0.0
        strokes[2, list(brush.positions)] = 3.0  # off the canvas
        for fill in ("hatch", "lines"):
            write_plot(Painting(strokes, brush), tmp_path / "plot.svg", PlotSettings(pens=(RED,), fill=fill))
            assert layers(tmp_path / "plot.svg")
    write_plot(Painting(strokes[:0], brush), tmp_path / "plot.svg")


def test_the_order_saves_most_of_the_way_and_keeps_all_lines():
    random = np.random.default_rng(0)
    starts = random.random((400, 2)) * 100
    ends = starts + random.normal(0, 3, (400, 2))
    order, turned = order_lines(starts, ends)
    assert sorted(order.tolist()) == list(range(400))
    first, last = (np.where(turned[:, None], a[order], b[order]) for a, b in ((ends, starts), (starts, ends)))
    assert travel(first, last) < 0.1 * travel(starts, ends)
    # About 0.7124·√(n·area) is the shortest tour through points alone (Beardwood, Halton & Hammersley 1959).
    assert travel(first, last) < 1.1 * 0.7124 * np.sqrt(400 * 100 * 100)


def test_many_lines_are_ordered_in_strips(monkeypatch):
    monkeypatch.setattr("neuralpaint.painting.exporters.plot_order._TOGETHER", 50)
    starts = np.random.default_rng(1).random((220, 2))
    order, turned = order_lines(starts, starts + 0.01)
    assert sorted(order.tolist()) == list(range(220)) and len(turned) == 220


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"pens": ()}, "1 to 64 pens"),
        ({"size_mm": 0.5}, "size_mm"),
        ({"size_mm": float("nan")}, "size_mm"),
        ({"margin_mm": -1}, "margin_mm"),
        ({"margin_mm": 150}, "margin_mm"),
        ({"fill": "dots"}, "hatch, lines"),
        ({"spacing": 0.1}, "spacing"),
        ({"down_mm_s": 0}, "down_mm_s"),
        ({"lift_s": -1}, "lift_s"),
    ],
)
def test_settings_out_of_range(wrong, words):
    with pytest.raises(ValueError, match=words):
        PlotSettings(**wrong)


def test_says_what_cannot_be_drawn(tmp_path, monkeypatch):
    brush = get_brush("pixel")
    with pytest.raises(ValueError, match="at most 50,000 strokes"):
        write_plot(Painting(torch.zeros(MAX_STROKES + 1, 9), brush), tmp_path / "plot.svg")
    monkeypatch.setitem(sys.modules, "shapely", None)
    monkeypatch.delitem(sys.modules, "neuralpaint.painting.exporters.plot_shapes", raising=False)
    with pytest.raises(ValueError, match=r"neuralpaint\[plot\]"):
        write_plot(tape((0.7, 0.5, 0.4, 0.4, 0.0, (0.9, 0.1, 0.1))), tmp_path / "plot.svg")
    assert not list(Path(tmp_path).iterdir())


def test_vpype_reads_it(crossed):
    vpype = pytest.importorskip("vpype")
    path, report = crossed
    document = vpype.read_multilayer_svg(str(path), quantization=0.05)
    assert sorted(document.layers) == [1, 2]
    for number, pen in enumerate(report.pens, 1):
        assert document.layers[number].length() * 25.4 / 96 == pytest.approx(pen.drawn_mm, rel=0.01)
