"""`render_paths` against plain torch, against areas that are known, and its behaviour as a PyTorch op."""

import math

import pytest
import torch

from neuralpaint.ops import PathLayout, reference, render_paths

LAYOUTS = {
    "closed, miter": {"join": "miter"},
    "closed, round, even-odd": {"join": "round", "fill_rule": "evenodd"},
    "open, butt, bevel": {"closed": False, "join": "bevel"},
    "open, round": {"closed": False, "cap": "round", "join": "round"},
    "open, square, even-odd": {"closed": False, "cap": "square", "fill_rule": "evenodd"},
}
KAPPA = 4 / 3 * (math.sqrt(2) - 1)


def sample(segments, height, width, dtype=torch.float64, seed=0, batch=1, paths=None):
    """Canvas, points that reach beyond it, fill, stroke and widths."""
    generator = torch.Generator().manual_seed(seed)
    paths = len(segments) if paths is None else paths

    def drawn(*shape):
        return torch.rand(batch, *shape, generator=generator, dtype=torch.float64)

    points = drawn(sum(segments), 4, 2) * (torch.tensor([width, height]) + 8.0) - 4
    tensors = drawn(3, height, width), points, drawn(paths, 4), drawn(paths, 4), 0.4 + 3 * drawn(paths)
    return [tensor.to(dtype).requires_grad_() for tensor in tensors]


def draw(layout, canvas, points, fill, stroke, width):
    return render_paths(canvas, points, layout, fill=fill, stroke=stroke, width=width, pixels_per_unit=1)


def truth(layout, canvas, points, fill, stroke, width):
    return reference.render_paths(canvas, points, layout, fill=fill, stroke=stroke, width=width)


def with_gradients(function, layout, tensors):
    output = function(layout, *tensors)
    weights = torch.linspace(-1, 2, output.numel(), dtype=torch.float64).reshape(output.shape).to(output.dtype)
    return [output, *torch.autograd.grad(output, tensors, weights, allow_unused=True, materialize_grads=True)]


def polygon(*corners):
    """Segments `[n, 4, 2]` of straight lines."""
    start = torch.tensor(corners, dtype=torch.float64)
    way = start.roll(-1, 0) - start
    return torch.stack([start + part * way for part in (0, 1 / 3, 2 / 3, 1)], 1)


def circle(x, y, radius):
    """`[4, 4, 2]`"""
    quarter = torch.tensor([[1, 0], [1, KAPPA], [KAPPA, 1], [0, 1]], dtype=torch.float64)
    turn = torch.tensor([[0, 1], [-1, 0]], dtype=torch.float64)
    quarters = [quarter]
    for _ in range(3):
        quarters.append(quarters[-1] @ turn)
    return radius * torch.stack(quarters) + torch.tensor([x, y], dtype=torch.float64)


def covered(points, rows=32, columns=40, dtype=torch.float64, layout=None, **paint):
    """Coverage `[H, W]` of one path, white on black."""
    layout = layout or PathLayout.of([len(points)])
    white = torch.ones(1, 1, 4, dtype=dtype)
    paint = {name: torch.full((1, 1), value, dtype=dtype) for name, value in paint.items()}
    colors = {"stroke": white} if paint else {"fill": white}
    canvas = torch.zeros(1, 3, rows, columns, dtype=dtype)
    return render_paths(canvas, points[None].to(dtype), layout, pixels_per_unit=1, **colors, **paint)[0, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("style", LAYOUTS)
def test_matches_reference(style, dtype):
    layout = PathLayout.of([2, 1, 1], contours=[1, 2], miter_limit=[1.2, 20], **LAYOUTS[style])
    tensors = sample([2, 1, 1], 17, 11, dtype, seed=2, batch=2 if style == "open, round" else 1, paths=2)
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    tolerance = 1e-4 if dtype == torch.float32 else 1e-11
    ours, wanted = with_gradients(draw, layout, tensors), with_gradients(truth, layout, exact)
    assert all(bool(grad.any()) for grad in wanted), "the sample tests nothing"
    for found, right in zip(ours, wanted, strict=True):
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("style", ["closed, miter", "open, square, even-odd"])
def test_gradcheck(style):
    layout = PathLayout.of([1], **LAYOUTS[style])
    tensors = sample([1], 6, 5, seed=3)
    assert torch.autograd.gradcheck(lambda *given: draw(layout, *given), tensors, eps=1e-6, atol=1e-6)


def test_rectangles_between_pixels_are_covered_exactly():
    left, top, right, bottom = 2.25, 3.5, 9.125, 7.75
    found = covered(polygon((left, top), (right, top), (right, bottom), (left, bottom)), 12, 12)

    def share(low, high):
        pixels = torch.arange(12, dtype=torch.float64)
        return (pixels + 1).clamp(max=high).sub(pixels.clamp(min=low)).clamp(min=0)

    torch.testing.assert_close(found, share(top, bottom)[:, None] * share(left, right), rtol=0, atol=1e-14)


@pytest.mark.parametrize("radius", [0.3, 1.0, 4.0, 13.0])
def test_circles_have_the_area_of_their_curve(radius):
    # The area within a cubic, by Green's theorem.
    t = torch.linspace(0, 1, 4001, dtype=torch.float64)[:, None]
    p = circle(0, 0, radius)[0]
    curve = (1 - t) ** 3 * p[0] + 3 * (1 - t) ** 2 * t * p[1] + 3 * (1 - t) * t**2 * p[2] + t**3 * p[3]
    area = 2 * float((curve[:-1, 0] * curve[1:, 1] - curve[:-1, 1] * curve[1:, 0]).sum())
    assert area == pytest.approx(math.pi * radius**2, rel=5e-4)
    assert float(covered(circle(19.3, 15.7, radius)).sum()) == pytest.approx(area, rel=2e-4, abs=5e-3)


def test_stroked_circles_have_the_area_of_a_ring():
    area = float(covered(circle(19.3, 15.7, 10), width=3.0).sum())
    assert area == pytest.approx(2 * math.pi * 10 * 3, rel=1e-3)


@pytest.mark.parametrize(("cap", "area"), [("butt", 48.0), ("square", 64.0), ("round", 48 + 4 * math.pi)])
def test_caps(cap, area):
    line = polygon((9.2, 8.1), (21.2, 8.1))[:1]
    found = covered(line, layout=PathLayout.of([1], closed=False, cap=cap), width=4.0)
    assert float(found.sum()) == pytest.approx(area, abs=1e-3)


@pytest.mark.parametrize(("join", "corner"), [("miter", 4.0), ("bevel", 2.0), ("round", math.pi)])
def test_joins(join, corner):
    way = polygon((8.0, 8.0), (20.0, 8.0), (20.0, 20.0))[:2]
    found = covered(way, layout=PathLayout.of([2], closed=False, join=join), width=4.0)
    # Two bars that share the inner quarter of the corner's square, and what the join adds.
    assert float(found.sum()) == pytest.approx(2 * 12 * 4 - 4 + corner, abs=0.05)
    assert float(found.max()) <= 1


def test_a_miter_beyond_the_limit_is_a_bevel():
    spike = polygon((6.0, 8.0), (30.0, 9.0), (6.0, 10.0))[:2]
    layout = PathLayout.of([2, 2], closed=False, miter_limit=[4, 60])
    below = spike + torch.tensor([0.0, 12.0])
    paint = {"stroke": torch.ones(1, 2, 4).double(), "width": torch.ones(1, 2).double(), "pixels_per_unit": 1}
    canvas = torch.zeros(1, 3, 32, 64, dtype=torch.float64)
    found = render_paths(canvas, torch.cat([spike, below])[None], layout, **paint)[0, 0]
    assert float(found[16:, 33:].sum()) > 1 and not found[:16, 33:].any()


@pytest.mark.parametrize("radius", [2.0, 5.0])
def test_strokes_cover_what_is_near_the_line(radius):
    """Against distances: joins, caps and turns tighter than the stroke leave no holes and add nothing."""
    curve = torch.tensor([[[8, 20], [34, 6], [4, 6], [30, 20.0]]], dtype=torch.float64)
    layout = PathLayout.of([1], closed=False, cap="round", join="round")
    found = covered(curve, layout=layout, width=2 * radius)
    t = torch.linspace(0, 1, 400, dtype=torch.float64)[:, None]
    p = curve[0]
    line = (1 - t) ** 3 * p[0] + 3 * (1 - t) ** 2 * t * p[1] + 3 * (1 - t) * t**2 * p[2] + t**3 * p[3]
    y, x = torch.meshgrid(torch.arange(32) + 0.5, torch.arange(40) + 0.5, indexing="ij")
    distance = torch.cdist(torch.stack([x, y], -1).reshape(-1, 2).double(), line).amin(1).reshape(32, 40)
    assert bool((found[distance < radius - 0.8] > 1 - 1e-9).all())
    assert bool((found[distance > radius + 0.8] < 1e-9).all())


def test_fill_rules_of_nested_contours():
    ring = torch.cat([circle(16, 16, 12), circle(16, 16, 6)])
    both = {
        rule: covered(ring, layout=PathLayout.of([4, 4], contours=[2], fill_rule=rule))[16, 16].item()
        for rule in ("nonzero", "evenodd")
    }
    assert both == {"nonzero": pytest.approx(1), "evenodd": pytest.approx(0, abs=1e-12)}


def test_paths_lie_over_each_other_in_order():
    square = polygon((0, 0), (8, 0), (8, 8), (0, 8))
    colors = torch.tensor([[[1, 0, 0, 1.0], [0, 0, 1, 0.5]]])
    canvas = torch.ones(1, 3, 8, 8)
    found = render_paths(canvas, torch.stack([square, square])[None].float(), fill=colors, pixels_per_unit=1)
    assert found[0, :, 4, 4].tolist() == [0.5, 0, 0.5]


def test_units_are_the_shorter_side():
    canvas, points = torch.zeros(1, 3, 20, 30), circle(0.5, 0.5, 0.4)[None, None].float()
    white = torch.ones(1, 1, 4)
    assert torch.equal(
        render_paths(canvas, points, fill=white), render_paths(canvas, 20 * points, fill=white, pixels_per_unit=1)
    )


def test_a_shape_on_whole_pixels_still_feels_a_gradient():
    square = polygon((2, 2), (6, 2), (6, 6), (2, 6)).float().requires_grad_()
    covered(square, 8, 8, torch.float32).sum().backward()
    assert bool((square.grad.abs().sum((1, 2)) > 0.5).all())


DEGENERATE = {
    "one point": lambda p: p[:, :1, :1].expand(p.shape),
    "a line there and back": lambda p: torch.stack([p[..., 0], p[..., 0]], -1),
    "far right": lambda p: p + 5e4,
    "far left": lambda p: p - 5e4,
    "far up and down": lambda p: torch.stack([p[..., 0], 1e6 * (p[..., 1] - 8)], -1),
    "huge": lambda p: p * 1e30,
    "hugest": lambda p: torch.finfo(p.dtype).max * torch.sign(p - 8),
    "tiny": lambda p: p * 1e-38,
    "zero": lambda p: 0 * p,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_and_extreme_paths_stay_finite(name, dtype):
    for style in LAYOUTS.values():
        tensors = sample([2, 1], 17, 18, dtype, seed=5)
        tensors[1] = DEGENERATE[name](tensors[1].detach()).requires_grad_()
        tensors[4] = tensors[4].detach().mul(torch.tensor([1e30 if name == "huge" else 1.0, 0.0], dtype=dtype))
        tensors[4].requires_grad_()
        found = with_gradients(draw, PathLayout.of([2, 1], **style), tensors)
        assert all(bool(tensor.isfinite().all()) for tensor in found)
        assert bool(((found[0] >= -1e-5) & (found[0] <= 1 + 1e-5)).all())


def test_far_points_still_cover():
    """What is in the picture of a shape far larger than it, and the gradient of an edge that crosses it."""
    big = polygon((-1e8, -1e8), (7.5, -1e8), (7.5, 1e8), (-1e8, 1e8)).requires_grad_()
    found = covered(big, 8, 16)
    expected = torch.tensor([1.0] * 7 + [0.5] + [0.0] * 8, dtype=torch.float64).expand(8, 16)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    found.sum().backward()
    assert float(big.grad[..., 0].sum()) == pytest.approx(8, rel=1e-6)


def test_points_of_a_stroked_dot_move_it():
    points = torch.full((1, 1, 4, 2), 8.3, dtype=torch.float64, requires_grad=True)
    layout = PathLayout.of([1], closed=False, cap="round")
    dot = render_paths(
        torch.zeros(1, 3, 16, 16).double(),
        points,
        layout,
        stroke=torch.ones(1, 1, 4).double(),
        width=torch.full((1, 1), 6.0).double(),
        pixels_per_unit=1,
    )
    assert float(dot[0, 0].detach().sum()) == pytest.approx(9 * math.pi, rel=1e-2)
    (dot * torch.arange(16)).sum().backward()
    assert float(points.grad[..., 0].sum()) == pytest.approx(3 * 9 * math.pi, rel=2e-2)


@pytest.mark.parametrize(("batch", "paths", "height", "width"), [(0, 2, 4, 5), (2, 0, 4, 5), (0, 0, 1, 1)])
def test_nothing_to_draw_leaves_the_canvas(batch, paths, height, width):
    layout = PathLayout.of([1] * paths)
    tensors = sample([1] * paths, height, width, batch=batch)
    output, grad, *others = with_gradients(draw, layout, tensors)
    assert output.shape == (batch, 3, height, width) and (paths or torch.equal(output, tensors[0]))
    assert grad.shape == output.shape and not any(bool(other.any()) for other in others)


def test_a_hundred_thousand_paths():
    """Each far smaller than a pixel: what they cover in sum, and memory that does not grow with paths times pixels."""
    count = 100_000
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(1, count, 1, 1, 2, generator=generator) * 200
    points = (places + 0.05 * polygon((0, 0), (1, 0), (0, 1)).float()).contiguous().requires_grad_()
    fill = torch.ones(1, count, 4)
    found = render_paths(torch.zeros(1, 3, 200, 200), points, fill=fill, pixels_per_unit=1)
    found.sum().backward()
    assert float(found[0, 0].sum()) == pytest.approx(count * 0.05**2 / 2, rel=0.02)
    assert bool(points.grad.isfinite().all()) and bool(points.grad.any())


def test_many_layers_are_differentiated_in_portions():
    """So many wide layers that the canvases below them are kept for a part at a time."""
    count = 3000
    bars = torch.stack([polygon((0, 0), (700, 0), (700, 1 + k % 7), (0, 1 + k % 7)) for k in range(7)])
    points = bars[torch.arange(count) % 7][None].float().requires_grad_()
    fill = torch.full((1, count, 4), 0.5)
    fill[..., 3] = 0.002
    fill.requires_grad_()
    found = render_paths(torch.zeros(1, 3, 4, 700), points, fill=fill, pixels_per_unit=1)
    found.sum().backward()
    # The first row is covered by all: a layer's color counts as often as those above let it through.
    last_first = fill.grad[0, [-1, -2, 0], 0] / fill.grad[0, -1, 0]
    rows = torch.tensor([1 + k % 7 for k in range(count)]).clamp(max=4).double()
    through = sum(0.998 ** float((rows[1:] > row).sum()) for row in range(int(rows[0])))
    expected = through / float(rows[-1])
    assert float(last_first[2]) == pytest.approx(expected, rel=1e-3)


def test_same_bits_every_time_and_for_any_number_of_threads():
    layout = PathLayout.of([3] * 150, join="round")
    tensors = sample([3] * 150, 70, 61, torch.float32)
    threads = torch.get_num_threads()
    runs = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            runs.append(with_gradients(draw, layout, tensors))
    finally:
        torch.set_num_threads(threads)
    for run in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))


def test_opcheck():
    layout = PathLayout.of([2, 1])
    tensors = sample([2, 1], 6, 7, torch.float32)
    tensors += [torch.zeros(1, 0, 5), torch.zeros(1, 0, 8)]  # no gradients
    rest = (layout.contours, layout.styles, layout.gradients, layout.miter_limits)
    torch.library.opcheck(torch.ops.neuralpaint.render_paths.default, (*tensors, *rest))
    plain = [tensor.detach() for tensor in tensors]
    grad = torch.rand_like(plain[0])
    quick = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(torch.ops.neuralpaint.render_paths_backward.default, (grad, *plain, *rest), test_utils=quick)


def test_compiles_whole():
    layout = PathLayout.of([2, 1])
    tensors = sample([2, 1], 6, 7, torch.float32)
    compiled = torch.compile(lambda *given: draw(layout, *given).sin(), fullgraph=True, backend="aot_eager")
    eager = with_gradients(lambda layout, *given: draw(layout, *given).sin(), layout, tensors)
    for ours, wanted in zip(with_gradients(lambda _, *given: compiled(*given), layout, tensors), eager, strict=True):
        torch.testing.assert_close(ours, wanted)


NAN = torch.tensor(float("nan"))


@pytest.mark.parametrize(
    ("change", "error", "name"),
    [
        ({"canvas": [1.0]}, TypeError, "canvas"),
        ({"canvas": None}, TypeError, "canvas"),
        ({"points": None}, TypeError, "points"),
        ({"canvas": torch.zeros(1, 4, 6, 7)}, ValueError, "canvas"),
        ({"canvas": torch.zeros(1, 3, 0, 7)}, ValueError, "canvas"),
        ({"canvas": torch.zeros(1, 3, 6, 7).half()}, TypeError, "canvas"),
        ({"points": torch.zeros(1, 3, 4, 2).double()}, TypeError, "points"),
        ({"points": torch.zeros(1, 2, 4, 2)}, ValueError, "points"),
        ({"points": torch.zeros(2, 3, 4, 2)}, ValueError, "points"),
        ({"points": NAN.expand(1, 3, 4, 2)}, ValueError, "points"),
        ({"points": torch.full((1, 3, 4, 2), math.inf)}, ValueError, "points"),
        ({"layout": None}, ValueError, "points"),
        ({"layout": [2, 1]}, TypeError, "layout"),
        ({"fill": torch.zeros(1, 2, 3)}, ValueError, "fill"),
        ({"fill": torch.zeros(1, 3, 4)}, ValueError, "fill"),
        ({"fill": NAN.expand(1, 2, 4)}, ValueError, "fill"),
        ({"stroke": torch.zeros(1, 2, 4).to("meta")}, ValueError, "stroke"),
        ({"width": None}, ValueError, "width"),
        ({"stroke": None}, ValueError, "width"),
        ({"width": torch.tensor([[1.0, -1.0]])}, ValueError, "width"),
        ({"width": torch.ones(1, 2, 1)}, ValueError, "width"),
        ({"pixels_per_unit": 0.0}, ValueError, "pixels_per_unit"),
    ],
)
def test_bad_arguments_are_named(change, error, name):
    tensors = [tensor.detach() for tensor in sample([2, 1], 6, 7, torch.float32)]
    call = dict(zip(("canvas", "points", "fill", "stroke", "width"), tensors, strict=True))
    call["layout"] = PathLayout.of([2, 1])
    with pytest.raises(error, match=f"^{name} "):
        render_paths(**(call | change))


@pytest.mark.parametrize(
    ("change", "error", "name"),
    [
        ({"segments": [0]}, ValueError, "segments"),
        ({"segments": [1.5]}, TypeError, "segments"),
        ({"contours": [3]}, ValueError, "contours"),
        ({"closed": [True]}, ValueError, "closed"),
        ({"fill_rule": "winding"}, ValueError, "fill_rule"),
        ({"cap": ["round"]}, ValueError, "cap"),
        ({"join": ["round", "none"]}, ValueError, "join"),
    ],
)
def test_bad_layouts_are_named(change, error, name):
    with pytest.raises(error, match=f"^{name} must"):
        PathLayout.of(**({"segments": [1, 2]} | change))
