from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from neuralpaint.ops import rasterize, reference, render
from tests.ops.cases import BRUSHES, brush_named, composite, degenerate_strokes, random_strokes

DOUBLE, SINGLE = torch.float64, torch.float32
FORWARD = {DOUBLE: 1e-9, SINGLE: 3e-5}  # absolute; values lie in [0, 1]
BACKWARD = {DOUBLE: 1e-6, SINGLE: 1e-3}  # relative to the stroke's largest derivative


def random_canvas(*shape: int, seed: int = 0, dtype: torch.dtype = DOUBLE) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def low_level(canvas: Tensor, strokes: Tensor, name: str, softness: float = 1.0) -> tuple:
    brush = brush_named(name)
    origin = canvas.new_tensor([0.1, -0.2]).expand(canvas.shape[0], 2)
    return canvas, strokes, brush.kind, brush.texture, origin, 9.5, softness


def truth(name: str, height: int, width: int, softness: float, placed: bool, seed: int = 0) -> tuple:
    """Two canvases of five strokes and where they lie, the picture, upstream gradients, those by canvas and strokes."""
    brush = brush_named(name)
    canvas = random_canvas(2, 3, height, width, seed=seed).requires_grad_()
    strokes = random_strokes(brush, 2, 5, seed=seed + 1)
    strokes[0, 1, -1] = 1.0  # opaque: what lies under it gets no gradient, and nothing may divide by 1 − α
    strokes[1, 2, -1] = 0.0
    strokes.requires_grad_()
    placement = {}
    if placed:
        placement = {"origin": torch.tensor([[0.2, 0.1], [-0.3, 0.25]], dtype=DOUBLE), "pixels_per_unit": 1.4 * height}
    picture = reference.render(canvas, strokes, brush, softness, **placement)
    upstream = torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed + 2), dtype=DOUBLE)
    gradients = torch.autograd.grad(picture, (canvas, strokes), upstream)
    return canvas.detach(), strokes.detach(), placement, picture.detach(), upstream, *gradients


CASES = [
    ((24, 24), 1.0, False),
    ((20, 27), 1.0, True),  # both sides leave a part of a tile
    ((24, 24), 3.0, True),
    ((1, 1), 1.0, False),
    ((1, 40), 0.5, False),
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", BRUSHES)
def test_agrees_with_reference(name: str, case: tuple) -> None:
    size, softness, placed = case
    canvas, strokes, placement, picture, upstream, by_canvas, by_strokes = truth(name, *size, softness, placed)
    scale = by_strokes.abs().amax(-1, keepdim=True).clamp(min=1)
    for dtype in (DOUBLE, SINGLE):
        leaves = canvas.to(dtype).requires_grad_(), strokes.to(dtype).requires_grad_()
        output = render(*leaves, brush_named(name), softness=softness, **placement)
        assert output.shape == canvas.shape and output.dtype == dtype
        torch.testing.assert_close(output.double(), picture, rtol=0, atol=FORWARD[dtype])

        ours = torch.autograd.grad(output, leaves, upstream.to(dtype))
        torch.testing.assert_close(ours[0].double(), by_canvas, rtol=0, atol=10 * FORWARD[dtype])
        torch.testing.assert_close(ours[1].double() / scale, by_strokes / scale, rtol=0, atol=BACKWARD[dtype])


@pytest.mark.parametrize("name", BRUSHES)
def test_is_composite_of_rasterize(name: str) -> None:
    brush = brush_named(name)
    canvas = random_canvas(2, 3, 37, 50, dtype=SINGLE)
    strokes = random_strokes(brush, 2, 20, seed=8, dtype=SINGLE)
    foreground, alpha = rasterize(strokes.flatten(0, 1), brush, 37, 50, softness=1.5)
    expected = composite(canvas, foreground.unflatten(0, (2, 20)), alpha.unflatten(0, (2, 20)))
    torch.testing.assert_close(render(canvas, strokes, brush, softness=1.5), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["float64", "float32"])
@pytest.mark.parametrize("name", BRUSHES)
def test_tile_is_crop(name: str, dtype: torch.dtype) -> None:
    brush = brush_named(name)
    canvas = random_canvas(1, 3, 64, 80, dtype=dtype)
    strokes = random_strokes(brush, 1, 12, seed=5, dtype=dtype)
    whole = render(canvas, strokes, brush)
    # Corners of a batch of tiles in pixels, one reaching past the tile grid of the whole.
    corners = [(0, 0), (16, 40), (31, 7), (45, 55)]
    tiles = torch.cat([canvas[..., y : y + 19, x : x + 25] for y, x in corners])
    origin = torch.tensor([[x / 64, y / 64] for y, x in corners], dtype=dtype)
    output = render(tiles, strokes.expand(4, -1, -1), brush, origin=origin, pixels_per_unit=64)
    expected = torch.cat([whole[..., y : y + 19, x : x + 25] for y, x in corners])
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-9 if dtype == DOUBLE else 1e-4)


def test_origin_forms() -> None:
    canvas, strokes = random_canvas(3, 3, 9, 12), random_strokes(brush_named("tape"), 3, 4)
    origin = torch.tensor([[0.25, 0.5]] * 3, dtype=DOUBLE)
    expected = render(canvas, strokes, "tape", origin=origin)
    for form in ((0.25, 0.5), [0.25, 0.5], origin[0], origin.tolist(), origin.float()):
        assert torch.equal(render(canvas, strokes, "tape", origin=form), expected)
    assert torch.equal(render(canvas, strokes, "tape", pixels_per_unit=9), render(canvas, strokes, "tape"))
    assert torch.equal(render(canvas, strokes, "tape", origin=(0, 0)), render(canvas, strokes, "tape"))


@pytest.mark.parametrize("name", BRUSHES)
def test_gradcheck(name: str) -> None:
    brush = brush_named(name)
    canvas = random_canvas(2, 3, 5, 4).requires_grad_()
    strokes = random_strokes(brush, 2, 3, seed=6).requires_grad_()
    placement = {"origin": torch.tensor([[0.1, 0.0], [-0.1, 0.2]], dtype=DOUBLE), "pixels_per_unit": 6.0}
    assert torch.autograd.gradcheck(
        lambda c, p: render(c, p, brush, softness=1.3, **placement), (canvas, strokes), atol=1e-5
    )


@pytest.mark.parametrize(("batch", "count"), [(0, 3), (2, 0), (0, 0)])
@pytest.mark.parametrize("name", BRUSHES)
def test_empty(name: str, batch: int, count: int) -> None:
    brush = brush_named(name)
    canvas = random_canvas(batch, 3, 6, 7, dtype=SINGLE).requires_grad_()
    strokes = torch.zeros(batch, count, brush.num_parameters, requires_grad=True)
    output = render(canvas, strokes, brush)
    assert torch.equal(output, canvas) and (batch == 0 or output.data_ptr() != canvas.data_ptr())
    by_canvas, by_strokes = torch.autograd.grad(output.sum(), (canvas, strokes))
    assert torch.equal(by_canvas, torch.ones_like(canvas)) and by_strokes.shape == strokes.shape


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["float64", "float32"])
@pytest.mark.parametrize("name", BRUSHES)
def test_degenerate_strokes(name: str, dtype: torch.dtype) -> None:
    brush = brush_named(name)
    cases = degenerate_strokes(brush, dtype)
    canvas = random_canvas(1, 3, 15, 12, dtype=dtype).requires_grad_()
    for case, stroke in cases.items():
        leaf = stroke[None].clone().requires_grad_()
        output = render(canvas, leaf, brush)
        assert output.isfinite().all() and output.min() >= -1e-6 and output.max() <= 1 + 1e-6, case
        for gradient in torch.autograd.grad(output.square().sum(), (canvas, leaf)):
            assert gradient.isfinite().all(), case
        if case.startswith(("far", "zero radius", "zero length and radius")):
            assert torch.equal(output, canvas), case
    together = torch.cat(list(cases.values()))[None].requires_grad_()
    (gradient,) = torch.autograd.grad(render(canvas, together, brush).square().sum(), together)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", BRUSHES)
def test_strides_do_not_matter(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 2, 4, dtype=SINGLE)
    scattered = strokes.transpose(0, 2).contiguous().transpose(0, 2)
    canvas = torch.tensor([0.9, 0.5, 0.1])[None, :, None, None].expand(2, 3, 20, 14)
    assert not scattered.is_contiguous() and not canvas.is_contiguous()
    expected = render(canvas.contiguous(), strokes, brush)
    assert torch.equal(render(canvas, scattered, brush), expected)

    upstream = torch.randn(2, 3, 14, 20, generator=torch.Generator().manual_seed(1)).transpose(2, 3)
    arguments = (brush.kind, brush.texture, torch.zeros(1, 2).expand(2, 2), 14.0, 1.0)
    ours = torch.ops.neuralpaint.render_backward(upstream, canvas, scattered, *arguments)
    theirs = torch.ops.neuralpaint.render_backward(upstream.contiguous(), canvas.contiguous(), strokes, *arguments)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", BRUSHES)
def test_same_bits_whatever_the_threads(name: str) -> None:
    brush = brush_named(name)
    canvas, strokes = random_canvas(2, 3, 70, 90, dtype=SINGLE), random_strokes(brush, 2, 15, dtype=SINGLE)

    def run() -> list[Tensor]:
        leaves = canvas.clone().requires_grad_(), strokes.clone().requires_grad_()
        output = render(*leaves, brush)
        return [output, *torch.autograd.grad(output.square().sum(), leaves)]

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        single = run()
        torch.set_num_threads(2)
        runs = [run(), run()]
    finally:
        torch.set_num_threads(threads)
    for other in runs:
        assert all(torch.equal(a, b) for a, b in zip(single, other, strict=True))


@pytest.mark.parametrize("name", BRUSHES)
def test_opcheck(name: str) -> None:
    brush = brush_named(name)
    canvas = random_canvas(2, 3, 8, 9, dtype=SINGLE).requires_grad_()
    strokes = random_strokes(brush, 2, 3, dtype=SINGLE).requires_grad_()
    arguments = low_level(canvas, strokes, name)
    torch.library.opcheck(torch.ops.neuralpaint.render.default, arguments)
    plain = low_level(canvas.detach(), strokes.detach(), name)
    torch.library.opcheck(torch.ops.neuralpaint.render_backward.default, (torch.ones(2, 3, 8, 9), *plain))


@pytest.mark.parametrize("name", BRUSHES)
def test_compiles_in_one_graph(name: str) -> None:
    torch._dynamo.reset()
    brush = brush_named(name)

    def loss(canvas: Tensor, strokes: Tensor) -> Tensor:
        return render(canvas, strokes, brush, softness=2.0, origin=(0.1, 0.2), pixels_per_unit=11.0).square().mean()

    inputs = random_canvas(2, 3, 10, 12, dtype=SINGLE), random_strokes(brush, 2, 3, dtype=SINGLE)
    eager = [tensor.clone().requires_grad_() for tensor in inputs]
    compiled = [tensor.clone().requires_grad_() for tensor in inputs]
    expected = loss(*eager)
    value = torch.compile(loss, fullgraph=True, backend="aot_eager")(*compiled)
    torch.testing.assert_close(value, expected)
    value.backward()
    expected.backward()
    for ours, theirs in zip(compiled, eager, strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_raw_operator_refuses_what_would_crash_it() -> None:
    tape, oil = brush_named("tape"), brush_named("oil")
    canvas, strokes = torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, tape.num_parameters)
    origin, nothing = torch.zeros(2, 2), tape.texture
    for arguments in [
        (canvas, strokes, 9, nothing, origin, 4.0, 1.0),
        (canvas, strokes[..., :4], 3, nothing, origin, 4.0, 1.0),
        (canvas, strokes[0], 3, nothing, origin, 4.0, 1.0),
        (canvas[:1], strokes, 3, nothing, origin, 4.0, 1.0),
        (canvas[0], strokes, 3, nothing, origin, 4.0, 1.0),
        (canvas[:, :2], strokes, 3, nothing, origin, 4.0, 1.0),
        (canvas.double(), strokes, 3, nothing, origin, 4.0, 1.0),
        (canvas, strokes, 3, nothing, origin[:1], 4.0, 1.0),
        (canvas, strokes, 3, nothing, origin.double(), 4.0, 1.0),
        (canvas, torch.zeros(2, 1, oil.num_parameters), 0, nothing, origin, 4.0, 1.0),
    ]:
        with pytest.raises(RuntimeError):
            torch.ops.neuralpaint.render(*arguments)
    with pytest.raises(RuntimeError):
        torch.ops.neuralpaint.render_backward(torch.zeros(2, 3, 4, 5), canvas, strokes, 3, nothing, origin, 4.0, 1.0)


# ---- what a picture looks like ---------------------------------------------------------------------------------------


def test_later_strokes_lie_on_top() -> None:
    full = [0.5, 0.5, 4.0, 4.0, 0.0]
    red, half_blue = [*full, 1, 0, 0, 1], [*full, 0, 0, 1, 0.5]
    canvas = torch.zeros(2, 3, 6, 6)
    picture = render(canvas, torch.tensor([[red, half_blue], [half_blue, red]]), "tape")
    assert torch.equal(picture[0], torch.tensor([0.5, 0, 0.5])[:, None, None].expand(3, 6, 6))
    assert torch.equal(picture[1], torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 6, 6))


@pytest.mark.parametrize("name", BRUSHES)
def test_untouched_pixels_keep_their_bits(name: str) -> None:
    brush = brush_named(name)
    canvas = random_canvas(1, 3, 45, 61, dtype=SINGLE)
    strokes = random_strokes(brush, 1, 3, seed=9, dtype=SINGLE)
    _, alpha = rasterize(strokes[0], brush, 45, 61)
    untouched = (alpha == 0).all(0).expand(3, -1, -1)
    assert untouched.any()
    assert torch.equal(render(canvas, strokes, brush)[0][untouched], canvas[0][untouched])


@pytest.mark.parametrize("name", BRUSHES)
def test_no_dark_fringe(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 1, 60, seed=2, dtype=SINGLE)
    strokes[..., brush.colors[0].start : -1] = 1
    white = torch.ones(1, 3, 50, 43)
    assert torch.equal(render(white, strokes, brush), white)
    strokes[..., brush.colors[0].start : -1] = 0
    assert not render(torch.zeros_like(white), strokes, brush).any()


@pytest.mark.parametrize(
    ("name", "largest", "mean"),
    [
        ("tape", 0.1, 0.004),
        ("watercolor", 0.1, 0.004),
        ("marker", 0.2, 0.004),
        ("oil", 0.3, 0.02),
        ("round", 0.2, 0.01),
        ("flat", 0.3, 0.02),
    ],
)
def test_size_does_not_change_the_picture(name: str, largest: float, mean: float) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 1, 10, seed=1, dtype=SINGLE)
    small = render(torch.full((1, 3, 128, 160), 0.5), strokes, brush)
    large = render(torch.full((1, 3, 512, 640), 0.5), strokes, brush)
    error = (small - torch.nn.functional.avg_pool2d(large, 4)).abs()
    assert error.max() < largest and error.mean() < mean


def test_long_opaque_stacks_have_gradients() -> None:
    # 300 opaque strokes: the canvas and all that is covered get exactly nothing, without a division by 1 − α = 0.
    brush = brush_named("tape")
    strokes = random_strokes(brush, 1, 300, dtype=SINGLE)
    strokes[..., -1] = 1
    strokes[0, -1, :5] = torch.tensor([0.5, 0.5, 8.0, 8.0, 0.0])
    strokes.requires_grad_()
    canvas = random_canvas(1, 3, 40, 40, dtype=SINGLE).requires_grad_()
    by_canvas, by_strokes = torch.autograd.grad(render(canvas, strokes, brush).sum(), (canvas, strokes))
    assert not by_canvas.any() and not by_strokes[0, :-1].any()
    torch.testing.assert_close(by_strokes[0, -1, 5:8], torch.full((3,), 1600.0))


# ---- arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"canvas": torch.zeros(3, 8, 8)}, "canvas"),
        ({"canvas": torch.zeros(2, 4, 8, 8)}, "canvas"),
        ({"canvas": torch.zeros(2, 3, 0, 8)}, "canvas"),
        ({"canvas": torch.zeros(1, 3, 8, 8)}, "canvas"),
        ({"canvas": torch.zeros(2, 3, 8, 8, dtype=torch.float64)}, "canvas"),
        ({"canvas": torch.zeros(2, 3, 8, 8, dtype=torch.uint8)}, "canvas"),
        ({"canvas": "white"}, "canvas"),
        ({"strokes": torch.zeros(2, 9)}, "strokes"),
        ({"strokes": torch.zeros(2, 4, 12)}, "strokes"),
        ({"strokes": torch.zeros(2, 4, 9, dtype=torch.bfloat16)}, "strokes"),
        ({"strokes": torch.full((2, 4, 9), float("nan"))}, "strokes"),
        ({"strokes": None}, "strokes"),
        ({"brush": "finger"}, "finger"),
        ({"brush": None}, "brush"),
        ({"softness": 0}, "softness"),
        ({"softness": float("nan")}, "softness"),
        ({"pixels_per_unit": 0.0}, "pixels_per_unit"),
        ({"pixels_per_unit": -8.0}, "pixels_per_unit"),
        ({"pixels_per_unit": float("inf")}, "pixels_per_unit"),
        ({"origin": torch.zeros(3)}, "origin"),
        ({"origin": torch.zeros(3, 2)}, "origin"),
        ({"origin": (0.0, float("nan"))}, "origin"),
    ],
)
def test_bad_arguments_are_named(changes: dict, name: str) -> None:
    arguments = {"canvas": torch.zeros(2, 3, 8, 8), "strokes": torch.full((2, 4, 9), 0.5), "brush": "tape"}
    with pytest.raises((ValueError, TypeError), match=name):
        render(**(arguments | changes))


@pytest.mark.parametrize("name", BRUSHES)
def test_gradients_after_an_inference(name: str) -> None:
    brush = dataclasses.replace(brush_named(name))  # with no texture yet
    canvas, strokes = torch.rand(1, 3, 9, 9), random_strokes(brush, 1, 2, dtype=torch.float32)
    with torch.inference_mode():
        expected = render(canvas, strokes, brush)
    output = render(canvas, strokes.requires_grad_(), brush)
    assert torch.equal(output.detach(), expected)
    (gradient,) = torch.autograd.grad(output.sum(), strokes)
    assert gradient.isfinite().all()
