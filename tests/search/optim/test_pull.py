"""The pull of strokes towards a direction, against the energy that it is the gradient of."""

import math

import pytest
import torch

from neuralpaint.brushes import get_brush
from neuralpaint.guides.guide import Guide
from neuralpaint.search.optim import pull
from neuralpaint.search.optim.pull import Pull


class Canvas:
    device, aspect = torch.device("cpu"), (1.0, 1.5)

    def __init__(self, brush, angle):
        self.brush = get_brush(brush)
        vector = torch.tensor([math.cos(2 * angle), math.sin(2 * angle)], dtype=torch.float64)
        self.guide = Guide(None, vector[:, None, None].expand(2, 8, 12))


@pytest.mark.parametrize("brush", ["oil", "tape", "marker", "watercolor", "round", "flat"])
def test_it_turns_strokes_towards_the_field(brush):
    canvas = Canvas(brush, 0.7)
    strokes = canvas.brush.examples(20).double()
    turned = strokes.clone()
    x, y, double, area = canvas.brush.pose(strokes)
    assert all(value.shape == (20,) and value.isfinite().all() for value in (x, y, double, area))
    for _ in range(400):
        gradient = torch.zeros_like(turned)
        Pull(canvas, 100).add_gradient_(gradient, turned)
        # steps of about the same angle whatever the area
        turned -= gradient * (0.01 / gradient.abs().amax(1, keepdim=True).clamp_min(1e-9)).clamp(max=1e-3)

    def apart(of):
        pose = canvas.brush.pose(of)
        long = pose[3] > 0
        return (1 - torch.cos(pose[2] - 1.4))[long].mean()

    assert apart(turned) < 0.5 * apart(strokes)
    middle = canvas.brush.pose(turned)
    torch.testing.assert_close(middle[0], x, atol=1e-6, rtol=0)
    torch.testing.assert_close(middle[1], y, atol=1e-6, rtol=0)


@pytest.mark.parametrize("brush", ["oil", "marker", "round"])
def test_it_is_the_gradient_of_its_energy(brush):
    canvas = Canvas(brush, 2.0)
    strokes = canvas.brush.examples(12).double()
    found = torch.zeros_like(strokes)
    Pull(canvas, 50).add_gradient_(found, strokes)

    turning = strokes.clone().requires_grad_()
    area = canvas.brush.pose(strokes)[3]
    double = canvas.brush.pose(turning)[2]
    energy = pull._STRENGTH * pull.EVERY * 50**2 * area * (1 - torch.cos(double - 4.0)) / 2
    (expected,) = torch.autograd.grad(energy.sum(), turning)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
