from __future__ import annotations

import pytest
import torch

from neuralpaint.ops import rasterize
from tests.cuda.compare import assert_gradients_agree
from tests.ops.cases import BRUSHES, away_from_edges, brush_named, degenerate_strokes, random_strokes

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]

DOUBLE, SINGLE = torch.float64, torch.float32
# (16, 64) and (128, 128) are written 16 bytes at a time, (17, 41) not; backward shares (300, 260) among several blocks.
SIZES = [(16, 64), (128, 128), (17, 41), (1, 1), (300, 260)]


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["float64", "float32"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", BRUSHES)
def test_agrees_with_cpu(name: str, size: tuple[int, int], dtype: torch.dtype) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 12, seed=1, dtype=dtype)
    generator = torch.Generator().manual_seed(2)
    by_foreground = torch.randn(12, 3, *size, generator=generator).to(dtype)
    by_alpha = torch.randn(12, 1, *size, generator=generator).to(dtype)

    def run(device: str) -> list[torch.Tensor]:
        leaf = strokes.to(device).requires_grad_()
        output = rasterize(leaf, brush, *size, softness=1.5)
        certain = away_from_edges(certainty.to(device))
        upstream = (by_foreground.to(device) * certain, by_alpha.to(device))
        (gradient,) = torch.autograd.grad(output, leaf, upstream)
        return [tensor.cpu() for tensor in (output[0] * certain, output[1], gradient)]

    certainty = rasterize(strokes, brush, *size, softness=1.5)[1]
    ours, theirs = run("cuda"), run("cpu")
    forward, backward = (1e-9, 1e-6) if dtype == DOUBLE else (1e-3, 2e-3)
    torch.testing.assert_close(ours[0], theirs[0], rtol=0, atol=forward)
    torch.testing.assert_close(ours[1], theirs[1], rtol=0, atol=min(forward, 2e-4))
    assert_gradients_agree(ours[2], theirs[2], backward)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.uint8])
@pytest.mark.parametrize("size", [(32, 32), (7, 9)], ids=str)
@pytest.mark.parametrize("name", BRUSHES)
def test_output_types(name: str, size: tuple[int, int], dtype: torch.dtype) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 5, dtype=SINGLE).cuda()
    exact = rasterize(strokes, brush, *size)
    for ours, theirs in zip(rasterize(strokes, brush, *size, dtype=dtype), exact, strict=True):
        assert ours.dtype == dtype
        if dtype == torch.uint8:
            assert (ours.float() - 255 * theirs).abs().max() <= 0.5 + 1e-4
        else:
            assert torch.equal(ours, theirs.to(dtype))


@pytest.mark.parametrize("name", BRUSHES)
def test_gradcheck(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 3, seed=6).cuda().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: rasterize(p, brush, 6, 5, softness=1.3), (strokes,), atol=1e-5)


@pytest.mark.parametrize("name", BRUSHES)
def test_same_bits_twice(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 20, dtype=SINGLE).cuda().requires_grad_()

    def run() -> list[torch.Tensor]:
        output = rasterize(strokes, brush, 200, 180)
        return [*output, *torch.autograd.grad([plane.square().sum() for plane in output], strokes)]

    assert all(torch.equal(a, b) for a, b in zip(run(), run(), strict=True))


@pytest.mark.parametrize("name", BRUSHES)
def test_degenerate_strokes(name: str) -> None:
    brush = brush_named(name)
    for case, stroke in degenerate_strokes(brush, SINGLE).items():
        leaf = stroke.cuda().requires_grad_()
        foreground, alpha = rasterize(leaf, brush, 12, 15)
        assert foreground.isfinite().all() and alpha.isfinite().all(), case
        (gradient,) = torch.autograd.grad(foreground.sum() + alpha.sum(), leaf)
        assert gradient.isfinite().all(), case


@pytest.mark.parametrize("name", BRUSHES)
def test_nothing_to_do(name: str) -> None:
    brush = brush_named(name)
    strokes = torch.zeros(0, brush.num_parameters, device="cuda", requires_grad=True)
    foreground, alpha = rasterize(strokes, brush, 5, 9)
    assert foreground.shape == (0, 3, 5, 9) and alpha.shape == (0, 1, 5, 9)
    (foreground.sum() + alpha.sum()).backward()
    assert strokes.grad is not None and strokes.grad.shape == strokes.shape


@pytest.mark.parametrize("name", BRUSHES)
def test_opcheck(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 3, dtype=SINGLE).cuda().requires_grad_()
    arguments = (strokes, brush.kind, brush.texture.cuda(), 8, 9, 1.0, SINGLE)
    torch.library.opcheck(torch.ops.neuralpaint.rasterize.default, arguments)


def test_texture_on_another_device_is_refused() -> None:
    brush = brush_named("oil")
    strokes = random_strokes(brush, 2, dtype=SINGLE).cuda()
    with pytest.raises(RuntimeError, match="texture"):
        torch.ops.neuralpaint.rasterize(strokes, brush.kind, brush.texture, 8, 8, 1.0, SINGLE)
