"""Second derivatives on a GPU: those of the CPU."""

import pytest
import torch

from neuralpaint import ops

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]


def drawn(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


CANVAS, FOREGROUND, ALPHA = drawn(2, 3, 5, 6), drawn(2, 3, 3, 5, 6, seed=1), drawn(2, 3, 1, 5, 6, seed=2)
STROKES = drawn(2, 4, 9, seed=3)
MASSES = drawn(2, 5, 6, seed=4) + 0.1, drawn(2, 5, 6, seed=5) + 0.1
CASES = {
    "composite": (lambda *tensors: ops.composite(*tensors), (ALPHA, CANVAS, FOREGROUND), (1, 2, 0)),
    "render": (lambda *tensors: ops.render(*tensors, "tape"), (CANVAS, STROKES), (0, 1)),
    "sinkhorn": (lambda *tensors: ops.sinkhorn(*tensors, epsilon=0.05), MASSES, (0, 1)),
    "sinkhorn, euclidean": (lambda *tensors: ops.sinkhorn(*tensors, epsilon=0.05, cost="euclidean"), MASSES, (0, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_second_derivatives_are_those_of_the_cpu(name):
    function, tensors, order = CASES[name]
    found = []
    for device in ("cpu", "cuda"):
        leaves = [tensor.to(device).requires_grad_() for tensor in tensors]
        value = function(*(leaves[i] for i in order)).pow(3).sum()
        (first,) = torch.autograd.grad(value, leaves[0], create_graph=True)
        found.append([part.cpu() for part in torch.autograd.grad(first.square().sum(), leaves)])
    for ours, theirs in zip(*found, strict=True):
        assert ours.any()
        torch.testing.assert_close(theirs, ours, rtol=1e-8, atol=1e-9)
