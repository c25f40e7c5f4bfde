"""Watercolour effects: `Finish(wet=…)`."""

import dataclasses

import numpy as np
import pytest
import torch

import neuralpaint.painting.tiles as tiles
import neuralpaint.painting.wet as wet
from neuralpaint.brushes import get_brush
from neuralpaint.painting import Finish, Painting
from neuralpaint.painting.kubelka_munk import layer, over, pigment

WHITE = (1.0, 1.0, 1.0)
# x0 y0 x1 y1 x2 y2 radius0 radius2, the colours of its ends, opacity
WASH = [0.3, 0.5, 0.5, 0.5, 0.9, 0.5, 0.9, 0.9, *[0.3, 0.5, 0.7] * 2, 0.8]


def painting(strokes=None, background=WHITE, size=96, **finish):
    if strokes is None:
        strokes = get_brush("watercolor").sample(12, torch.Generator().manual_seed(1))
    return Painting(strokes, "watercolor", (1.0, 1.25), background, size, finish=Finish(**finish))


def pixels(painted, size=None):
    return painted.render_tensor(size).numpy()


def test_a_layer_of_unit_thickness_has_the_colours_over_white_and_black():
    white = torch.rand(200, generator=torch.Generator().manual_seed(1)) * 0.9 + 0.05
    black = white * torch.rand(200, generator=torch.Generator().manual_seed(2)).clamp(0.05, 0.9)
    paint = pigment(white, black)
    assert (paint.absorption > 0).all() and (paint.scattering > 0).all()
    reflected, passed = layer(paint, torch.ones(200))
    assert torch.allclose(over(reflected, passed, torch.ones(200)), white, atol=2e-3)
    assert torch.allclose(over(reflected, passed, torch.zeros(200)), black, atol=2e-3)


def test_two_layers_are_one_of_double_thickness():
    paint = pigment(torch.tensor([0.2, 0.5, 0.9]), torch.tensor([0.1, 0.2, 0.3]))
    (one, through), (two, _) = layer(paint, torch.ones(3)), layer(paint, torch.full((3,), 2.0))
    assert torch.allclose(over(one, through, one), two, atol=1e-3)
    assert torch.allclose(layer(paint, torch.zeros(3))[1], torch.ones(3), atol=1e-4)


def test_extreme_colours_stay_finite():
    values = torch.tensor([0.0, 1e-6, 0.5, 1 - 1e-6, 1.0])
    white, black = torch.meshgrid(values, values, indexing="ij")
    for thickness in (0.0, 1.0, 100.0):
        for part in layer(pigment(white, black), torch.full((5, 5), thickness)):
            assert part.isfinite().all() and part.min() >= 0 and part.max() <= 1


def test_nothing_wet_is_the_plain_picture():
    assert (pixels(painting(wet=0)) == pixels(painting())).all()
    little = pixels(painting(wet=0.001)) - pixels(painting())
    assert np.abs(little).mean() < 0.002  # the same strokes, drawn another way


def test_a_wash_is_darker_along_its_edge_and_keeps_its_colour():
    plain, washed = (pixels(painting(torch.tensor([WASH]), size=192, wet=value)) for value in (0.0, 1.0))
    inside = washed[:, 90:102, 80:160].mean((1, 2))
    assert np.abs(inside - plain[:, 96, 120]).max() < 0.08
    column = washed[:, :96, 60:160].mean(0)  # from the top edge of the wash to its middle
    assert (column.min(0) < inside.mean() - 0.05).mean() > 0.5
    assert washed.max() > 0.998  # paper beside it
    edges = [np.flatnonzero(strip < 0.9)[0] for strip in column.T]
    assert 2 < np.ptp(edges) < 30  # the outline of the plain one is a straight line there
    assert np.ptp([np.flatnonzero(strip < 0.9)[0] for strip in plain[:, :96, 60:160].mean(0).T]) == 0


def test_the_colours_stay_on_average():
    plain, washed = pixels(painting()), pixels(painting(wet=1))
    assert np.abs(plain - washed).mean() > 0.01
    assert np.abs(plain.mean((1, 2)) - washed.mean((1, 2))).max() < 0.03


def test_tiles_give_the_same_picture(monkeypatch):
    painted = painting(wet=1, ground="paper")
    whole = pixels(painted)
    monkeypatch.setattr(tiles, "TILE", 64)
    monkeypatch.setattr(wet, "_CELL", 40)
    difference = np.abs(pixels(painted) - whole)
    assert np.quantile(difference, 0.999) < 1 / 255 and difference.mean() < 1e-4


def test_sizes_give_the_same_picture():
    large = pixels(painting(wet=1), 192)
    small = large.reshape(3, 96, 2, 120, 2).mean((2, 4))
    plain = pixels(painting())
    assert np.abs(small - pixels(painting(wet=1))).mean() < 0.5 * np.abs(plain - pixels(painting(wet=1))).mean()


@pytest.mark.parametrize("background", [(0.0, 0.0, 0.0), (0.2, 0.9, 0.5)])
def test_light_strokes_on_dark_paper_stay(background):
    strokes = torch.tensor([[*WASH[:8], *[0.95] * 6, 1.0]])
    middle = pixels(painting(strokes, background, wet=1))[:, 48, 60]
    assert (middle > 0.75).all()


def test_no_strokes_and_strokes_elsewhere():
    assert (np.asarray(painting(torch.zeros(0, 15), wet=1).render()) == 255).all()
    away = torch.tensor([WASH])
    away[:, [0, 4]] += 5
    assert (np.asarray(painting(away, wet=1).render()) == 255).all()
    dot = torch.tensor([[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.0, 0.0, *[0.5] * 6, 1.0]])
    assert np.isfinite(pixels(painting(dot, wet=1))).all()


def test_other_brushes_are_refused():
    strokes = get_brush("oil").sample(2)
    with pytest.raises(ValueError, match="wet needs the brush watercolor, and must be 0 for oil"):
        Painting(strokes, "oil", finish=Finish(wet=0.5))
    with pytest.raises(ValueError, match="wet needs the brush"):
        dataclasses.replace(Painting(strokes, "oil"), finish=Finish(wet=1))
