"""The `composite` kernel against plain torch, and its behaviour as a PyTorch op."""

import pytest
import torch

from neuralpaint.ops import composite, reference

# batch, strokes, height, width: odd sizes, one pixel, nothing, more pixels than a chunk, many strokes.
SHAPES = [
    (1, 1, 1, 1),
    (2, 3, 7, 5),
    (1, 9, 33, 65),
    (2, 2, 70, 61),
    (1, 300, 3, 2),
    (3, 0, 4, 4),
    (0, 2, 4, 4),
    (0, 0, 4, 4),
    (2, 2, 0, 3),
]


def sample(shape, dtype=torch.float64, seed=0):
    """Canvas, foreground and alpha, with some alphas exactly 0 and 1."""
    batch, strokes, height, width = shape
    generator = torch.Generator().manual_seed(seed)
    canvas = torch.rand(batch, 3, height, width, dtype=dtype, generator=generator)
    foreground = torch.rand(batch, strokes, 3, height, width, dtype=dtype, generator=generator)
    alpha = torch.rand(batch, strokes, 1, height, width, dtype=dtype, generator=generator) * 1.5 - 0.25
    return [x.requires_grad_() for x in (canvas, foreground, alpha.clamp(0, 1))]


def with_gradients(function, tensors):
    output = function(*tensors)
    weights = torch.linspace(-1, 2, output.numel(), dtype=torch.float64).reshape(output.shape).to(output.dtype)
    # Without strokes, the reference uses nothing but the canvas.
    return [output, *torch.autograd.grad(output, tensors, weights, allow_unused=True, materialize_grads=True)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_matches_reference(shape, dtype):
    tensors = sample(shape, dtype)
    exact = [x.detach().double().requires_grad_() for x in tensors]
    tolerance = 1e-6 if dtype == torch.float32 else 1e-14
    for ours, truth in zip(with_gradients(composite, tensors), with_gradients(reference.composite, exact), strict=True):
        assert ours.dtype == dtype
        torch.testing.assert_close(ours.double(), truth, rtol=tolerance, atol=tolerance)


def test_no_strokes_leave_the_canvas():
    canvas, foreground, alpha = sample((2, 0, 5, 3))
    output, grad, *_ = with_gradients(composite, (canvas, foreground, alpha))
    assert torch.equal(output, canvas)
    assert output.data_ptr() != canvas.data_ptr()
    assert grad.shape == canvas.shape


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opaque_and_transparent_strokes_are_exact(dtype):
    canvas, foreground, _ = sample((2, 1, 9, 11), dtype)
    ones = torch.ones(2, 1, 1, 9, 11, dtype=dtype)
    assert torch.equal(composite(canvas, foreground, ones), foreground[:, 0])
    assert torch.equal(composite(canvas, foreground, 0 * ones), canvas)


def test_white_on_white_stays_white():
    canvas, foreground, alpha = sample((1, 5, 40, 40), torch.float32)
    assert bool((composite(torch.ones_like(canvas), torch.ones_like(foreground), alpha) == 1).all())


def test_strokes_under_an_opaque_one_have_no_gradient():
    canvas, foreground, alpha = sample((1, 3, 6, 5))
    alpha = alpha.detach().clone()
    alpha[:, 2] = 1
    alpha.requires_grad_()
    _, grad_canvas, grad_foreground, grad_alpha = with_gradients(composite, (canvas, foreground, alpha))
    assert not grad_canvas.any() and not grad_foreground[:, :2].any() and not grad_alpha[:, :2].any()
    assert grad_alpha[:, 2].all()


def test_gradcheck():
    canvas, foreground, _ = sample((2, 3, 3, 2))
    alpha = torch.rand(2, 3, 1, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    alpha[:, 1] = 1
    assert torch.autograd.gradcheck(composite, (canvas, foreground, alpha.requires_grad_()))


def test_takes_any_strides():
    canvas, foreground, alpha = (x.detach() for x in sample((2, 3, 6, 8)))
    expected = composite(canvas, foreground, alpha)
    strided = (
        canvas.contiguous(memory_format=torch.channels_last),
        foreground.transpose(0, 1).contiguous().transpose(0, 1),
        torch.stack([alpha, alpha], -1)[..., 1],
    )
    assert not any(x.is_contiguous() for x in strided)
    assert torch.equal(composite(*strided), expected)
    strided = [x.requires_grad_() for x in strided]
    plain = [x.requires_grad_() for x in (canvas, foreground, alpha)]
    for ours, truth in zip(with_gradients(composite, strided), with_gradients(composite, plain), strict=True):
        assert torch.equal(ours, truth)
    summed = [torch.autograd.grad(composite(*x).sum(), x) for x in (strided, plain)]  # an expanded gradient
    for ours, truth in zip(*summed, strict=True):
        assert torch.equal(ours, truth)


def test_same_bits_every_time_and_for_any_number_of_threads():
    tensors = sample((2, 4, 50, 77), torch.float32)
    threads = torch.get_num_threads()
    runs = []
    try:
        for count in (1, 2, 2, 3):
            torch.set_num_threads(count)
            runs.append(with_gradients(composite, tensors))
    finally:
        torch.set_num_threads(threads)
    for run in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 0, 2, 2)])
def test_opcheck(shape):
    tensors = sample(shape, torch.float32)
    torch.library.opcheck(torch.ops.neuralpaint.composite.default, tensors)
    grad = torch.rand_like(tensors[0])
    torch.library.opcheck(torch.ops.neuralpaint.composite_backward.default, (grad, *(x.detach() for x in tensors)))


def test_compiles_whole():
    tensors = sample((2, 3, 4, 5), torch.float32)
    compiled = torch.compile(lambda *x: composite(*x).sin(), fullgraph=True, backend="aot_eager")
    eager = with_gradients(lambda *x: composite(*x).sin(), tensors)
    for ours, truth in zip(with_gradients(compiled, tensors), eager, strict=True):
        torch.testing.assert_close(ours, truth)


@pytest.mark.parametrize(
    ("change", "error", "name"),
    [
        (lambda c, f, a: ([1.0], f, a), TypeError, "canvas"),
        (lambda c, f, a: (c.half(), f.half(), a.half()), TypeError, "canvas"),
        (lambda c, f, a: (c.bfloat16(), f, a), TypeError, "canvas"),
        (lambda c, f, a: (c, f.float(), a), TypeError, "foreground"),
        (lambda c, f, a: (c, f, a.float()), TypeError, "alpha"),
        (lambda c, f, a: (c[0], f, a), ValueError, "canvas"),
        (lambda c, f, a: (c[:, :1], f, a), ValueError, "canvas"),
        (lambda c, f, a: (c, f[:1], a), ValueError, "foreground"),
        (lambda c, f, a: (c, f[..., 1:], a), ValueError, "foreground"),
        (lambda c, f, a: (c, f[:, :, :2], a), ValueError, "foreground"),
        (lambda c, f, a: (c, f, a[:, :1]), ValueError, "alpha"),
        (lambda c, f, a: (c, f, a.expand(-1, -1, 3, -1, -1)), ValueError, "alpha"),
        (lambda c, f, a: (c, f.to("meta"), a), ValueError, "foreground"),
    ],
)
def test_bad_arguments_are_named(change, error, name):
    with pytest.raises(error, match=f"^{name} "):
        composite(*change(*(x.detach() for x in sample((2, 3, 4, 5)))))
