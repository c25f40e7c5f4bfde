"""Strokes for robots: the schema, millimetres, and an order that looks the same."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from neuralpaint import Painting, get_brush
from neuralpaint.painting.exporters import robot
from neuralpaint.painting.exporters.robot import write_robot
from neuralpaint.painting.exporters.robot_order import overlaps, painting_order
from neuralpaint.painting.exporters.settings import RobotSettings

COLORS = ("#201010", "#c03020", "#20a040", "#f0e0a0")
PALETTE = [{"name": f"paint <{k}>", "color": color} for k, color in enumerate(COLORS)]


def painted(name, count=60, seed=0):
    """Strokes of random places in the colours of the palette."""
    brush = get_brush(name)
    random = torch.Generator().manual_seed(seed)
    strokes = brush.sample(count, random)
    strokes[:, list(brush.sizes)] *= 0.3
    colors = torch.tensor([[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color in COLORS])
    chosen = torch.randint(0, len(COLORS), (count,), generator=random)
    for part in brush.colors:
        strokes[:, part] = colors[chosen]
    strokes[:, brush.opacity] = 1
    return Painting(strokes, brush, (1.0, 1.25), metadata={"palette": PALETTE}), chosen.numpy()


@pytest.mark.parametrize("name", ["oil", "watercolor", "marker", "tape", "pixel", "round", "flat"])
def test_the_file_keeps_to_its_schema(name, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(Path(robot.__file__).with_name("robot.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    painting, chosen = painted(name, 20)
    for some in (painting, Painting(painting.strokes[:0], name), Painting(painting.strokes, name)):
        write_robot(some, tmp_path / "strokes.json")
        content = json.loads((tmp_path / "strokes.json").read_text())
        jsonschema.validate(content, schema, jsonschema.Draft202012Validator)
    write_robot(painting, tmp_path / "strokes.json", RobotSettings(size_mm=400))
    content = json.loads((tmp_path / "strokes.json").read_text())
    assert content["canvas"] == {"width": 500, "height": 400} and content["palette"] == PALETTE
    assert sorted(stroke["index"] for stroke in content["strokes"]) == list(range(20))
    assert all(stroke["color"] == chosen[stroke["index"]] for stroke in content["strokes"])
    # A field that is not in the schema is an error: the schema is checked, not just there.
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content | {"speed": 1}, schema)


def test_paths_are_in_millimetres(tmp_path):
    row = [0.5, 0.25, 0.8, 0.2, 0.0, 0.1, 0.1, 0.1, 0.5]  # tape's half-sides are a quarter of w and h
    write_robot(Painting(torch.tensor([row]), "tape"), tmp_path / "s.json", RobotSettings(size_mm=100))
    (stroke,) = json.loads((tmp_path / "s.json").read_text())["strokes"]
    assert stroke["path"] == [[35, 25, 10], [65, 25, 10]]
    assert (stroke["width"], stroke["opacity"], stroke["layer"]) == (10, 0.5, 0)


@pytest.mark.parametrize("name", ["oil", "watercolor", "tape"])
def test_the_new_order_looks_the_same(name, tmp_path):
    painting, chosen = painted(name, 80)
    layers = write_robot(painting, tmp_path / "s.json")
    strokes = json.loads((tmp_path / "s.json").read_text())["strokes"]
    order = [stroke["index"] for stroke in strokes]
    assert order != sorted(order)
    again = Painting(painting.strokes[order], name, painting.aspect)
    difference = (again.render_tensor(200) - painting.render_tensor(200)).abs()
    # Antialiased edges that touch within a pixel may blend in another order.
    assert float((difference.amax(0) > 0.02).float().mean()) < 0.002
    # Layers are runs of one colour, and fewer than in the painting's own order.
    runs = [color for color, before in zip(chosen[order], [-1, *chosen[order]], strict=False) if color != before]
    assert len(runs) == layers == strokes[-1]["layer"] + 1
    assert layers < 0.85 * (1 + np.count_nonzero(np.diff(chosen)))


def test_strokes_that_overlap_keep_their_order():
    painting, colors = painted("tape", 120, seed=1)
    later = overlaps(painting.brush.outline(painting.strokes))
    order, layers = painting_order(colors, later)
    place = np.argsort(order)
    assert any(len(over) for over in later)
    assert all((place[over] > place[index]).all() for index, over in enumerate(later))
    assert (np.diff(layers) >= 0).all()


def test_overlaps_misses_none(monkeypatch):
    shapely = pytest.importorskip("shapely")
    monkeypatch.setattr("neuralpaint.painting.exporters.robot_order._ROWS", 7)
    for name in ("tape", "watercolor"):
        outlines = painted(name, 40)[0].brush.outline(painted(name, 40)[0].strokes)
        shapes = shapely.union_all(shapely.convex_hull(shapely.multipoints(outlines)), axis=1)
        found = overlaps(outlines)
        for index, shape in enumerate(shapes):
            true = [k for k in range(index + 1, 40) if shape.intersects(shapes[k])]
            assert set(true) <= set(found[index].tolist())
            assert len(found[index]) <= 1.5 * len(true) + 6


def test_two_colours_apart_need_two_layers():
    colors = np.array([0, 1] * 5)
    order, layers = painting_order(colors, [np.zeros(0, dtype=np.int64)] * 10)
    assert order.tolist() == [0, 2, 4, 6, 8, 1, 3, 5, 7, 9] and layers[-1] == 1
    chain = [np.array([k + 1]) if k < 9 else np.zeros(0, dtype=np.int64) for k in range(10)]
    assert painting_order(colors, chain)[0].tolist() == list(range(10))


def test_says_what_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match="at most 20,000 strokes"):
        write_robot(Painting(torch.zeros(20_001, 9), "pixel"), tmp_path / "s.json")
    for wrong in (0, float("nan"), 20_000.0):
        with pytest.raises(ValueError, match="size_mm"):
            RobotSettings(size_mm=wrong)
    bad = Painting(painted("tape", 3)[0].strokes, "tape", metadata={"palette": [{"name": "x"}]})
    with pytest.raises(ValueError, match="palette"):
        write_robot(bad, tmp_path / "s.json")
    assert not list(tmp_path.iterdir())
