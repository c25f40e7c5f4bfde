"""The ops under torch.func, in traces of every kind, and exported."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from neuralpaint import ops
from tests.ops.test_direct_calls import CALLS, OPS

GENERATOR = torch.Generator().manual_seed(3)


def drawn(*shape):
    return torch.rand(*shape, generator=GENERATOR)


CANVAS, OTHER = drawn(2, 3, 8, 8), drawn(2, 3, 8, 8)
FOREGROUND, ALPHA = drawn(2, 2, 3, 8, 8), drawn(2, 2, 1, 8, 8)
STROKES, ORIGIN = drawn(2, 4, 12), drawn(2, 2) * 0.1
MASSES = drawn(2, 4, 5), drawn(2, 4, 5)
LAYOUT = ops.PathLayout.of([2, 3], join="round")
# Functions of tensors, each of which has a batch: what to map over, and what to differentiate by.
FUNCTIONS = {
    "composite": (lambda *tensors: ops.composite(*tensors), (CANVAS, FOREGROUND, ALPHA)),
    "rasterize": (lambda strokes: torch.cat(ops.rasterize(strokes, "oil", 9, 8), 1), (STROKES[0],)),
    "render": (lambda canvas, strokes: ops.render(canvas, strokes, "marker"), (CANVAS, STROKES)),
    "render with an origin": (
        lambda canvas, strokes, origin: ops.render(canvas, strokes, "oil", origin=origin.detach(), softness=2.0),
        (CANVAS, STROKES, ORIGIN),
    ),
    "render_paths": (
        lambda canvas, points, paint, width: ops.render_paths(
            canvas, points, LAYOUT, fill=paint[:, :, :4], stroke=paint[:, :, 4:], width=width
        ),
        (CANVAS, drawn(2, 5, 4, 2), drawn(2, 2, 8), drawn(2, 2) * 0.2),
    ),
    "sinkhorn": (lambda x, y: ops.sinkhorn(x, y, epsilon=0.1, iterations=2), MASSES),
}
LOSS = (lambda canvas, strokes, target: ops.render_loss(canvas, strokes, "oil", target)[2], (CANVAS, STROKES, OTHER))
ALL = FUNCTIONS | {"render_loss": LOSS}
EXAMPLES = 3


def stacked(tensors):
    return tuple(torch.stack([tensor * (1 - 0.2 * k) for k in range(EXAMPLES)]) for tensor in tensors)


@pytest.mark.parametrize("name", ALL)
def test_vmap_is_a_loop(name):
    function, tensors = ALL[name]
    many = stacked(tensors)
    expected = torch.stack([function(*(tensor[k] for tensor in many)) for k in range(EXAMPLES)])
    assert torch.equal(torch.vmap(function)(*many), expected)
    # Another dimension, and the rest the same for all.
    for index, tensor in enumerate(many):
        one = [tensors[i] if i != index else tensor.movedim(0, -1) for i in range(len(tensors))]
        dims = tuple(-1 if i == index else None for i in range(len(tensors)))
        wanted = torch.stack([function(*tensors[:index], part, *tensors[index + 1 :]) for part in tensor])
        torch.testing.assert_close(torch.vmap(function, dims)(*one), wanted, rtol=0, atol=0)
    twice = torch.vmap(torch.vmap(function))(*(tensor[None] for tensor in many))
    assert torch.equal(twice[0], expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_func_grad_is_backward(name):
    function, tensors = FUNCTIONS[name]

    def value(*arguments):
        return function(*arguments).square().sum()

    places = tuple(range(len(tensors) - (name == "render with an origin")))
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    expected = torch.autograd.grad(value(*leaves), [leaves[i] for i in places])
    for found in (torch.func.grad(value, places)(*tensors), torch.func.vjp(value, *tensors)[1](torch.tensor(1.0))):
        assert all(torch.equal(ours, wanted) for ours, wanted in zip(found, expected, strict=False))
    assert all(bool(wanted.any()) for wanted in expected)
    by_example = torch.vmap(torch.func.grad(value, places))(*stacked(tensors))
    of_all = torch.func.grad(lambda *many: torch.vmap(value)(*many).sum(), places)(*stacked(tensors))
    for part, other, wanted in zip(by_example, of_all, expected, strict=True):
        assert torch.equal(part[0], wanted)
        torch.testing.assert_close(part, other, rtol=0, atol=0)
    jacobian = torch.func.jacrev(lambda *many: value(*many)[None])(*tensors)
    assert torch.equal(jacobian[0], expected[0])


def test_what_cannot_be_mapped_over_is_named():
    widths = torch.tensor([1.0, 2.0])
    with pytest.raises(NotImplementedError, match="render_loss: vmap over softness"):
        torch.vmap(lambda width: ops.render_loss(CANVAS, STROKES, "oil", OTHER, softness=width)[0])(widths)


@pytest.mark.parametrize("op", CALLS)
def test_operators_refuse_unsupported(op):
    for name, value in CALLS[op].items():
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            continue
        with pytest.raises(NotImplementedError, match=f"^{op}: .*forward mode"):
            torch.func.jvp(
                lambda tensor, name=name: getattr(OPS, op)(**CALLS[op] | {name: tensor}),
                (value,),
                (torch.ones_like(value),),
            )
        with torch.autograd.forward_ad.dual_level(), pytest.raises(NotImplementedError, match="forward mode"):
            dual = torch.autograd.forward_ad.make_dual(value.clone().requires_grad_(), torch.ones_like(value))
            getattr(OPS, op)(**CALLS[op] | {name: dual})


@pytest.mark.parametrize("name", ALL)
def test_fake_tensors(name):
    function, tensors = ALL[name]
    mode = FakeTensorMode()
    with mode:
        found = function(*(mode.from_tensor(tensor) for tensor in tensors))
    assert isinstance(found, FakeTensor) and found.shape == function(*tensors).shape


@pytest.mark.parametrize("name", ALL)
def test_make_fx(name):
    function, tensors = ALL[name]
    graph = make_fx(function)(*tensors)
    other = [0.9 * tensor for tensor in tensors]
    assert torch.equal(graph(*other), function(*other))


class Module(torch.nn.Module):
    """A module that calls an op on a parameter of its own and on what it is given."""

    def __init__(self, name):
        super().__init__()
        self.function, tensors = ALL[name]
        self.first = torch.nn.Parameter(tensors[0])

    def forward(self, *rest):
        return 2 * self.function(self.first * 0.9, *rest)


@pytest.mark.parametrize("name", ALL)
def test_export(name):
    module, (_, *rest) = Module(name), ALL[name][1]
    program = torch.export.export(module, tuple(rest), strict=False)
    assert any("neuralpaint" in str(node.target) for node in program.graph.nodes)
    other = [0.8 * tensor for tensor in rest]
    assert torch.equal(program.module()(*other), module(*other))


def test_values_are_still_checked_where_there_are_some():
    bad = STROKES.clone()
    bad[0, 0, 0] = torch.nan
    for function in (lambda x: x, torch.func.grad(lambda x: ops.rasterize(x, "oil", 8, 8)[1].sum())):
        with pytest.raises(ValueError, match="strokes must be finite"):
            ops.rasterize(function(bad[0]), "oil", 8, 8)
