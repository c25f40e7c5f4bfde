import torch

from neuralpaint.renderers.blend import blend_tiles
from neuralpaint.renderers.tiles import from_tiles, to_tiles


def case(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    canvas = torch.rand(3, 3, 4, generator=generator, dtype=dtype)
    tile = torch.tensor([2, 0, 2, 2, 0, 2])
    colors = torch.rand(6, 3, 4, generator=generator, dtype=dtype)
    alphas = torch.rand(6, 4, generator=generator, dtype=dtype)
    return canvas, tile, colors, alphas


def test_blends_in_order():
    canvas, tile, colors, alphas = case()
    painted = blend_tiles(canvas, tile, colors, alphas)
    expected = canvas.clone()
    for k, place in enumerate(tile.tolist()):
        expected[place] = alphas[k] * colors[k] + (1 - alphas[k]) * expected[place]
    assert torch.allclose(painted, expected)
    assert torch.equal(painted[1], canvas[1])


def test_gradients():
    canvas, tile, colors, alphas = (t.requires_grad_() if t.is_floating_point() else t for t in case())
    assert torch.autograd.gradcheck(lambda c, f, a: blend_tiles(c, tile, f, a), (canvas, colors, alphas))


def test_nothing_to_blend():
    canvas = torch.rand(2, 3, 64)
    empty = torch.zeros(0, dtype=torch.long)
    assert torch.equal(blend_tiles(canvas, empty, torch.zeros(0, 3, 64), torch.zeros(0, 64)), canvas)


def test_tiles_round_trip():
    picture = torch.rand(2, 3, 16, 24)
    assert torch.equal(from_tiles(to_tiles(picture), 2, 2, 3), picture)
