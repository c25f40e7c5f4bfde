"""Gradients as paints and groups with opacity in `render_paths`: against plain torch and values found by hand."""

import pytest
import torch

from neuralpaint.ops import PathLayout, linear_map, radial_map, reference, render_paths

KINDS = [("linear", "pad"), ("linear", "reflect"), ("linear", "repeat"), ("radial", "pad"), ("radial", "repeat")]
NAMES = ("canvas", "points", "fill", "stroke", "width", "stops", "gradient_maps", "group_opacity")


def scene(kind="linear", spread="pad", groups=(), height=9, width=7, batch=1, dtype=torch.float64, paths=3):
    """A layout, and the tensors that it takes. Two gradients, used by fills and strokes of several paths."""
    generator = torch.Generator().manual_seed(4)

    def drawn(*shape):
        return torch.rand(batch, *shape, generator=generator, dtype=torch.float64)

    layout = PathLayout.of(
        [2] * paths,
        gradients=[(kind, spread, 3), ("radial", "reflect", 2)],
        fill_gradient=[0, 1, -1][:paths],
        stroke_gradient=[1, -1, 0][:paths],
        groups=groups,
        join="round",
    )
    stops = drawn(5, 5)
    stops[:, :, 0] = torch.tensor([0.1, 0.4, 0.9, 0.0, 0.7])
    first = linear_map(drawn(2) * 4, 4 + 2 * drawn(2))
    if kind == "radial":
        first = radial_map(2 + 3 * drawn(2), 3 + drawn(), 3 + drawn(2))
    maps = torch.stack([first, radial_map(2 + 3 * drawn(2), 3 + drawn(), 4 + drawn(2))], 1)
    points = drawn(2 * paths, 4, 2) * (torch.tensor([width, height]) + 4.0) - 2
    tensors = [drawn(3, height, width), points, drawn(paths, 4), drawn(paths, 4), 0.4 + 2 * drawn(paths), stops, maps]
    tensors += [drawn(len(groups))] if groups else []
    return layout, [tensor.to(dtype).requires_grad_() for tensor in tensors]


def draw(layout, *tensors):
    given = dict(zip(NAMES, tensors, strict=False))
    return render_paths(given.pop("canvas"), given.pop("points"), layout, **given, pixels_per_unit=1)


def truth(layout, *tensors):
    given = dict(zip(NAMES, tensors, strict=False))
    return reference.render_paths(given.pop("canvas"), given.pop("points"), layout, **given)


def with_gradients(function, layout, tensors):
    output = function(layout, *tensors)
    weights = torch.linspace(-1, 2, output.numel(), dtype=torch.float64).reshape(output.shape).to(output.dtype)
    return [output, *torch.autograd.grad(output, tensors, weights)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("kind", "spread"), KINDS)
def test_matches_reference(kind, spread, dtype):
    layout, tensors = scene(kind, spread, [(0, 3), (1, 2)], batch=2 if spread == "pad" else 1, dtype=dtype)
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    tolerance = 2e-3 if dtype == torch.float32 else 1e-10
    ours, wanted = with_gradients(draw, layout, tensors), with_gradients(truth, layout, exact)
    assert all(bool(grad.any()) for grad in wanted), "the sample tests nothing"
    for found, right in zip(ours, wanted, strict=True):
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["linear", "radial"])
def test_gradcheck(kind):
    layout, tensors = scene(kind, "pad", [(0, 2)], height=5, width=4, paths=2)
    assert torch.autograd.gradcheck(lambda *given: draw(layout, *given), tensors, eps=1e-6, atol=1e-5)


def square(side, **paint):
    """`[3, side, side]`: a square that covers a black canvas."""
    corners = torch.tensor([[0, 0], [side, 0], [side, side], [0, side]], dtype=torch.float64)
    way = corners.roll(-1, 0) - corners
    points = torch.stack([corners + part * way for part in (0, 1 / 3, 2 / 3, 1)], 1)
    canvas = torch.zeros(1, 3, side, side, dtype=torch.float64)
    return render_paths(canvas, points[None], **paint, fill=torch.ones(1, 1, 4).double(), pixels_per_unit=1)[0]


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        ("pad", [0, 0, 0.25, 0.75, 1, 1, 1, 1]),
        ("repeat", [0.25, 0.75] * 4),
        ("reflect", [0.75, 0.25, 0.25, 0.75] * 2),
    ],
)
def test_linear_gradients_by_hand(spread, expected):
    layout = PathLayout.of([4], gradients=[("linear", spread, 2)], fill_gradient=0)
    stops = torch.tensor([[[0, 0, 0, 0, 1], [1, 1, 0, 0, 1.0]]]).double()
    maps = linear_map(torch.tensor([[[2.0, 5.0]]]), torch.tensor([[[4.0, 5.0]]])).double()
    found = square(8, layout=layout, stops=stops, gradient_maps=maps)
    torch.testing.assert_close(found[0], torch.tensor(expected).double().expand(8, 8))
    assert not found[1:].any()


def test_radial_gradients_by_hand():
    layout = PathLayout.of([4], gradients=[("radial", "pad", 2)], fill_gradient=0)
    stops = torch.tensor([[[0, 0, 0, 0, 1], [1, 1, 1, 1, 0.5]]]).double()
    maps = radial_map(torch.tensor([[[3.5, 3.5]]]), torch.tensor([[4.0]]), torch.tensor([[[1.5, 3.5]]])).double()
    found = square(8, layout=layout, stops=stops, gradient_maps=maps)[0]
    # Along the line through focus and centre the circle ends 2 pixels to the left and 6 to the right.
    for x, t in ((0, 1 / 2), (1, 0.0), (4, 3 / 6), (7, 1.0)):
        assert float(found[3, x]) == pytest.approx(t * (1 - 0.5 * t), abs=1e-12), x


def test_offsets_that_fall_count_as_those_before_and_equal_ones_are_an_edge():
    layout = PathLayout.of([4], gradients=[("linear", "pad", 3)], fill_gradient=0)
    maps = linear_map(torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[8.0, 0.0]]])).double()
    rows = []
    for offset in (0.5, 0.2):
        stops = torch.tensor([[[0, 0, 0, 0, 1], [0.5, 1, 0, 0, 1], [offset, 0, 1, 0, 1]]]).double()
        rows.append(square(8, layout=layout, stops=stops, gradient_maps=maps)[:, 0])
    assert torch.equal(rows[0], rows[1])
    assert rows[0][0].tolist() == pytest.approx([0.125, 0.375, 0.625, 0.875, 0, 0, 0, 0])
    assert rows[0][1].tolist() == [0] * 4 + [1] * 4


def test_a_group_is_drawn_on_a_transparent_layer():
    """Two squares that overlap, half opaque: within the group the upper one hides the lower."""
    layout = PathLayout.of([4, 4], groups=[(0, 2)])
    whole = torch.tensor([[0, 0], [8, 0], [8, 8], [0, 8]], dtype=torch.float64)
    segments = [torch.stack([c + k * (c.roll(-1, 0) - c) for k in (0, 1 / 3, 2 / 3, 1)], 1) for c in (whole, whole / 2)]
    fill = torch.tensor([[[1, 0, 0, 1], [0, 1, 0, 1.0]]]).double()
    canvas = torch.ones(1, 3, 8, 8).double()
    found = render_paths(
        canvas, torch.cat(segments)[None], layout, fill=fill, group_opacity=torch.full((1, 1), 0.5).double(),
        pixels_per_unit=1,
    )[0]  # fmt: skip
    assert found[:, 0, 0].tolist() == [0.5, 1, 0.5] and found[:, 7, 7].tolist() == [1, 0.5, 0.5]


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e30])
@pytest.mark.parametrize("spread", ["pad", "reflect", "repeat"])
def test_extreme_maps_stay_finite(spread, scale):
    for kind in ("linear", "radial"):
        layout, tensors = scene(kind, spread, dtype=torch.float32)
        tensors[6] = (tensors[6].detach() * scale).requires_grad_()
        assert all(bool(tensor.isfinite().all()) for tensor in with_gradients(draw, layout, tensors))


def test_same_bits_for_any_number_of_threads():
    layout, tensors = scene(height=70, width=61, dtype=torch.float32)
    threads, runs = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            runs.append(with_gradients(draw, layout, tensors))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_opcheck_and_compile():
    layout, tensors = scene(dtype=torch.float32)
    rest = (layout.contours, layout.styles, layout.gradients, layout.miter_limits)
    plain = [tensor.detach() for tensor in tensors]
    quick = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(torch.ops.neuralpaint.render_paths.default, (*tensors, *rest), test_utils=quick)
    grad = torch.rand_like(plain[0])
    torch.library.opcheck(torch.ops.neuralpaint.render_paths_backward.default, (grad, *plain, *rest), test_utils=quick)
    layout, tensors = scene(groups=[(0, 2)], dtype=torch.float32)
    compiled = torch.compile(lambda *given: draw(layout, *given), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*tensors), draw(layout, *tensors))


@pytest.mark.parametrize(
    ("change", "error", "name"),
    [
        ({"stops": None}, ValueError, "stops"),
        ({"gradient_maps": None}, ValueError, "gradient_maps"),
        ({"group_opacity": None}, ValueError, "group_opacity"),
        ({"layout": PathLayout.of([2, 2, 2])}, ValueError, "stops"),
        ({"stops": torch.zeros(1, 4, 5)}, ValueError, "stops"),
        ({"gradient_maps": torch.zeros(1, 2, 6)}, ValueError, "gradient_maps"),
        ({"group_opacity": torch.zeros(1, 2)}, ValueError, "group_opacity"),
        ({"stops": torch.full((1, 5, 5), float("nan"))}, ValueError, "stops"),
        ({"gradient_maps": torch.zeros(1, 2, 8).double()}, TypeError, "gradient_maps"),
    ],
)
def test_bad_arguments_are_named(change, error, name):
    layout, tensors = scene(groups=[(0, 2)], dtype=torch.float32)
    call = dict(zip(NAMES, [tensor.detach() for tensor in tensors], strict=True)) | {"layout": layout}
    with pytest.raises(error, match=f"^{name} "):
        render_paths(**(call | change))


@pytest.mark.parametrize(
    ("change", "error", "name"),
    [
        ({"gradients": [("conic", "pad", 2)]}, ValueError, "gradients"),
        ({"gradients": [("linear", "pad", 0)]}, ValueError, "gradients"),
        ({"gradients": ["linear"]}, TypeError, "gradients"),
        ({"fill_gradient": 0}, ValueError, "fill_gradient"),
        ({"stroke_gradient": [-2, 0]}, ValueError, "stroke_gradient"),
        ({"groups": [(0, 3)]}, ValueError, "groups"),
        ({"miter_limit": 0.5}, ValueError, "miter_limit"),
        ({"miter_limit": [4, 101]}, ValueError, "miter_limit"),
        ({"miter_limit": [4, 4, 4]}, ValueError, "miter_limit"),
        ({"miter_limit": [4, "4"]}, TypeError, "miter_limit"),
        ({"miter_limit": [4, float("nan")]}, ValueError, "miter_limit"),
        ({"groups": [(1, 1)]}, ValueError, "groups"),
        ({"segments": [1, 1, 1], "groups": [(0, 2), (1, 3)]}, ValueError, "groups"),
        ({"groups": [(0, 1.5)]}, TypeError, "groups"),
    ],
)
def test_bad_layouts_are_named(change, error, name):
    with pytest.raises(error, match=f"^{name} must"):
        PathLayout.of(**({"segments": [1, 2]} | change))
