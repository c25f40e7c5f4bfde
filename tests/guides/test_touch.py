"""The size of a picture's strokes, and noise in strokes of that size."""

import math

import pytest
import torch

from neuralpaint.guides.flow import dashes, edge_weight, flow_field
from neuralpaint.guides.touch import Touch, measure_touch


def hatched(width, size=128):
    """`[3, size, size]`: straight stripes of that width, in units."""
    x = (torch.arange(size) + 0.5) / size
    wave = 0.5 + 0.4 * torch.sin(math.pi * x / width)
    return wave.expand(3, size, size).clone()


@pytest.mark.parametrize("width", [0.03, 0.06])
def test_stripes_are_as_wide_as_they_are_and_longer(width):
    touch = measure_touch(hatched(width))
    assert touch.width == pytest.approx(width, rel=0.25)
    assert touch.length > 3 * touch.width


def test_the_touch_is_in_units_whatever_the_number_of_pixels():
    small, large = (measure_touch(hatched(0.06, size)) for size in (128, 384))
    assert small.width == pytest.approx(large.width, rel=0.2)


def test_round_dots_are_about_as_long_as_wide():
    generator = torch.Generator().manual_seed(0)
    dots = torch.nn.functional.interpolate(
        torch.rand(1, 3, 24, 24, generator=generator), scale_factor=6, mode="bicubic"
    )
    assert measure_touch(dots[0].clamp(0, 1)).aspect < 2.5


@pytest.mark.parametrize("shape", [(1, 1), (2, 40), (33, 32)])
def test_flat_pictures_of_any_size_have_a_touch(shape):
    touch = measure_touch(torch.full((3, *shape), 0.5))
    assert 0 < touch.width <= touch.length < 1


def test_few_strokes_are_enlarged_until_they_cover_the_canvas():
    touch = Touch(0.1, 0.02)
    assert touch.covering(1.0, 1000) == touch
    larger = touch.covering(1.0, 100)
    assert larger.length * larger.width == pytest.approx(0.01) and larger.aspect == pytest.approx(5)


def test_dashes_are_long_along_the_field_and_thin_across():
    field = torch.stack([-torch.ones(64, 96), torch.zeros(64, 96)])  # vertical
    noise = dashes(field, Touch(0.3, 0.05))
    assert noise.shape == (3, 64, 96)
    torch.testing.assert_close(noise.mean((1, 2)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(noise.std((1, 2)), torch.ones(3), atol=1e-3, rtol=0)
    along, across = ((noise - noise.roll(4, axis)).square().mean() for axis in (1, 2))
    assert along < 0.4 * across
    assert torch.equal(noise, dashes(field, Touch(0.3, 0.05)))


def test_strokes_follow_the_photo_at_its_edges_and_the_painting_elsewhere():
    photo = torch.full((3, 64, 64), 0.5)
    photo[:, :, 32:] = 0.9  # a vertical edge
    painting = hatched(0.05).transpose(1, 2)  # horizontal stripes
    weight, field = edge_weight(photo), flow_field(photo, painting)
    assert weight[32, 32] > 0.8 and weight[32, 4] < 0.1
    assert field[0, 32, 32] < -0.7 and field[0, 32, 6] > 0.5
    torch.testing.assert_close(field.norm(dim=0), torch.ones(64, 64), atol=1e-3, rtol=0)
