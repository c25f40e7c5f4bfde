"""The CUDA kernels of `render_paths` against the CPU's, which are tested against plain torch."""

import pytest
import torch

from neuralpaint.ops import PathLayout, linear_map, radial_map, render_paths

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]

NAMES = ("fill", "stroke", "width", "stops", "gradient_maps", "group_opacity")


def scene(paths, height, width, dtype, batch=1, groups=(), seed=0):
    """A layout with every fill rule, cap and join, and the tensors that it takes."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.rand(batch, *shape, generator=generator, dtype=torch.float64)

    def each(choices):
        return [choices[i % len(choices)] for i in range(paths)]

    layout = PathLayout.of(
        [1 + i % 3 for i in range(2 * paths)],
        contours=[2] * paths,
        closed=[i % 3 > 0 for i in range(2 * paths)],
        fill_rule=each(("nonzero", "evenodd")),
        cap=each(("butt", "round", "square")),
        join=each(("round", "miter", "bevel", "miter")),
        miter_limit=each((4.0, 1.5, 20.0)),
        gradients=[("linear", "reflect", 3), ("radial", "pad", 2)],
        fill_gradient=each((0, -1, 1, -1, -1)),
        stroke_gradient=each((-1, 1, -1, 0)),
        groups=groups,
    )
    side = float(max(height, width))
    middle = drawn(layout.num_segments, 1, 2) * torch.tensor([width, height])
    points = middle + 0.3 * side * (drawn(layout.num_segments, 4, 2) - 0.5)
    maps = torch.stack(
        [
            linear_map(drawn(2) * side, side * (1 + drawn(2))),
            radial_map(side * drawn(2), side / 2 + drawn(), side * drawn(2) / 2),
        ],
        1,
    )
    tensors = [drawn(3, height, width), points, drawn(paths, 4), drawn(paths, 4), 0.05 * side * drawn(paths)]
    tensors += [drawn(5, 5), maps, *([drawn(len(groups))] if groups else [])]
    return layout, [tensor.to(dtype) for tensor in tensors]


def with_gradients(layout, tensors):
    canvas, points, *rest = tensors
    output = render_paths(canvas, points, layout, **dict(zip(NAMES, rest, strict=False)), pixels_per_unit=1)
    weights = torch.linspace(-1, 2, output.numel(), dtype=torch.float64).reshape(output.shape).to(output)
    return [output, *torch.autograd.grad(output, tensors, weights)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(
    ("paths", "height", "width", "batch", "groups"),
    [
        (3, 40, 57, 2, ()),
        (1, 1, 1, 1, ()),
        (40, 130, 90, 1, [(0, 20), (5, 9)]),
        (300, 64, 64, 1, ()),
        (2, 5, 700, 3, ()),
    ],
)
def test_matches_the_cpu(paths, height, width, batch, groups, dtype):
    layout, tensors = scene(paths, height, width, dtype, batch, groups)
    ours = with_gradients(layout, [tensor.cuda().requires_grad_() for tensor in tensors])
    exact = with_gradients(layout, [tensor.double().requires_grad_() for tensor in tensors])
    tolerance = 1e-3 if dtype == torch.float32 else 1e-9
    for found, right in zip(ours, exact, strict=True):
        assert found.dtype == dtype and found.is_cuda
        scale = max(1.0, float(right.abs().max()))
        torch.testing.assert_close(found.cpu().double() / scale, right / scale, rtol=0, atol=tolerance)


def test_the_same_arguments_give_the_same_bits():
    layout, tensors = scene(60, 150, 170, torch.float32)
    leaves = [tensor.cuda().requires_grad_() for tensor in tensors]
    first = with_gradients(layout, leaves)
    for _ in range(3):
        assert all(torch.equal(a, b) for a, b in zip(first, with_gradients(layout, leaves), strict=True))


def test_empty_calls():
    layout = PathLayout.of([])
    canvas = torch.rand(2, 3, 8, 8, device="cuda", requires_grad=True)
    found = render_paths(canvas, torch.zeros(2, 0, 4, 2, device="cuda"), layout, fill=canvas.new_zeros(2, 0, 4))
    assert torch.equal(found, canvas)
    found.sum().backward()
    assert bool((canvas.grad == 1).all())
    none = torch.zeros(0, 3, 8, 8, device="cuda")
    assert (
        render_paths(none, torch.zeros(0, 1, 1, 4, 2, device="cuda"), fill=none.new_zeros(0, 1, 4)).shape == none.shape
    )


def test_far_and_degenerate_points_stay_finite():
    for scale in (0.0, 1e-30, 1e6, 1e30):
        layout, tensors = scene(5, 20, 30, torch.float32)
        tensors[1] = tensors[1] * scale
        found = with_gradients(layout, [tensor.cuda().requires_grad_() for tensor in tensors])
        assert all(bool(tensor.isfinite().all()) for tensor in found), scale


def test_opcheck():
    layout, tensors = scene(3, 20, 30, torch.float32)
    leaves = [tensor.cuda().requires_grad_() for tensor in tensors]
    rest = (layout.contours, layout.styles, layout.gradients, layout.miter_limits)
    quick = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(torch.ops.neuralpaint.render_paths.default, (*leaves, *rest), test_utils=quick)


def test_tensors_of_two_devices_are_refused():
    with pytest.raises(ValueError, match="fill must be on the canvas's device"):
        render_paths(torch.zeros(1, 3, 8, 8, device="cuda"), torch.zeros(1, 1, 1, 4, 2, device="cuda"),
                     fill=torch.zeros(1, 1, 4))  # fmt: skip
