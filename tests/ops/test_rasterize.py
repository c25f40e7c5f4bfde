from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from neuralpaint.brushes import get_brush
from neuralpaint.brushes.texture import pack_texture
from neuralpaint.ops import rasterize, reference
from tests.ops.cases import BRUSHES, away_from_edges, brush_named, degenerate_strokes, random_strokes

DOUBLE, SINGLE = torch.float64, torch.float32
FORWARD = {DOUBLE: 1e-9, SINGLE: 2e-5}  # absolute; values lie in [0, 1]
BACKWARD = {DOUBLE: 1e-6, SINGLE: 1e-3}  # relative to the stroke's largest derivative
FOREGROUND = {DOUBLE: 1e-9, SINGLE: 1e-3}  # near a centre of curvature t*, so the colour, magnifies rounding
CASES = [
    ((32, 32), 1.0),
    ((17, 41), 1.0),
    ((17, 41), 0.3),
    ((17, 41), 4.0),
    ((1, 1), 1.0),
    ((7, 1), 1.0),
    ((3, 70), 1.0),
]


def low_level(strokes: Tensor, name: str, height: int, width: int, softness: float = 1.0) -> tuple:
    brush = brush_named(name)
    return strokes, brush.kind, brush.texture, height, width, softness, strokes.dtype


def truth(name: str, height: int, width: int, softness: float, count: int = 5, seed: int = 1) -> tuple[Tensor, ...]:
    """Strokes, float64 foreground and alpha, random upstream gradients, the gradient by the strokes."""
    brush = brush_named(name)
    strokes = random_strokes(brush, count, seed=seed).requires_grad_()
    foreground, alpha = reference.rasterize(strokes, brush, height, width, softness)
    generator = torch.Generator().manual_seed(seed + 1)
    by_foreground = torch.randn(foreground.shape, generator=generator, dtype=DOUBLE) * away_from_edges(alpha.detach())
    by_alpha = torch.randn(alpha.shape, generator=generator, dtype=DOUBLE)
    (gradient,) = torch.autograd.grad((foreground, alpha), strokes, (by_foreground, by_alpha))
    return strokes.detach(), foreground.detach(), alpha.detach(), by_foreground, by_alpha, gradient


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", BRUSHES)
def test_agrees_with_reference(name: str, case: tuple[tuple[int, int], float]) -> None:
    size, softness = case
    strokes, foreground, alpha, by_foreground, by_alpha, gradient = truth(name, *size, softness)
    certain = away_from_edges(alpha)
    scale = gradient.abs().amax(1, keepdim=True).clamp(min=1)
    for dtype in (DOUBLE, SINGLE):
        leaf = strokes.to(dtype).requires_grad_()
        output = rasterize(leaf, brush_named(name), *size, softness=softness)
        assert output[0].shape == (5, 3, *size) and output[1].shape == (5, 1, *size)
        assert output[0].dtype == output[1].dtype == dtype
        torch.testing.assert_close(output[1].double(), alpha, rtol=0, atol=FORWARD[dtype])
        torch.testing.assert_close(output[0].double() * certain, foreground * certain, rtol=0, atol=FOREGROUND[dtype])

        (ours,) = torch.autograd.grad(output, leaf, (by_foreground.to(dtype), by_alpha.to(dtype)))
        torch.testing.assert_close(ours.double() / scale, gradient / scale, rtol=0, atol=BACKWARD[dtype])


@pytest.mark.parametrize("name", BRUSHES)
def test_gradcheck(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 3, seed=6).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: rasterize(p, brush, 6, 5, softness=1.3), (strokes,), atol=1e-5)


@pytest.mark.parametrize("name", BRUSHES)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["float64", "float32"])
def test_degenerate_strokes(name: str, dtype: torch.dtype) -> None:
    brush = brush_named(name)
    cases = degenerate_strokes(brush, dtype)
    truth = reference.rasterize(torch.cat(list(cases.values())).double(), brush, 12, 15)[1]
    for (case, stroke), exact in zip(cases.items(), truth, strict=True):
        leaf = stroke.clone().requires_grad_()
        foreground, alpha = rasterize(leaf, brush, 12, 15)
        tolerance = 10 * FORWARD[dtype]
        if "outside" in case and dtype == SINGLE:
            tolerance = 1e-2  # float32 positions are themselves that coarse
        if "control point" in case:
            tolerance = 2e-4  # B' vanishes at an end, and the marker's square turns within the last 1e-4 of the curve
        error = (alpha.detach().double() - exact).abs().max()
        assert error < tolerance, (case, error)
        (gradient,) = torch.autograd.grad(foreground.sum() + alpha.sum(), leaf)
        assert gradient.isfinite().all(), case
        if case.startswith(("far", "zero radius", "zero length and radius")):
            assert not alpha.any() and not foreground.any() and not gradient.any(), case


@pytest.mark.parametrize("name", BRUSHES)
def test_empty_batch(name: str) -> None:
    brush = brush_named(name)
    strokes = torch.zeros(0, brush.num_parameters, requires_grad=True)
    foreground, alpha = rasterize(strokes, brush, 5, 9)
    assert foreground.shape == (0, 3, 5, 9) and alpha.shape == (0, 1, 5, 9)
    (foreground.sum() + alpha.sum()).backward()
    assert strokes.grad is not None and strokes.grad.shape == strokes.shape


@pytest.mark.parametrize("name", BRUSHES)
def test_gradient_of_one_output(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 3).requires_grad_()
    foreground, alpha = rasterize(strokes, brush, 10, 12)
    (both,) = torch.autograd.grad((foreground.sum(), alpha.sum()), strokes, retain_graph=True)
    (by_foreground,) = torch.autograd.grad(foreground.sum(), strokes, retain_graph=True)
    (by_alpha,) = torch.autograd.grad(alpha.sum(), strokes)
    assert not by_foreground[:, -1].any()
    torch.testing.assert_close(by_foreground + by_alpha, both)


@pytest.mark.parametrize("name", BRUSHES)
def test_strides_do_not_matter(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 5, dtype=SINGLE)
    scattered = strokes.t().contiguous().t()
    assert not scattered.is_contiguous()
    expected = rasterize(strokes, brush, 16, 21)
    for ours, theirs in zip(rasterize(scattered, brush, 16, 21), expected, strict=True):
        assert torch.equal(ours, theirs)

    by_foreground = torch.randn(5, 3, 21, 16, generator=torch.Generator().manual_seed(1)).transpose(2, 3)
    by_alpha = torch.ones(()).expand(5, 1, 16, 21)
    arguments = (brush.kind, brush.texture, 1.0)
    ours = torch.ops.neuralpaint.rasterize_backward(by_foreground, by_alpha, scattered, *arguments)
    theirs = torch.ops.neuralpaint.rasterize_backward(
        by_foreground.contiguous(), by_alpha.contiguous(), strokes, *arguments
    )
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", BRUSHES)
def test_output_types(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 6, dtype=SINGLE).requires_grad_()
    exact = rasterize(strokes, brush, 19, 27)
    for dtype in (torch.float16, torch.bfloat16):
        output = rasterize(strokes, brush, 19, 27, dtype=dtype)
        for ours, theirs in zip(output, exact, strict=True):
            assert ours.dtype == dtype and torch.equal(ours, theirs.to(dtype))
        upstream = [torch.ones_like(plane) for plane in output]
        (ours,) = torch.autograd.grad(output, strokes, upstream)
        (theirs,) = torch.autograd.grad(exact, strokes, [plane.float() for plane in upstream], retain_graph=True)
        torch.testing.assert_close(ours, theirs)
    for ours, theirs in zip(rasterize(strokes, brush, 19, 27, dtype=torch.uint8), exact, strict=True):
        assert ours.dtype == torch.uint8 and not ours.requires_grad
        assert (ours.float() - 255 * theirs).abs().max() <= 0.5 + 1e-4


@pytest.mark.parametrize("name", ["oil", "tape"])
def test_bytes_saturate(name: str) -> None:
    brush = brush_named(name)
    strokes = torch.full((1, brush.num_parameters), 0.5)
    strokes[:, 2:5] = 0.9
    strokes[:, 5:] = 1.0
    foreground, _ = rasterize(strokes, brush, 16, 16, dtype=torch.uint8)
    assert set(foreground.unique().tolist()) <= {0, 255}


@pytest.mark.parametrize("name", BRUSHES)
def test_same_bits_whatever_the_threads_and_the_batch(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 9, dtype=SINGLE)

    def run(strokes: Tensor) -> list[Tensor]:
        leaf = strokes.clone().requires_grad_()
        output = rasterize(leaf, brush, 24, 35, softness=1.5)
        return [*output, *torch.autograd.grad([plane.square().sum() for plane in output], leaf)]

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        single = run(strokes)
        torch.set_num_threads(2)
        runs = [
            run(strokes),
            run(strokes),
            [torch.cat(parts) for parts in zip(run(strokes[:4]), run(strokes[4:]), strict=True)],
        ]
    finally:
        torch.set_num_threads(threads)
    for other in runs:
        assert all(torch.equal(a, b) for a, b in zip(single, other, strict=True))


@pytest.mark.parametrize("name", BRUSHES)
def test_opcheck(name: str) -> None:
    strokes = random_strokes(brush_named(name), 3, dtype=SINGLE).requires_grad_()
    torch.library.opcheck(torch.ops.neuralpaint.rasterize.default, low_level(strokes, name, 8, 9))
    brush = brush_named(name)
    gradients = (torch.ones(3, 3, 8, 9), torch.ones(3, 1, 8, 9), strokes.detach(), brush.kind, brush.texture, 1.0)
    torch.library.opcheck(torch.ops.neuralpaint.rasterize_backward.default, gradients)


@pytest.mark.parametrize("name", BRUSHES)
def test_compiles_in_one_graph(name: str) -> None:
    torch._dynamo.reset()
    brush = brush_named(name)

    def loss(strokes: Tensor) -> Tensor:
        foreground, alpha = rasterize(strokes, brush, 10, 12, softness=2.0)
        return (foreground * alpha).square().mean()

    strokes = random_strokes(brush, 3, dtype=SINGLE)
    eager, compiled = strokes.clone().requires_grad_(), strokes.clone().requires_grad_()
    expected = loss(eager)
    value = torch.compile(loss, fullgraph=True, backend="aot_eager")(compiled)
    torch.testing.assert_close(value, expected)
    value.backward()
    expected.backward()
    torch.testing.assert_close(compiled.grad, eager.grad)


@pytest.mark.parametrize("name", BRUSHES)
def test_raw_operator_is_the_public_one(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 4, dtype=SINGLE)
    output = rasterize(strokes, brush, 9, 11)
    raw = torch.ops.neuralpaint.rasterize(*low_level(strokes, name, 9, 11))
    assert all(torch.equal(a, b) for a, b in zip(output, raw, strict=True))
    if name != "textured":
        by_name = rasterize(strokes, name, 9, 11)
        assert all(torch.equal(a, b) for a, b in zip(output, by_name, strict=True))


def test_raw_operator_refuses_what_would_crash_it() -> None:
    tape, oil = brush_named("tape"), brush_named("oil")
    strokes = random_strokes(tape, 2, dtype=SINGLE)
    wide = random_strokes(oil, 2, dtype=SINGLE)
    nothing = tape.texture
    run = torch.ops.neuralpaint.rasterize
    for arguments in [
        (strokes, 7, nothing, 4, 4, 1.0, SINGLE),
        (strokes, -1, nothing, 4, 4, 1.0, SINGLE),
        (strokes[0], 3, nothing, 4, 4, 1.0, SINGLE),
        (strokes[:, :5], 3, nothing, 4, 4, 1.0, SINGLE),
        (strokes, 3, nothing, 0, 4, 1.0, SINGLE),
        (strokes, 3, nothing, 4, -1, 1.0, SINGLE),
        (strokes, 3, nothing, 4, 4, 1.0, torch.int32),
        (strokes.half(), 3, nothing, 4, 4, 1.0, torch.float16),
        (wide, 0, nothing, 4, 4, 1.0, SINGLE),
        (wide, 0, torch.zeros(2, 6, 8, 2, dtype=torch.int32), 4, 4, 1.0, SINGLE),
        (wide, 0, torch.zeros(2, 8, 8, 2), 4, 4, 1.0, SINGLE),
    ]:
        with pytest.raises(RuntimeError):
            run(*arguments)


# ---- what a stroke looks like ----------------------------------------------------------------------------------------


def test_tape_lies_where_its_numbers_say() -> None:
    # Half-sides 2 and 1 pixels about (4, 4), edges on pixel borders: exact, no antialiasing to speak of.
    stroke = torch.tensor([[0.5, 0.5, 1.0, 0.5, 0.0, 0.2, 0.4, 0.6, 0.5]], dtype=DOUBLE)
    foreground, alpha = rasterize(stroke, "tape", 8, 8)
    expected = torch.zeros(8, 8, dtype=DOUBLE)
    expected[3:5, 2:6] = 1
    torch.testing.assert_close(alpha[0, 0], expected * 0.5)
    torch.testing.assert_close(foreground[0], expected * stroke[0, 5:8, None, None])
    # A quarter turn swaps the sides; a quarter of a pixel to the right moves a quarter of the edge's coverage.
    stroke[0, 4] = 0.5
    torch.testing.assert_close(rasterize(stroke, "tape", 8, 8)[1][0, 0], expected.t() * 0.5)
    stroke[0, 4], stroke[0, 0] = 0.0, 0.5 + 0.25 / 8
    moved = torch.tensor([0, 0, 0.75, 1, 1, 1, 0.25, 0], dtype=DOUBLE) * 0.5
    torch.testing.assert_close(rasterize(stroke, "tape", 8, 8)[1][0, 0, 3], moved)
    # Thinner than a pixel: coverage is the width.
    stroke[0, 0], stroke[0, 2] = 0.5 + 0.5 / 8, 0.3 / 2
    thin = torch.tensor([0, 0, 0, 0, 0.6, 0, 0, 0], dtype=DOUBLE) * 0.5
    torch.testing.assert_close(rasterize(stroke, "tape", 8, 8)[1][0, 0, 3], thin)


@pytest.mark.parametrize("name", ["tape", "oil"])
def test_angle_turns_counter_clockwise(name: str) -> None:
    brush = brush_named(name)
    stroke = torch.full((1, brush.num_parameters), 1.0)
    stroke[0, :5] = torch.tensor([0.5, 0.5, 0.8, 0.1, 0.25])
    alpha = rasterize(stroke, brush, 64, 64)[1][0, 0]
    corners = alpha.reshape(2, 32, 2, 32).sum((1, 3))
    assert min(corners[0, 1], corners[1, 0]) > 5 * max(corners[0, 0], corners[1, 1])


def test_colours_run_along_the_stroke() -> None:
    oil = torch.tensor([[0.5, 0.5, 0.6, 0.9, 0.0, 0, 0, 0, 1, 1, 1, 1]])
    foreground, alpha = rasterize(oil, "oil", 64, 64)
    rows = [foreground[0, 0, y][alpha[0, 0, y] > 0.3].mean() for y in (12, 24, 40, 52)]
    assert rows == sorted(rows) and rows[0] < 0.25 and rows[-1] > 0.75

    watercolor = torch.tensor([[0.1, 0.5, 0.5, 0.5, 0.9, 0.5, 0.4, 0.4, 0, 0, 0, 1, 1, 1, 1]], dtype=DOUBLE)
    foreground, _ = rasterize(watercolor, "watercolor", 40, 40)
    centres = (torch.arange(40, dtype=DOUBLE) + 0.5) / 40
    middle = slice(6, 34)
    torch.testing.assert_close(foreground[0, 0, 20, middle], (centres[middle] - 0.1) / 0.8)


@pytest.mark.parametrize("name", ["watercolor", "marker"])
def test_curve_ends(name: str) -> None:
    # A level stroke, half-width 5 pixels: the disc ends round, the square ends square.
    brush = brush_named(name)
    stroke = torch.full((1, brush.num_parameters), 1.0)
    stroke[0, :8] = torch.tensor([0.25, 0.5, 0.5, 0.5, 0.75, 0.5, 0.5, 0.5])
    alpha = rasterize(stroke, brush, 40, 40)[1][0, 0]
    assert alpha[20, 6] == 1 and alpha[20, 33] == 1 and alpha[20, 4] == 0 and alpha[16, 20] == 1 and alpha[14, 20] == 0
    assert (alpha[15, 5] == 0) if name == "watercolor" else (alpha[15, 5] == 1)


def test_a_straight_ribbon_is_an_oil_stroke() -> None:
    brush = brush_named("textured")
    x, y, width, height, turn = 0.52, 0.47, 0.7, 0.3, 0.15
    oil = torch.tensor([[x, y, width, height, turn, 0.9, 0.1, 0.3, 0.2, 0.6, 0.4, 0.8]], dtype=DOUBLE)
    dx, dy = width / 2 * math.cos(math.pi * turn), -width / 2 * math.sin(math.pi * turn)
    ribbon = torch.tensor([[x - dx, y - dy, 0.5, 0.5, x + dx, y + dy, 2 * height]], dtype=DOUBLE)
    ribbon = torch.cat([ribbon, oil[:, 5:]], 1)
    arguments = (brush.texture, 61, 70, 1.5, DOUBLE)
    expected = torch.ops.neuralpaint.rasterize(oil, brush.kind, *arguments)
    found = torch.ops.neuralpaint.rasterize(ribbon, get_brush("flat").kind, *arguments)
    for ours, truth in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, truth)


def test_the_streaks_of_a_ribbon_follow_its_bend() -> None:
    # A quarter turn: what is half-way along the texture lies on the diagonal, and from there on there is no paint.
    alpha, ridge = np.zeros((8, 64), np.uint8), np.full((8, 64), 128, np.uint8)
    alpha[:, :32] = 255
    texture = pack_texture(np.stack([alpha, alpha]), np.stack([ridge, ridge]))
    stroke = torch.tensor([[0.1, 0.9, 0.0, 1.0, 0.9, 0.1, 0.3, *[0.5] * 6, 1.0]], dtype=DOUBLE)
    found = torch.ops.neuralpaint.rasterize(stroke, get_brush("flat").kind, texture, 200, 200, 1.0, DOUBLE)[1][0, 0]
    assert found.sum() == pytest.approx(0.5 * 1.3 * 0.15 * 200**2, rel=0.04)
    rows, columns = (found > 0.5).nonzero(as_tuple=True)
    assert (rows > columns - 4).all() or (rows < columns + 4).all()


def test_round_bristles_leave_streaks_and_run_dry() -> None:
    # A level stroke to the right, 80 pixels wide.
    stroke = torch.tensor([[0.25, 0.5, 0.75, 0.5, 0.8, 0.6, 0.4, 0.2, 1.0]], dtype=DOUBLE)
    foreground, alpha = rasterize(stroke, "round", 200, 200)
    alpha, colour = alpha[0, 0], foreground[0, 0]
    assert alpha[100, 5] == 0 and alpha[100, 20] > 0 and alpha[54, 100] == 0 and alpha[146, 100] == 0
    columns = alpha[70:130]
    assert (columns.std(0)[60:150] > 0.03).all()  # streaks
    assert columns[:, 60].mean() > 0.8 and columns[:, 150].mean() < 0.7  # worn on the way
    assert colour[70:130, 100].std() > 0.02  # ridges
    # Drawn from the other end it is turned by half a turn.
    turned = rasterize(stroke[:, [2, 3, 0, 1, 4, 5, 6, 7, 8]], "round", 200, 200)[1][0, 0]
    torch.testing.assert_close(turned, alpha.flip(0, 1))


def test_round_streaks_finer_than_a_pixel_are_an_even_tone() -> None:
    stroke = torch.tensor([[0.2, 0.5, 0.8, 0.5, 0.15, 0.6, 0.4, 0.2, 1.0]], dtype=DOUBLE)
    sheer = rasterize(stroke, "round", 60, 60, softness=2.0)[1][0, 0]
    fine = rasterize(stroke, "round", 960, 960)[1]
    tone = torch.nn.functional.avg_pool2d(fine, 16)[0, 0]
    middle = (slice(29, 31), slice(15, 40))
    torch.testing.assert_close(sheer[middle].mean(), tone[middle].mean(), atol=0.08, rtol=0)
    assert sheer[middle].std(0).max() < 0.02


@pytest.mark.parametrize("name", BRUSHES)
def test_opacity_scales_alpha_only(name: str) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 6)
    full = strokes.clone()
    full[:, -1] = 1
    clear = strokes.clone()
    clear[:, -1] = 0
    foreground, alpha = rasterize(strokes, brush, 20, 20)
    full_foreground, coverage = rasterize(full, brush, 20, 20)
    clear_foreground, nothing = rasterize(clear, brush, 20, 20)
    assert torch.equal(foreground, full_foreground) and torch.equal(foreground, clear_foreground)
    torch.testing.assert_close(alpha, coverage * strokes[:, -1, None, None, None])
    assert not nothing.any()
    assert coverage.min() >= 0 and coverage.max() <= 1 + 1e-12


@pytest.mark.parametrize("name", BRUSHES)
def test_no_dark_fringe(name: str) -> None:
    # Compositing a white stroke over white leaves exactly white: the colour is not darkened where coverage is partial.
    brush = brush_named(name)
    strokes = random_strokes(brush, 40, seed=2, dtype=SINGLE)
    strokes[:, brush.colors[0].start : -1] = 1
    foreground, alpha = rasterize(strokes, brush, 33, 29)
    covered = (alpha > 0).expand_as(foreground)
    assert covered.any() and (foreground[covered] == 1).all()
    assert (alpha * foreground + (1 - alpha) == 1).all()


# The box filter runs across an edge and not over the pixel's square, and its two ends meet at a corner in another way
# than the true areas do: worst at a marker's corner that points along x or y, where the truth is 1/2 or 1/4 less.
@pytest.mark.parametrize(
    ("name", "largest", "mean"),
    [("tape", 0.1, 0.002), ("oil", 0.1, 0.002), ("watercolor", 0.12, 0.003), ("marker", 0.3, 0.004)],
)
def test_coverage_is_the_area_covered(name: str, largest: float, mean: float) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 5, seed=4)
    strokes[:, -1] = 1
    if name == "oil":
        # Its bare rectangle: a tape of twice the sides.
        bare = torch.cat([strokes[:, :2], 2 * strokes[:, 2:4], strokes[:, 4:8], strokes[:, -1:]], 1)
        coverage = rasterize(bare, "tape", 28, 22)[1][:, 0]
    else:
        coverage = rasterize(strokes, brush, 28, 22)[1][:, 0]
    error = (coverage - reference.supersampled_coverage(strokes, brush, 28, 22, steps=512)).abs()
    assert error.max() < largest and error.mean() < mean


@pytest.mark.parametrize(
    ("name", "largest", "mean"),
    [
        ("tape", 0.1, 0.002),
        ("watercolor", 0.1, 0.002),
        ("marker", 0.3, 0.002),
        # Bristles finer than a pixel: two sizes read different levels of the texture.
        ("oil", 0.4, 0.02),
        ("round", 0.2, 0.01),
        ("flat", 0.5, 0.02),
        ("textured", 0.2, 0.01),
    ],
)
def test_size_does_not_change_the_picture(name: str, largest: float, mean: float) -> None:
    brush = brush_named(name)
    strokes = random_strokes(brush, 8, seed=1, dtype=SINGLE)
    strokes[:, -1] = 1
    small = rasterize(strokes, brush, 128, 128)
    large = rasterize(strokes, brush, 512, 512)
    reduced = torch.nn.functional.avg_pool2d(large[1], 4)
    error = (small[1] - reduced).abs()
    assert error.max() < largest and error.mean() < mean
    # The colour laid down, not the foreground alone, whose support ends with the last trace of coverage.
    laid = torch.nn.functional.avg_pool2d(large[0] * large[1], 4)
    error = (small[0] * small[1] - laid).abs()
    assert error.max() < largest and error.mean() < mean


# ---- arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"strokes": torch.zeros(9)}, "strokes"),
        ({"strokes": torch.zeros(2, 12)}, "strokes"),
        ({"strokes": torch.zeros(1, 2, 9)}, "strokes"),
        ({"strokes": torch.zeros(2, 9, dtype=torch.int64)}, "strokes"),
        ({"strokes": torch.zeros(2, 9, dtype=torch.float16)}, "strokes"),
        ({"strokes": torch.full((2, 9), float("nan"))}, "strokes"),
        ({"strokes": torch.full((2, 9), float("inf"))}, "strokes"),
        ({"strokes": [[0.5] * 9]}, "strokes"),
        ({"brush": "crayon"}, "crayon"),
        ({"brush": 3}, "brush"),
        ({"height": 0}, "height"),
        ({"height": -4}, "height"),
        ({"height": 2.5}, "height"),
        ({"height": 1 << 20}, "height"),
        ({"width": 0}, "width"),
        ({"width": True}, "width"),
        ({"softness": 0.0}, "softness"),
        ({"softness": -1.0}, "softness"),
        ({"softness": float("nan")}, "softness"),
        ({"softness": float("inf")}, "softness"),
        ({"softness": "soft"}, "softness"),
        ({"dtype": torch.int16}, "dtype"),
        ({"dtype": torch.float64}, "dtype"),
        ({"dtype": torch.complex64}, "dtype"),
    ],
)
def test_bad_arguments_are_named(changes: dict, name: str) -> None:
    arguments = {"strokes": torch.full((2, 9), 0.5), "brush": "tape", "height": 8, "width": 8}
    with pytest.raises((ValueError, TypeError), match=name):
        rasterize(**(arguments | changes))


def test_unknown_brush_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match="marker"):
        rasterize(torch.zeros(1, 12), "markr", 8, 8)
