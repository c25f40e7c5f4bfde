"""Seeding: positions and parameters of new strokes."""

import math

import pytest
import torch

from neuralpaint import get_brush
from neuralpaint.images.resample import box_blur
from neuralpaint.search.seeding import edge_angle, new_strokes, paper_strokes, seed_positions
from tests.search.photos import NAMES, disc_photo, grid


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 110, 160])
def test_edges_are_followed_counter_clockwise(degrees):
    """Stripes at an angle, counter-clockwise as displayed (pixel y points down)."""
    y, x = grid(64, 64)
    angle = math.radians(degrees)
    photo = torch.sin(20 * (x * math.sin(angle) + y * math.cos(angle))).expand(3, -1, -1)
    found = edge_angle(photo, 5)[20:44, 20:44]
    turn = torch.remainder(found - angle + math.pi / 2, math.pi) - math.pi / 2
    assert turn.abs().max() < math.radians(4)


def test_blur_keeps_a_plain_picture_to_its_border():
    torch.testing.assert_close(box_blur(torch.full((9, 14), 0.7), 3), torch.full((9, 14), 0.7))


def test_positions_prefer_large_errors_and_spread():
    error = torch.full((64, 64), 1e-4)
    error[40:56, 8:24] = 1.0
    x, y = seed_positions(error, 4, 8, generator())
    assert ((x >= 8) & (x < 24) & (y >= 40) & (y < 56)).all()
    x, y = seed_positions(torch.ones(64, 64), 64, 8, generator())
    assert len({(int(a) // 8, int(b) // 8) for a, b in zip(x, y, strict=True)}) == 64  # one in every cell


@pytest.mark.parametrize("shape", [(1, 1), (5, 64), (17, 31)], ids=str)
@pytest.mark.parametrize("count", [1, 50, 3000])
def test_positions_are_on_the_picture_however_many(shape, count):
    for error in (torch.zeros(shape), torch.rand(shape, generator=generator())):
        x, y = seed_positions(error, count, 4, generator())
        assert len(x) == len(y) == count
        assert x.min() >= 0 and x.max() < shape[1] and y.min() >= 0 and y.max() < shape[0]


@pytest.mark.parametrize("name", NAMES)
def test_new_strokes_have_the_photos_colour_where_they_are(name):
    brush, photo = get_brush(name), torch.zeros(3, 48, 96)
    left, right = torch.tensor([0.9, 0.2, 0.1]), torch.tensor([0.1, 0.3, 0.8])
    photo[:, :, :48], photo[:, :, 48:] = left.view(3, 1, 1), right.view(3, 1, 1)
    strokes = new_strokes(photo, torch.ones_like(photo), brush, 60, 0.3, 48.0, generator())[0]
    assert strokes.shape == (60, brush.num_parameters) and torch.isfinite(strokes).all()
    middle = strokes[:, list(brush.x_positions)].mean(1)
    for part in brush.colors:
        clear = (middle - 1).abs() > 0.1
        expected = torch.where(middle[:, None] < 1, left, right)
        torch.testing.assert_close(strokes[clear][:, part], expected[clear])
    for index, value in brush.held:
        assert (strokes[:, index] == value).all()


@pytest.mark.parametrize("name", NAMES)
def test_new_strokes_are_about_as_long_as_asked(name):
    brush, photo = get_brush(name), disc_photo(64, 64)
    small, large = (
        new_strokes(photo, torch.ones_like(photo), brush, 40, block, 64.0, generator())[0] for block in (0.1, 0.4)
    )
    sizes = list(brush.sizes)
    assert float(large[:, sizes].mean() / small[:, sizes].mean()) == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("name", ["oil", "tape"])
def test_new_strokes_lie_along_the_edges(name):
    y, _ = grid(64, 64)
    photo = (0.5 + 0.5 * torch.sin(25 * y)).expand(3, -1, -1)  # lying stripes
    strokes = new_strokes(photo, torch.ones_like(photo), get_brush(name), 30, 0.2, 64.0, generator())[0]
    turn = (strokes[:, 4] + 0.5).remainder(1) - 0.5
    assert turn.abs().median() < 0.03
    assert (strokes[:, 2] > strokes[:, 3]).float().mean() > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_the_papers_strokes_start_small_at_the_largest_error(name):
    brush, photo = get_brush(name), torch.ones(3, 3, 48, 48)
    places = [(8, 8), (24, 36), (40, 12)]
    for image, (row, column) in zip(photo, places, strict=True):
        image[:, row - 4 : row + 4, column - 4 : column + 4] = torch.tensor([0.1, 0.5, 0.2]).view(3, 1, 1)
    strokes = paper_strokes(photo, torch.ones_like(photo), brush, generator())
    assert strokes.shape == (3, brush.num_parameters)
    for stroke, (row, column) in zip(strokes, places, strict=True):
        assert stroke[list(brush.x_positions)].mean() * 48 == pytest.approx(column, abs=8)
        assert stroke[list(brush.y_positions)].mean() * 48 == pytest.approx(row, abs=8)
        assert stroke[list(brush.sizes)].max() <= 0.25
    for index, value in brush.held:
        assert (strokes[:, index] == value).all()


def test_one_generator_one_choice():
    photo, brush = disc_photo(), get_brush("oil")
    blank = torch.ones_like(photo)
    first, again, other = (new_strokes(photo, blank, brush, 9, 0.3, 48.0, generator(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
