"""Second derivatives: exact where an op has them; where it has not, an error that says what has them, never zeros."""

import pytest
import torch

from neuralpaint import ops
from neuralpaint.ops import reference
from neuralpaint.ops.sinkhorn_plain import plain_sinkhorn
from tests.ops.cases import BRUSHES, brush_named, random_strokes

COSTS = ["sqeuclidean", "euclidean"]


def drawn(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def layers(strokes, batch=1, height=2, width=3):
    """Canvas, foregrounds and mattes; the second matte is 1 everywhere."""
    alpha = drawn(batch, strokes, 1, height, width, seed=2)
    alpha[:, 1:2] = 1
    tensors = drawn(batch, 3, height, width), drawn(batch, strokes, 3, height, width, seed=1), alpha
    return tuple(tensor.requires_grad_() for tensor in tensors)


def masses(height, width, batch=1):
    return tuple((drawn(batch, height, width, seed=seed) + 0.1).requires_grad_() for seed in (3, 4))


def gradient(function, *tensors, by=0):
    return torch.autograd.grad(function(*tensors).sum(), tensors[by], create_graph=True)[0]


@pytest.mark.parametrize("strokes", [0, 1, 3])
def test_composite(strokes):
    assert torch.autograd.gradgradcheck(ops.composite, layers(strokes, height=1))


@pytest.mark.parametrize("cost", COSTS)
def test_sinkhorn(cost):
    def function(x, y):
        return ops.sinkhorn(x, y, epsilon=0.05, iterations=2, cost=cost)

    assert torch.autograd.gradgradcheck(function, masses(2, 2, batch=2), fast_mode=True)


def test_third_derivatives_follow():
    for function, tensors in (
        (lambda *x: ops.composite(*x).pow(3), layers(2, height=1, width=1)),
        (lambda *x: ops.sinkhorn(*x, epsilon=0.1, iterations=1), masses(1, 2)),
    ):

        def second(*x, function=function):
            return gradient(lambda *y: gradient(function, *y).square(), *x)

        assert torch.autograd.gradcheck(second, tensors)


@pytest.mark.parametrize("cost", COSTS)
def test_sinkhorn_of_masses_with_zeros(cost):
    x, y = (mass.detach().clone() for mass in masses(2, 3))
    x[:, 0, 1:] = 0
    y[:, 1, 2] = 0
    for index in range(2):

        def function(mass, op=ops.sinkhorn, index=index):
            pair = (mass, y) if index == 0 else (x, mass)
            return op(*pair, epsilon=0.03, iterations=2, cost=cost).sum()

        ours, truth = (
            torch.autograd.functional.hessian(lambda mass, op=op: function(mass, op), (x, y)[index])
            for op in (ops.sinkhorn, reference.sinkhorn)
        )
        assert truth.any()
        torch.testing.assert_close(ours, truth, rtol=1e-10, atol=1e-10 * truth.abs().max().item())


@pytest.mark.parametrize("epsilon", [1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("cost", COSTS)
def test_plain_iterations_are_those_of_the_kernel(cost, epsilon):
    x, y = masses(11, 9, batch=2)
    ours = plain_sinkhorn(x, y, epsilon, 5, COSTS.index(cost))
    truth = ops.sinkhorn(x, y, epsilon=epsilon, cost=cost)
    for a, b in zip(
        (ours, *torch.autograd.grad(ours.sum(), (x, y))),
        (truth, *torch.autograd.grad(truth.sum(), (x, y))),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9 * b.abs().max().item() + 1e-30)


def test_parts_are_the_whole(monkeypatch):
    x, y = masses(5, 7)
    for cost in range(2):
        whole = plain_sinkhorn(x, y, 0.05, 2, cost)
        with monkeypatch.context() as patch:
            patch.setattr("neuralpaint.ops.sinkhorn_plain._HELD", 100)
            torch.testing.assert_close(plain_sinkhorn(x, y, 0.05, 2, cost), whole, rtol=1e-12, atol=0)


def test_torch_func():
    """Hessians by torch.func, alone and mapped over, are those of autograd."""
    canvas, foreground, alpha = (tensor.detach() for tensor in layers(2, height=1))
    x, y = (mass.detach() for mass in masses(1, 3))
    strokes = random_strokes(brush_named("tape"), 1, 2)
    cases = [
        (lambda matte: ops.composite(canvas, foreground, matte).pow(3).sum(), alpha),
        (lambda mass: ops.sinkhorn(mass, y, epsilon=0.1, iterations=2).sum(), x),
        (lambda under: ops.render(under, strokes, "tape").pow(3).sum(), canvas),
    ]
    for function, tensor in cases:
        expected = torch.autograd.functional.hessian(function, tensor)
        assert expected.any()
        assert torch.equal(torch.func.jacrev(torch.func.jacrev(function))(tensor), expected)
        two = torch.vmap(torch.func.jacrev(torch.func.grad(function)))(torch.stack([tensor, 0.5 * tensor]))
        assert torch.equal(two[0], expected)


def test_hessian_vector_products():
    """Of a loss that goes through both ops: how the gradient changes along a direction."""
    canvas, foreground, alpha = (tensor.detach() for tensor in layers(2, height=3, width=3))
    target = drawn(1, 3, 3, seed=7) + 0.1

    def loss(matte):
        picture = ops.composite(canvas, foreground, matte)
        return ops.sinkhorn(picture.mean(1), target, epsilon=0.1).sum() + picture.square().sum()

    def slope(matte):
        return torch.autograd.grad(loss(matte), matte, create_graph=True)[0]

    way = drawn(*alpha.shape, seed=8) - 0.5
    leaf = alpha.clone().requires_grad_()
    (product,) = torch.autograd.grad(slope(leaf), leaf, way)
    ends = [slope((alpha + side * way).requires_grad_()).detach() for side in (1e-5, -1e-5)]
    torch.testing.assert_close(product, (ends[0] - ends[1]) / 2e-5, rtol=1e-6, atol=1e-8)
    for other in (
        torch.autograd.functional.hvp(loss, alpha, way)[1],
        torch.func.vjp(torch.func.grad(loss), alpha)[1](way)[0],
    ):
        torch.testing.assert_close(other, product, rtol=1e-12, atol=1e-14)


# ---- rasterize and render --------------------------------------------------------------------------------------------


def test_render_by_the_canvas():
    """The gradient by the canvas has derivatives by everything: by the canvas, through the loss, and by the strokes."""
    canvas, strokes = drawn(1, 3, 5, 6), random_strokes(brush_named("tape"), 1, 3)

    def first(canvas, strokes):
        return gradient(lambda under: ops.render(under, strokes, "tape", softness=2.0).pow(3), canvas)

    assert torch.autograd.gradcheck(first, (canvas.requires_grad_(), strokes.requires_grad_()))


@pytest.mark.parametrize(
    ("op", "function"),
    [
        ("render", lambda strokes: ops.render(drawn(1, 3, 8, 8), strokes[None], "tape")),
        ("rasterize", lambda strokes: ops.rasterize(strokes, "tape", 8, 8)[1]),
    ],
)
def test_what_is_missing_is_refused(op, function):
    message = f"^{op}: second derivatives.* neuralpaint.ops.reference.{op} has them"
    strokes = random_strokes(brush_named("tape"), 2).requires_grad_()
    first = gradient(function, strokes)
    assert first.any()
    with pytest.raises(NotImplementedError, match=message):
        first.sum().backward()
    with pytest.raises(NotImplementedError, match=message):
        torch.func.grad(lambda x: torch.func.grad(lambda y: function(y).sum())(x).sum())(strokes.detach())


@pytest.mark.parametrize("name", BRUSHES)
def test_the_reference_has_what_is_missing(name):
    """Against differences of the kernel's gradients."""
    brush, canvas = brush_named(name), drawn(1, 3, 6, 5)
    strokes = random_strokes(brush, 1, 2, seed=1).requires_grad_()
    way = drawn(*strokes.shape, seed=5) - 0.5

    def first(op, strokes):
        return gradient(lambda numbers: op(canvas, numbers, brush).square(), strokes)

    (bend,) = torch.autograd.grad(first(reference.render, strokes), strokes, way)
    ends = [first(ops.render, (strokes + side * way).detach().requires_grad_()) for side in (1e-6, -1e-6)]
    expected = (ends[0] - ends[1]).detach() / 2e-6
    torch.testing.assert_close(bend, expected, rtol=1e-5, atol=2e-6 * expected.abs().max().item())
