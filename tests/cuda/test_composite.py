"""The CUDA kernels of `composite` against the plain-torch truth."""

import pytest
import torch

from neuralpaint.ops import composite, reference

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]


def with_gradients(function, tensors):
    output = function(*tensors)
    weights = torch.linspace(-1, 2, output.numel(), dtype=torch.float64).reshape(output.shape).to(output)
    # Without strokes, the reference uses nothing but the canvas.
    return [output, *torch.autograd.grad(output, tensors, weights, allow_unused=True, materialize_grads=True)]


# Sizes that split into packs of 16 bytes and sizes that don't; fewer and more strokes than a segment.
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(2, 9, 16, 24), (2, 4, 5, 7), (1, 13, 3, 3), (1, 1, 1, 1), (2, 0, 8, 8), (0, 3, 8, 8), (1, 200, 4, 8)]
)
def test_matches_reference(shape, dtype):
    batch, strokes, height, width = shape
    generator = torch.Generator().manual_seed(0)
    canvas = torch.rand(batch, 3, height, width, generator=generator)
    foreground = torch.rand(batch, strokes, 3, height, width, generator=generator)
    alpha = (torch.rand(batch, strokes, 1, height, width, generator=generator) * 1.5 - 0.25).clamp(0, 1)
    tensors = [x.to("cuda", dtype).requires_grad_() for x in (canvas, foreground, alpha)]
    exact = [x.detach().cpu().double().requires_grad_() for x in tensors]
    tolerance = 2e-6 if dtype == torch.float32 else 1e-13
    ours = with_gradients(composite, tensors)
    for a, b in zip(ours, with_gradients(reference.composite, exact), strict=True):
        torch.testing.assert_close(a.cpu().double(), b, rtol=tolerance, atol=tolerance)
    assert all(torch.equal(a, b) for a, b in zip(ours, with_gradients(composite, tensors), strict=True))


def test_opcheck():
    tensors = [
        torch.rand(2, 3, 4, 8, device="cuda", requires_grad=True),
        torch.rand(2, 5, 3, 4, 8, device="cuda", requires_grad=True),
        torch.rand(2, 5, 1, 4, 8, device="cuda", requires_grad=True),
    ]
    torch.library.opcheck(torch.ops.neuralpaint.composite.default, tensors)


def test_captures_into_a_graph():
    tensors = [torch.rand(s, device="cuda") for s in ((2, 3, 8, 8), (2, 6, 3, 8, 8), (2, 6, 1, 8, 8))]
    expected = composite(*tensors)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = composite(*tensors)
    graph.replay()
    assert torch.equal(output, expected)
