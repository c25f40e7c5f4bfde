from __future__ import annotations

import pytest
import torch

from neuralpaint.ops import render
from tests.cuda.compare import assert_gradients_agree
from tests.ops.cases import BRUSHES, brush_named, degenerate_strokes, random_strokes

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]

DOUBLE, SINGLE = torch.float64, torch.float32
# Canvases, strokes, size: a tile; parts of tiles; more tiles than backward has blocks; more strokes than a block looks
# at at once, and in one tile more than it keeps canvases for.
CASES = [(1, 1, (16, 16)), (3, 7, (33, 47)), (40, 4, (90, 70)), (1, 700, (24, 20)), (1, 3, (1, 1))]


def random_canvas(*shape: int, dtype: torch.dtype = SINGLE) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype)


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["float64", "float32"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", BRUSHES)
def test_agrees_with_cpu(name: str, case: tuple[int, int, tuple[int, int]], dtype: torch.dtype) -> None:
    batch, count, size = case
    brush = brush_named(name)
    canvas = random_canvas(batch, 3, *size, dtype=dtype)
    strokes = random_strokes(brush, batch, count, seed=1, dtype=dtype)
    strokes[:, count // 2, -1] = 1
    generator = torch.Generator().manual_seed(2)
    upstream = torch.randn(canvas.shape, generator=generator).to(dtype)
    origin = (0.3 * torch.rand(batch, 2, generator=generator)).to(dtype)

    def run(device: str) -> list[torch.Tensor]:
        leaves = canvas.to(device).requires_grad_(), strokes.to(device).requires_grad_()
        output = render(*leaves, brush, softness=1.5, origin=origin.to(device), pixels_per_unit=1.2 * size[0])
        gradients = torch.autograd.grad(output, leaves, upstream.to(device))
        return [tensor.cpu() for tensor in (output, *gradients)]

    ours, theirs = run("cuda"), run("cpu")
    forward, backward = (1e-9, 1e-6) if dtype == DOUBLE else (1e-3, 2e-3)
    torch.testing.assert_close(ours[0], theirs[0], rtol=0, atol=forward)
    torch.testing.assert_close(ours[1], theirs[1], rtol=0, atol=10 * forward)
    assert_gradients_agree(ours[2], theirs[2], backward)


@pytest.mark.parametrize("name", BRUSHES)
def test_gradcheck(name: str) -> None:
    brush = brush_named(name)
    canvas = random_canvas(2, 3, 5, 4, dtype=DOUBLE).cuda().requires_grad_()
    strokes = random_strokes(brush, 2, 3, seed=6).cuda().requires_grad_()
    assert torch.autograd.gradcheck(lambda c, p: render(c, p, brush, softness=1.3), (canvas, strokes), atol=1e-5)


@pytest.mark.parametrize("name", BRUSHES)
def test_same_bits_twice(name: str) -> None:
    brush = brush_named(name)
    canvas = random_canvas(3, 3, 200, 180).cuda().requires_grad_()
    strokes = random_strokes(brush, 3, 50, dtype=SINGLE).cuda().requires_grad_()

    def run() -> list[torch.Tensor]:
        output = render(canvas, strokes, brush)
        return [output, *torch.autograd.grad(output.square().sum(), (canvas, strokes))]

    assert all(torch.equal(a, b) for a, b in zip(run(), run(), strict=True))


@pytest.mark.parametrize("name", BRUSHES)
def test_tile_is_crop(name: str) -> None:
    brush = brush_named(name)
    canvas = random_canvas(1, 3, 64, 80).cuda()
    strokes = random_strokes(brush, 1, 12, seed=5, dtype=SINGLE).cuda()
    whole = render(canvas, strokes, brush)
    tile = canvas[..., 31:50, 7:32]
    output = render(tile, strokes, brush, origin=(7 / 64, 31 / 64), pixels_per_unit=64)
    torch.testing.assert_close(output, whole[..., 31:50, 7:32], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", BRUSHES)
def test_degenerate_strokes(name: str) -> None:
    brush = brush_named(name)
    strokes = torch.cat(list(degenerate_strokes(brush, SINGLE).values()))[None].cuda().requires_grad_()
    canvas = random_canvas(1, 3, 15, 12).cuda().requires_grad_()
    output = render(canvas, strokes, brush)
    assert output.isfinite().all()
    for gradient in torch.autograd.grad(output.square().sum(), (canvas, strokes)):
        assert gradient.isfinite().all()


@pytest.mark.parametrize(("batch", "count"), [(0, 3), (2, 0)])
def test_empty(batch: int, count: int) -> None:
    canvas = random_canvas(batch, 3, 6, 7).cuda().requires_grad_()
    strokes = torch.zeros(batch, count, 9, device="cuda", requires_grad=True)
    output = render(canvas, strokes, "tape")
    assert torch.equal(output, canvas)
    by_canvas, by_strokes = torch.autograd.grad(output.sum(), (canvas, strokes))
    assert torch.equal(by_canvas, torch.ones_like(canvas)) and by_strokes.shape == strokes.shape


@pytest.mark.parametrize("name", BRUSHES)
def test_cuda_graph_replays(name: str) -> None:
    brush = brush_named(name)
    canvas, strokes = random_canvas(1, 3, 40, 40).cuda(), random_strokes(brush, 1, 6, dtype=SINGLE).cuda()
    expected = render(canvas, strokes, brush)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = render(canvas, strokes, brush)
    graph.replay()
    torch.cuda.synchronize()
    assert torch.equal(output, expected)


@pytest.mark.parametrize("name", BRUSHES)
def test_opcheck(name: str) -> None:
    brush = brush_named(name)
    canvas = random_canvas(2, 3, 8, 9).cuda().requires_grad_()
    strokes = random_strokes(brush, 2, 3, dtype=SINGLE).cuda().requires_grad_()
    origin = torch.zeros(2, 2, device="cuda")
    arguments = (canvas, strokes, brush.kind, brush.texture.cuda(), origin, 9.0, 1.0)
    torch.library.opcheck(torch.ops.neuralpaint.render.default, arguments)


def test_canvas_on_another_device_is_refused() -> None:
    strokes = random_strokes(brush_named("tape"), 1, 2, dtype=SINGLE)
    with pytest.raises(ValueError, match="canvas"):
        render(random_canvas(1, 3, 8, 8), strokes.cuda(), "tape")
