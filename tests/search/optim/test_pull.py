"""The pull of strokes towards a direction, against the energy that it is the gradient of."""

import math

import pytest
import torch

from neuralpaint.brushes import get_brush
from neuralpaint.guides.guide import Guide
from neuralpaint.ops import projected_adam_
from neuralpaint.ops.reference import pull_gradient, stroke_pose
from neuralpaint.search.optim import pull
from neuralpaint.search.optim.pull import pull_of


class Canvas:
    device, aspect = torch.device("cpu"), (1.0, 1.5)

    def __init__(self, brush, angle):
        self.brush = get_brush(brush)
        vector = torch.tensor([math.cos(2 * angle), math.sin(2 * angle)], dtype=torch.float64)
        self.guide = Guide(None, vector[:, None, None].expand(2, 8, 12))


def test_none_without_directions():
    canvas = Canvas("oil", 0.7)
    canvas.guide = Guide(None, None)
    assert pull_of(canvas, 100) is None


@pytest.mark.parametrize("brush", ["oil", "tape", "marker", "watercolor", "round", "flat"])
def test_it_turns_strokes_towards_the_field(brush):
    canvas = Canvas(brush, 0.7)
    strokes, towards = canvas.brush.examples(20).double(), pull_of(canvas, 100)
    turned, values, points, mean, square = (strokes.clone() for _ in range(5))
    mean.zero_(), square.zero_()
    pose = stroke_pose(strokes, towards)
    assert all(value.shape == (20,) and value.isfinite().all() for value in pose)
    far, age = torch.full_like(strokes, torch.inf), torch.zeros(20, 1, dtype=torch.float64)
    for step in range(400):
        rate = torch.tensor(0.01 * 0.98**step, dtype=torch.float64)
        projected_adam_(turned, torch.zeros_like(turned), mean, square, age, rate, scale=torch.ones_like(far), low=-far,
                        high=far, values=values, points=points, pull=towards)  # fmt: skip

    def apart(of):
        _, _, sine, cosine, area = stroke_pose(of, towards)
        return (1 - cosine * math.cos(1.4) - sine * math.sin(1.4))[area > 0].mean()

    assert apart(turned) < 0.5 * apart(strokes)


@pytest.mark.parametrize("brush", ["oil", "marker", "round", "flat"])
def test_it_is_the_gradient_of_its_energy(brush):
    canvas = Canvas(brush, 2.0)
    strokes, towards = canvas.brush.examples(12).double(), pull_of(canvas, 50)
    turning = strokes.clone().requires_grad_()
    area = stroke_pose(strokes, towards)[4]
    _, _, sine, cosine, _ = stroke_pose(turning, towards)
    apart = (1 - cosine * math.cos(4.0) - sine * math.sin(4.0)) / 2
    energy = pull.STRENGTH * pull.EVERY * 50**2 * area * apart
    (expected,) = torch.autograd.grad(energy.sum(), turning)
    # Lengths and the middle stay: only the angle counts.
    torch.testing.assert_close(pull_gradient(strokes, towards), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("brush", ["oil", "tape", "marker", "watercolor", "round", "flat"])
def test_where_strokes_lie(brush):
    """Against their outlines."""
    canvas = Canvas(brush, 0.0)
    strokes = canvas.brush.examples(30).double()
    x, y, sine, cosine, area = stroke_pose(strokes, pull_of(canvas, 1))
    bounds = canvas.brush.bounds(strokes)
    assert (
        (x > bounds[:, 0]).all() and (x < bounds[:, 2]).all() and (y > bounds[:, 1]).all() and (y < bounds[:, 3]).all()
    )
    torch.testing.assert_close(sine.square() + cosine.square(), torch.ones_like(sine))
    assert (area.abs() <= (bounds[:, 2] - bounds[:, 0]) * (bounds[:, 3] - bounds[:, 1])).all()
