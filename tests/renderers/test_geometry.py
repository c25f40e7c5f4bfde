import pytest
import torch

from neuralpaint import get_brush, ops
from neuralpaint.brushes.geometry import named_geometry
from neuralpaint.renderers.tiles import cull

BRUSHES = ["oil", "watercolor", "marker", "tape", "round", "flat"]


def centers(size):
    x = torch.arange(size) + 0.5
    return x.repeat(size)[None].double(), x.repeat_interleave(size)[None].double()


@pytest.mark.parametrize("name", BRUSHES)
def test_edges_tell_inside_from_outside(name):
    brush = get_brush(name)
    strokes = brush.sample(40, torch.Generator().manual_seed(0)).double()
    _, alpha = ops.rasterize(strokes, brush, 64, 64)
    x, y = centers(64)
    frame = brush.geometry.frame(
        strokes, x.expand(40, -1), y.expand(40, -1), torch.zeros(40, 2, dtype=torch.float64), 64.0
    )
    distance, covered = frame.edges.amin(-1), alpha.flatten(1)
    # A square tip has narrow minima along its path, of which a few are missed.
    assert (covered[distance < -0.55] > 0).double().mean() < (1e-3 if name == "marker" else 1e-12)
    if name not in ("oil", "round", "flat"):  # bristles leave gaps
        full = strokes[:, -1:].expand_as(covered)
        assert torch.allclose(covered[distance > 0.55], full[distance > 0.55])
    for place in (frame.along, frame.across, frame.progress):
        assert ((place >= 0) & (place <= 1)).all()


@pytest.mark.parametrize("name", BRUSHES)
@pytest.mark.parametrize("softness", [1.0, 2.5])
def test_culled_tiles_hold_all_paint(name, softness):
    brush = get_brush(name)
    strokes = brush.sample(30, torch.Generator().manual_seed(1))
    origin = torch.tensor([0.1, -0.05])
    transformed = brush.transform(strokes, 1.0, (-origin[0], -origin[1]))
    _, alpha = ops.rasterize(transformed, brush, 64, 80, softness=softness)
    tiles = cull(brush.geometry, strokes, 64, 80, 64.0, origin.expand(30, 2), softness)
    ones = torch.ones(len(tiles), 64)
    _, near = tiles.scatter(ones[:, None].expand(-1, 3, -1), ones, 30)
    assert not ((alpha > 0) & (near == 0)).any()
    assert near.mean() < 0.75  # it does cull


def test_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="unknown geometry 'bx'.*box"):
        named_geometry("bx")
