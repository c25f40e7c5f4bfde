"""The CUDA kernels of `sinkhorn` against those of the CPU in float64, which the other tests hold to the reference."""

import pytest
import torch

from neuralpaint.ops import sinkhorn

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]

COSTS = ["sqeuclidean", "euclidean"]


def masses(height, width, dtype):
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(height)[:, None] / height
    columns = torch.arange(width) / width
    x = torch.exp(-((rows - 0.2) ** 2 + (columns - 0.3) ** 2) / 0.02)
    y = torch.exp(-((rows - 0.7) ** 2 + (columns - 0.6) ** 2) / 0.03)
    noise = torch.rand(2, 2, height, width, generator=generator)
    return [(mass + 0.01 * n + 1e-3).to("cuda", dtype) for mass, n in zip((x, y), noise, strict=True)]


def with_gradients(x, y, **options):
    x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
    cost = sinkhorn(x, y, **options)
    return [cost.detach(), *torch.autograd.grad(cost, (x, y), torch.tensor([1.0, -2.0]).to(cost))]


# 120² pixels don't fit into shared memory.
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (17, 24), (48, 48), (120, 120)], ids=str)
@pytest.mark.parametrize("epsilon", [1.0, 0.01, 1e-4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("cost", COSTS)
def test_matches_cpu(cost, dtype, epsilon, shape):
    if cost == "euclidean" and shape[0] > 48:
        epsilon = 0.01
    x, y = masses(*shape, dtype)
    options = {"epsilon": epsilon, "cost": cost, "iterations": 5 if shape[0] <= 48 else 2}
    ours = with_gradients(x, y, **options)
    truth = with_gradients(x.double().cpu(), y.double().cpu(), **options)
    tolerance = 2e-4 if dtype == torch.float32 else 1e-9
    for name, a, b in zip(("cost", "grad_x", "grad_y"), ours, truth, strict=True):
        error = (a.cpu().double() - b).abs().max() / (b.abs().max() + 1e-9)
        assert error < tolerance, f"{name}: relative error {error:.1e}"
    assert all(torch.equal(a, b) for a, b in zip(ours, with_gradients(x, y, **options), strict=True))


@pytest.mark.parametrize("cost", COSTS)
def test_zero_masses(cost):
    x = torch.zeros(2, 9, 14, device="cuda")
    y = torch.zeros(2, 9, 14, device="cuda")
    x[:, 0, 0] = 1
    y[:, -1, -1] = 1
    ours = with_gradients(x, y, cost=cost)
    truth = with_gradients(x.cpu(), y.cpu(), cost=cost)
    for a, b in zip(ours, truth, strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("cost", COSTS)
def test_bad_masses_give_nan(cost):
    x = torch.ones(4, 3, 3, device="cuda")
    x[0, 1, 1] = torch.nan
    x[1] = 0
    x[2, 0, 0] = -1
    good = torch.ones_like(x)
    assert torch.isnan(sinkhorn(x, good, cost=cost)).tolist() == [True, True, True, False]
    assert torch.isnan(sinkhorn(good, x, cost=cost)).tolist() == [True, True, True, False]


def test_opcheck():
    x, y = (mass.requires_grad_() for mass in masses(4, 5, torch.float32))
    torch.library.opcheck(torch.ops.neuralpaint.sinkhorn.default, (x, y, 0.1, 2, 0))


def test_captures_into_a_graph():
    x, y = masses(24, 24, torch.float32)
    expected = sinkhorn(x, y)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = sinkhorn(x, y)
    graph.replay()
    assert torch.equal(output, expected)
