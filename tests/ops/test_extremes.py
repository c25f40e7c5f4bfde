"""Finite arguments far outside of any picture, and the smallest ones: results stay finite, and right where defined."""

import pytest
import torch

from neuralpaint import ops
from neuralpaint.ops import reference
from tests.ops.cases import BRUSHES, brush_named, random_strokes

SIZES = [1e-44, 1e-30, 1e8, 1e19, 1e30, 3e38]
SIDE = 24


def wild_strokes(brush, dtype):
    """`[N, P]`: ordinary strokes of which one number, or each, is extreme, of either sign."""
    generator = torch.Generator().manual_seed(7)
    plain = random_strokes(brush, 1, seed=2, dtype=dtype)
    strokes = []
    for size in SIZES if dtype == torch.float32 else [*SIZES, 5e-324, 1e150, 1.7e308]:
        for index in range(brush.num_parameters):
            for sign in (size, -size):
                strokes.append(plain.clone())
                strokes[-1][0, index] = sign
        signs = torch.randint(-1, 2, (16, brush.num_parameters), generator=generator, dtype=dtype)
        strokes.append(torch.where(signs == 0, random_strokes(brush, 16, seed=3, dtype=dtype), signs * size))
    return torch.cat(strokes)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", BRUSHES)
def test_finite_strokes_give_finite_results(name, dtype):
    brush = brush_named(name)
    strokes = wild_strokes(brush, dtype)
    assert bool(strokes.isfinite().all())
    leaf = strokes.clone().requires_grad_()
    foreground, alpha = ops.rasterize(leaf, brush, SIDE, SIDE)
    (foreground.sum() + alpha.square().sum()).backward()
    assert all(bool(found.isfinite().all()) for found in (foreground, alpha, leaf.grad))
    assert bool(foreground.any()) and bool(leaf.grad.any())

    canvas = torch.rand(1, 3, SIDE, SIDE, dtype=dtype, generator=torch.Generator().manual_seed(0)).requires_grad_()
    layers = strokes.clone().requires_grad_()
    drawn = ops.render(canvas, layers[None], brush)
    drawn.sum().backward()
    assert all(bool(found.isfinite().all()) for found in (drawn, canvas.grad, layers.grad))
    losses = ops.render_loss(canvas.detach(), strokes[None], brush, torch.zeros_like(canvas), l1=0.5)
    assert all(bool(found.isfinite().all()) for found in losses)


@pytest.mark.parametrize("options", [{"softness": 1e-37}, {"softness": 1e38}, {"pixels_per_unit": 1e38},
                                     {"pixels_per_unit": 1e-37}, {"origin": (3e38, -3e38)}], ids=str)  # fmt: skip
@pytest.mark.parametrize("name", BRUSHES)
def test_finite_options_give_finite_results(name, options):
    brush = brush_named(name)
    canvas = torch.full((1, 3, SIDE, SIDE), 0.5)
    for strokes in (random_strokes(brush, 1, 8, seed=1, dtype=torch.float32), wild_strokes(brush, torch.float32)[None]):
        leaf = strokes.clone().requires_grad_()
        drawn = ops.render(canvas, leaf, brush, **options)
        drawn.sum().backward()
        losses = ops.render_loss(canvas, strokes, brush, 1 - canvas, l1=0.5, **options)
        assert all(bool(found.isfinite().all()) for found in (drawn, leaf.grad, *losses))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("tape", {"w": 1e19, "h": 1e30}),
        ("tape", {"xc": 3e38}),
        ("tape", {"r": 1e19, "g": -3e38}),
        ("tape", {"a": 1e30}),
        ("tape", {"a": -1e30}),
        ("oil", {"xc": -1e30, "yc": 1e-44}),
        ("oil", {"r0": 1e30, "b2": -1e30}),
        ("watercolor", {"radius0": 1e19, "radius2": 1e19}),
        ("watercolor", {"x0": -3e38, "x2": -3e38}),
        ("marker", {"radius0": 1e30}),
        ("marker", {"y0": 1e19, "y2": 1e19}),
        ("round", {"x0": 1e30, "x2": 1e30}),
        ("flat", {"radius": 1e19}),
        ("flat", {"y0": -3e38, "y2": -3e38}),
    ],
)
def test_extreme_strokes_match_the_reference(name, changes, dtype):
    brush = brush_named(name)
    strokes = random_strokes(brush, 1, seed=2, dtype=dtype)
    for parameter, value in changes.items():
        strokes[0, brush.parameters.index(parameter)] = value
    found = ops.rasterize(strokes, brush, SIDE, SIDE)
    expected = reference.rasterize(strokes.double(), brush, SIDE, SIDE)
    # At 2**26 pixels float32 does not tell where along a stroke a pixel lies, only whether it is covered.
    for ours, truth in list(zip(found, expected, strict=True))[dtype == torch.float32 :]:
        torch.testing.assert_close(ours.double(), truth, rtol=1e-5, atol=1e-5)


def test_a_number_beyond_its_limit_has_no_derivative():
    brush = brush_named("tape")
    strokes = random_strokes(brush, 1, seed=2)
    strokes[0, -1] = 5.0
    strokes[0, 5] = 1e9
    leaf, twin = strokes.clone().requires_grad_(), strokes.clone().requires_grad_()
    for function, tensor in ((ops.rasterize, leaf), (reference.rasterize, twin)):
        foreground, alpha = function(tensor, brush, SIDE, SIDE)
        (foreground.sum() + alpha.sum()).backward()
    assert float(leaf.grad[0, -1]) == 0 and float(leaf.grad[0, 5]) == 0
    torch.testing.assert_close(leaf.grad, twin.grad)


@pytest.mark.parametrize("scale", [1e-45, 1e-44, 1e-38, 1e30])
@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean"])
def test_masses_of_any_size(cost, scale):
    """Masses of denormals are masses: only proportions count."""
    x, y = torch.rand(2, 2, 6, 7, generator=torch.Generator().manual_seed(0)).mul(20).ceil()
    small_x, small_y = (x.double() * scale).float().requires_grad_(), (y.double() * scale).float().requires_grad_()
    found = ops.sinkhorn(small_x, small_y, epsilon=0.05, cost=cost)
    truth = reference.sinkhorn(small_x.detach(), small_y.detach(), 0.05, 5, cost)
    torch.testing.assert_close(found.double(), truth, rtol=1e-5, atol=1e-7)
    found.sum().backward()
    assert bool(small_x.grad.isfinite().all()) and bool(small_y.grad.isfinite().all()) and bool(small_x.grad.any())


@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean"])
def test_masses_of_denormal_doubles(cost):
    x = torch.tensor([[[5e-324, 0.0], [1e-323, 5e-324]]], dtype=torch.float64).requires_grad_()
    y = x.detach().flip(-1)
    value = ops.sinkhorn(x, y, cost=cost, epsilon=0.1)
    torch.testing.assert_close(value, reference.sinkhorn(x.detach(), y, 0.1, 5, cost))
    value.sum().backward()
    assert bool(x.grad.isfinite().all())
