from __future__ import annotations

import pytest
import torch

from neuralpaint import ops
from tests.cuda.compare import assert_gradients_agree
from tests.ops.cases import BRUSHES, brush_named, random_strokes

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]

DOUBLE, SINGLE = torch.float64, torch.float32


def problem(name: str, batch: int, count: int, size: tuple[int, int], dtype: torch.dtype) -> list[torch.Tensor]:
    canvas, target = torch.rand(2, batch, 3, *size, generator=torch.Generator().manual_seed(0)).to(dtype)
    return [canvas, random_strokes(brush_named(name), batch, count, seed=1, dtype=dtype), target]


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["float64", "float32"])
@pytest.mark.parametrize("case", [(1, 1, (16, 16)), (3, 7, (33, 47)), (40, 4, (90, 70)), (1, 700, (24, 20))], ids=str)
@pytest.mark.parametrize("name", BRUSHES)
def test_agrees_with_cpu(name: str, case: tuple[int, int, tuple[int, int]], dtype: torch.dtype) -> None:
    canvas, strokes, target = problem(name, *case, dtype)

    def run(device: str) -> list[torch.Tensor]:
        given = (tensor.to(device) for tensor in (canvas, strokes))
        results = ops.render_loss(*given, brush_named(name), target.to(device), l1=0.3, l2=0.7, softness=1.5)
        return [tensor.cpu() for tensor in results]

    ours, theirs = run("cuda"), run("cpu")
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10 if dtype == DOUBLE else 1e-4, atol=0)
    assert_gradients_agree(ours[2], theirs[2], 1e-6 if dtype == DOUBLE else 2e-3)


@pytest.mark.parametrize("name", BRUSHES)
def test_weights_of_pixels_agree_with_cpu(name: str) -> None:
    canvas, strokes, target = problem(name, 3, 7, (33, 47), DOUBLE)
    weight = torch.rand(3, 1, 33, 47, generator=torch.Generator().manual_seed(2)).to(DOUBLE)
    theirs = ops.render_loss(canvas, strokes, brush_named(name), target, weight=weight)
    given = (tensor.cuda() for tensor in (canvas, strokes))
    ours = [tensor.cpu() for tensor in ops.render_loss(*given, brush_named(name), target.cuda(), weight=weight.cuda())]
    torch.testing.assert_close(ours[1], theirs[1], rtol=1e-10, atol=0)
    assert_gradients_agree(ours[2], theirs[2], 1e-6)


@pytest.mark.parametrize("name", BRUSHES)
def test_same_bits_twice(name: str) -> None:
    canvas, strokes, target = (tensor.cuda() for tensor in problem(name, 3, 50, (200, 180), SINGLE))
    first, second = (ops.render_loss(canvas, strokes, brush_named(name), target) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("batch", "count"), [(0, 3), (2, 0)])
def test_empty(batch: int, count: int) -> None:
    canvas, target = torch.rand(2, batch, 3, 6, 7, device="cuda")
    strokes = torch.zeros(batch, count, 9, device="cuda")
    _, square, gradient = ops.render_loss(canvas, strokes, "tape", target)
    assert gradient.shape == strokes.shape
    torch.testing.assert_close(square, (canvas - target).square().flatten(1).sum(1))


def test_a_replayed_graph_reads_the_softness_anew() -> None:
    canvas, strokes, target = (tensor.cuda() for tensor in problem("oil", 1, 20, (60, 50), SINGLE))
    softness = torch.tensor(2.0, device="cuda")
    ops.render_loss(canvas, strokes, "oil", target, softness=softness)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        replayed = ops.render_loss(canvas, strokes, "oil", target, softness=softness)
    for value in (1.0, 3.0):
        softness.fill_(value)
        graph.replay()
        expected = ops.render_loss(canvas, strokes, "oil", target, softness=value)
        assert all(torch.equal(a, b) for a, b in zip(replayed, expected, strict=True))


def test_opcheck() -> None:
    canvas, strokes, target = (tensor.cuda() for tensor in problem("oil", 2, 3, (8, 9), SINGLE))
    brush, origin, softness = brush_named("oil"), torch.zeros(2, 2, device="cuda"), torch.tensor(1.0, device="cuda")
    texture = brush.texture_on(canvas.device)
    arguments = (target, canvas[:, :0], canvas, strokes, brush.kind, texture, origin, 9.0, softness, 0.5, 0.5)
    torch.library.opcheck(torch.ops.neuralpaint.render_loss.default, arguments)
