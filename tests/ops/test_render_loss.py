"""render_loss against the same losses through render and autograd."""

import pytest
import torch

from neuralpaint import ops
from neuralpaint.brushes import brush_kinds, get_brush
from neuralpaint.ops import reference

BRUSHES = sorted(brush_kinds())


def problem(brush, batch=2, count=5, height=19, width=37, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    strokes = (
        get_brush(brush).sample(batch * count, generator).view(batch, count, get_brush(brush).num_parameters).to(dtype)
    )
    canvas, target = torch.rand(2, batch, 3, height, width, generator=generator).to(dtype)
    return canvas, strokes, target


@pytest.mark.parametrize("brush", BRUSHES)
@pytest.mark.parametrize("l1, l2", [(1.0, 0.0), (0.0, 1.0), (0.3, 0.7)])
def test_value_and_gradient(brush, l1, l2):
    canvas, strokes, target = problem(brush)
    origin, scale = torch.tensor([[0.1, 0.0], [0.0, -0.2]], dtype=torch.float64), 30.0
    given = {"softness": 1.5, "origin": origin, "pixels_per_unit": scale}
    absolute, square, gradient = ops.render_loss(canvas, strokes, brush, target, l1=l1, l2=l2, **given)

    strokes.requires_grad_()
    difference = ops.render(canvas, strokes, brush, **given) - target
    torch.testing.assert_close(absolute, difference.abs().flatten(1).sum(1))
    torch.testing.assert_close(square, difference.square().flatten(1).sum(1))
    (expected,) = torch.autograd.grad((l1 * difference.abs() + l2 * difference.square()).sum(), strokes)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("brush", ["oil", "watercolor", "tape"])
def test_against_the_reference(brush):
    canvas, strokes, target = problem(brush, batch=1, count=3, height=11, width=13)
    _, square, gradient = ops.render_loss(canvas, strokes, brush, target)
    strokes.requires_grad_()
    loss = (reference.render(canvas, strokes, brush) - target).square().sum()
    (expected,) = torch.autograd.grad(loss, strokes)
    torch.testing.assert_close(square.sum(), loss.detach(), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("brush", BRUSHES)
def test_same_bits_for_any_thread_count(brush):
    canvas, strokes, target = problem(brush, count=40, height=70, width=90, dtype=torch.float32)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 2):
            torch.set_num_threads(count)
            results.append(ops.render_loss(canvas, strokes, brush, target))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("batch, count", [(0, 3), (2, 0)])
def test_empty(batch, count):
    canvas, strokes, target = problem("tape", batch=batch, count=count)
    absolute, square, gradient = ops.render_loss(canvas, strokes, "tape", target)
    assert absolute.shape == square.shape == (batch,)
    assert gradient.shape == strokes.shape
    torch.testing.assert_close(square, (canvas - target).square().flatten(1).sum(1))


def test_opcheck():
    canvas, strokes, target = problem("oil", count=2)
    brush = get_brush("oil")
    origin, softness = torch.zeros(2, 2).double(), torch.tensor(1.0).double()
    arguments = (target, canvas[:, :0], canvas, strokes, brush.kind, brush.texture, origin, 19.0, softness, 0.5, 0.5)
    torch.library.opcheck(torch.ops.neuralpaint.render_loss.default, arguments)
    weighted = (target, target[:, :1], *arguments[2:])
    torch.library.opcheck(torch.ops.neuralpaint.render_loss.default, weighted)


@pytest.mark.parametrize("brush", BRUSHES)
def test_weights_of_pixels(brush):
    canvas, strokes, target = problem(brush)
    weight = 3 * torch.rand(2, 1, 19, 37, generator=torch.Generator().manual_seed(3)).double()
    weight[0, :, :5] = 0
    absolute, square, gradient = ops.render_loss(canvas, strokes, brush, target, l1=0.3, l2=0.7, weight=weight)

    strokes.requires_grad_()
    difference = ops.render(canvas, strokes, brush) - target
    torch.testing.assert_close(absolute, (weight * difference.abs()).flatten(1).sum(1))
    torch.testing.assert_close(square, (weight * difference.square()).flatten(1).sum(1))
    loss = (weight * (0.3 * difference.abs() + 0.7 * difference.square())).sum()
    torch.testing.assert_close(gradient, torch.autograd.grad(loss, strokes)[0])


def test_a_weight_of_one_changes_nothing():
    canvas, strokes, target = problem("oil", height=33, width=70, dtype=torch.float32)
    plain = ops.render_loss(canvas, strokes, "oil", target)
    ones = ops.render_loss(canvas, strokes, "oil", target, weight=torch.ones(2, 1, 33, 70))
    assert all(torch.equal(a, b) for a, b in zip(plain, ones, strict=True))


@pytest.mark.parametrize("weight", [torch.ones(2, 3, 19, 37).double(), torch.ones(2, 1, 19, 37), 2.0, [1.0]])
def test_bad_weight_of_pixels(weight):
    canvas, strokes, target = problem("tape")
    with pytest.raises((ValueError, TypeError), match="weight"):
        ops.render_loss(canvas, strokes, "tape", target, weight=weight)


def test_bad_target():
    canvas, strokes, target = problem("tape")
    with pytest.raises(ValueError, match="target"):
        ops.render_loss(canvas, strokes, "tape", target[:1])
    with pytest.raises(ValueError, match="target"):
        ops.render_loss(canvas, strokes, "tape", target.float())


def test_softness_may_be_a_tensor():
    canvas, strokes, target = problem("tape")
    given = ops.render_loss(canvas, strokes, "tape", target, softness=torch.tensor(1.7).double())
    expected = ops.render_loss(canvas, strokes, "tape", target, softness=torch.tensor(1.7).double().item())
    assert all(torch.equal(a, b) for a, b in zip(given, expected, strict=True))
    for wrong in (torch.tensor(1.7), torch.tensor([1.7]).double()):
        with pytest.raises(ValueError, match="softness"):
            ops.render_loss(canvas, strokes, "tape", target, softness=wrong)


@pytest.mark.parametrize(
    ("options", "name"),
    [({"l1": float("nan")}, "l1"), ({"l2": -1.0}, "l2"), ({"l1": "1"}, "l1"), ({"target": "meta"}, "target")],
)
def test_bad_weights_and_devices(options, name):
    canvas = torch.rand(1, 3, 8, 8)
    target = canvas.to(options.pop("target", "cpu"))
    with pytest.raises((ValueError, TypeError), match=name):
        ops.render_loss(canvas, get_brush("tape").sample(2)[None], "tape", target, **options)
