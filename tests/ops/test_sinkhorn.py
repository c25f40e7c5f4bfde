"""The `sinkhorn` kernel against the plain n×n computation in float64, and its behaviour as a PyTorch op.

Tolerances are relative: of the cost, and of a gradient to its largest entry. The kernel computes in float64, so a
float32 result is right to float32's rounding for any epsilon.
"""

import math

import pytest
import torch

from neuralpaint.ops import reference, sinkhorn

COSTS = ["sqeuclidean", "euclidean"]
EPSILONS = [1.0, 0.1, 0.01, 1e-3, 1e-4]
TOLERANCE = {torch.float32: 3e-7, torch.float64: 1e-11}


def blobs(height, width, seed=0):
    """Two pairs of smooth masses that have to travel, plus noise; positive everywhere."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.arange(height, dtype=torch.float64)[:, None] / height
    columns = torch.arange(width, dtype=torch.float64) / width

    def blob(row, column, radius):
        return torch.exp(-((rows - row) ** 2 + (columns - column) ** 2) / radius**2)

    x = torch.stack([blob(0.2, 0.3, 0.1), blob(0.5, 0.5, 0.3)])
    y = torch.stack([blob(0.7, 0.6, 0.15), blob(0.4, 0.2, 0.1) + blob(0.8, 0.9, 0.1)])
    noise = torch.rand(2, 2, height, width, dtype=torch.float64, generator=generator)
    return x + 0.01 * noise[0] + 1e-3, y + 0.01 * noise[1] + 1e-3


def with_gradients(function, x, y, weights=(1.0, -2.0)):
    x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
    cost = function(x, y)
    weights = torch.tensor(weights, dtype=cost.dtype)[: len(cost)]
    return cost.detach(), *torch.autograd.grad(cost, (x, y), weights)


def assert_matches(x, y, tolerance, **options):
    """The kernel on x and y against the reference on the same numbers."""
    ours = with_gradients(lambda a, b: sinkhorn(a, b, **options), x, y)
    truth = with_gradients(lambda a, b: reference.sinkhorn(a, b, **options), x.double(), y.double())
    for name, a, b in zip(("cost", "grad_x", "grad_y"), ours, truth, strict=True):
        assert a.dtype == x.dtype and a.shape == b.shape
        assert bool(torch.isfinite(a).all()), name
        # A grid whose pixels are very far apart for the epsilon moves nothing: its cost is below 1e-100.
        error = (a.double() - b).abs().max() / (b.abs().max() + 1e-30)
        assert error < tolerance, f"{name}: relative error {error:.1e}"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("cost", COSTS)
def test_matches_reference(cost, epsilon, dtype):
    x, y = (mass.to(dtype) for mass in blobs(13, 17))
    assert_matches(x, y, TOLERANCE[dtype], epsilon=epsilon, cost=cost)


@pytest.mark.parametrize(("cost", "epsilon"), [("sqeuclidean", 1e-4), ("euclidean", 0.01)])
def test_matches_reference_at_40(cost, epsilon):
    x, y = (mass[:1].float() for mass in blobs(40, 40))
    assert_matches(x, y, TOLERANCE[torch.float32], epsilon=epsilon, cost=cost, iterations=2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 13), (13, 1), (2, 2), (3, 4), (4, 3), (5, 12), (16, 17)])
@pytest.mark.parametrize("cost", COSTS)
def test_matches_reference_on_odd_grids(cost, shape):
    x, y = blobs(*shape)
    assert_matches(x, y, TOLERANCE[torch.float64], epsilon=0.03, iterations=3, cost=cost)


@pytest.mark.parametrize("iterations", [1, 2, 10])
@pytest.mark.parametrize("cost", COSTS)
def test_matches_reference_for_any_number_of_iterations(cost, iterations):
    assert_matches(*blobs(7, 9), TOLERANCE[torch.float64], epsilon=0.02, iterations=iterations, cost=cost)


@pytest.mark.parametrize("epsilon", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("cost", COSTS)
def test_masses_with_zeros(cost, epsilon):
    generator = torch.Generator().manual_seed(3)
    x, y = torch.rand(2, 2, 9, 14, dtype=torch.float64, generator=generator)
    x[x < 0.7] = 0
    y[y < 0.7] = 0
    assert_matches(x, y, 1e-10, epsilon=epsilon, cost=cost)
    assert_matches(x.float(), y.float(), TOLERANCE[torch.float32], epsilon=epsilon, cost=cost)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("cost", COSTS)
def test_from_one_pixel_to_another(cost, epsilon, dtype):
    """All mass must go one way, whatever epsilon; a trace of mass elsewhere goes to, or comes from, its own place."""
    height, width = 9, 14
    x = torch.zeros(1, height, width, dtype=dtype)
    y = torch.zeros(1, height, width, dtype=dtype)
    x[0, 0, 0] = 3.0
    y[0, -1, -1] = 0.5
    value, grad_x, grad_y = with_gradients(lambda a, b: sinkhorn(a, b, epsilon=epsilon, cost=cost), x, y)
    costs = reference.cost_matrix(height, width, cost)
    tolerance = {torch.float32: 1e-6, torch.float64: 1e-9}[dtype]
    torch.testing.assert_close(value.double(), costs[:1, -1], rtol=tolerance, atol=0)
    expected_x = ((costs[-1] - costs[0, -1]) / 3.0).reshape(1, height, width)
    expected_y = ((costs[0] - costs[0, -1]) / 0.5).reshape(1, height, width)
    torch.testing.assert_close(grad_x.double(), expected_x, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(grad_y.double(), expected_y, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("epsilon", [1e-3, 1e-4])
@pytest.mark.parametrize("cost", COSTS)
def test_gradients_stay_finite_far_from_convergence(cost, epsilon):
    x = torch.zeros(1, 24, 24)
    y = torch.zeros(1, 24, 24)
    x[0, 2:5, 3:6] = 1
    x[0, 20, 1] = 1e-30
    y[0, 17:20, 19:23] = 0.25
    y[0, 3, 3] = 1e-42  # denormal
    value, grad_x, grad_y = with_gradients(lambda a, b: sinkhorn(a, b, epsilon=epsilon, cost=cost), x, y)
    assert 0.3 < float(value) < 1.2
    assert bool(torch.isfinite(grad_x).all()) and bool(torch.isfinite(grad_y).all())


@pytest.mark.parametrize("cost", COSTS)
def test_scale_of_a_mass_does_not_matter(cost):
    x, y = blobs(8, 11)
    value, grad_x, grad_y = with_gradients(lambda a, b: sinkhorn(a, b, cost=cost), x, y)
    scaled = with_gradients(lambda a, b: sinkhorn(a, b, cost=cost), 1e6 * x, 1e-6 * y)
    torch.testing.assert_close(scaled[0], value, rtol=1e-12, atol=0)
    torch.testing.assert_close(scaled[1] * 1e6, grad_x, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(scaled[2] * 1e-6, grad_y, rtol=1e-9, atol=1e-12)
    # so a gradient has no part along its mass
    assert float((grad_x * x).sum().abs()) < 1e-12 * float((grad_x * x).abs().sum())


@pytest.mark.parametrize("cost", COSTS)
def test_converges_to_the_transport_cost_of_a_shift(cost):
    x, _ = blobs(20, 20)
    x = torch.zeros_like(x)
    x[:, 4:8, 4:8] = 1
    y = x.roll((6, 8), (1, 2))
    distance = math.hypot(6 / 20, 8 / 20)
    value = sinkhorn(x, y, epsilon=2e-3, iterations=200, cost=cost)
    expected = distance**2 if cost == "sqeuclidean" else distance
    torch.testing.assert_close(value, torch.full_like(value, expected), rtol=0.02, atol=0)


@pytest.mark.parametrize("epsilon", [0.05, 1e-3])
@pytest.mark.parametrize("cost", COSTS)
def test_gradcheck(cost, epsilon):
    x, y = (mass.requires_grad_() for mass in blobs(3, 4))
    options = {"epsilon": epsilon, "iterations": 3, "cost": cost}
    assert torch.autograd.gradcheck(lambda a, b: sinkhorn(a, b, **options), (x, y), atol=1e-7)


def test_empty_batch():
    x = torch.zeros(0, 4, 5, requires_grad=True)
    cost = sinkhorn(x, x.detach())
    assert cost.shape == (0,)
    cost.sum().backward()
    assert x.grad.shape == x.shape


def test_takes_any_strides():
    x, y = blobs(6, 9)
    expected = with_gradients(sinkhorn, x, y)
    strided = torch.stack([x, x], -1)[..., 0], y.transpose(1, 2).contiguous().transpose(1, 2)
    assert not any(mass.is_contiguous() for mass in strided)
    for ours, truth in zip(with_gradients(sinkhorn, *strided), expected, strict=True):
        assert torch.equal(ours, truth)
    a = x.clone().requires_grad_()
    sinkhorn(a, y).sum().backward()  # an expanded gradient
    torch.testing.assert_close(a.grad[0], expected[1][0])


@pytest.mark.parametrize("epsilon", [0.01, 1e-4])
@pytest.mark.parametrize("cost", COSTS)
def test_same_bits_every_time_and_for_any_number_of_threads(cost, epsilon):
    batched = [mass.float() for mass in blobs(30, 31)]
    single = [mass[:1] for mass in batched]  # rows, not images, go to the threads
    threads = torch.get_num_threads()
    runs = []
    try:
        for count in (1, 2, 2, 3):
            torch.set_num_threads(count)
            runs.append(
                [
                    *with_gradients(lambda a, b: sinkhorn(a, b, epsilon=epsilon, cost=cost), *batched),
                    *with_gradients(lambda a, b: sinkhorn(a, b, epsilon=epsilon, cost=cost), *single),
                ]
            )
    finally:
        torch.set_num_threads(threads)
    for run in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))
    for batch, alone in zip(runs[0][:3], runs[0][3:], strict=True):
        assert torch.equal(batch[:1], alone)


@pytest.mark.parametrize("cost", [0, 1])
def test_opcheck(cost):
    x, y = (mass.float().requires_grad_() for mass in blobs(4, 5))
    torch.library.opcheck(torch.ops.neuralpaint.sinkhorn.default, (x, y, 0.1, 2, cost))
    with torch.no_grad():
        _, potentials = torch.ops.neuralpaint.sinkhorn(x, y, 0.1, 2, cost)
        torch.library.opcheck(
            torch.ops.neuralpaint.sinkhorn_backward.default,
            (torch.ones(2), x.detach(), y.detach(), potentials, 0.1, 2, cost),
        )


def test_compiles_whole():
    x, y = (mass.float() for mass in blobs(6, 5))

    def function(a, b):
        return sinkhorn(a.abs(), b, epsilon=0.05, iterations=2).sqrt()

    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    for ours, truth in zip(with_gradients(compiled, x, y), with_gradients(function, x, y), strict=True):
        torch.testing.assert_close(ours, truth)


def replaced(mass, value):
    mass = mass.clone()
    mass[1, 2, 1] = value
    return mass


@pytest.mark.parametrize(
    ("change", "options", "error", "name"),
    [
        (lambda x, y: (None, y), {}, TypeError, "mass_x"),
        (lambda x, y: (x.half(), y.half()), {}, TypeError, "mass_x"),
        (lambda x, y: (x, y.bfloat16()), {}, TypeError, "mass_y"),
        (lambda x, y: (x, y.float()), {}, TypeError, "mass_y"),
        (lambda x, y: (x[0], y[0]), {}, ValueError, "mass_x"),
        (lambda x, y: (x[:, :0], y[:, :0]), {}, ValueError, "mass_x"),
        (lambda x, y: (x, y[:, 1:]), {}, ValueError, "mass_y"),
        (lambda x, y: (x, y.to("meta")), {}, ValueError, "mass_y"),
        (lambda x, y: (replaced(x, -1e-6), y), {}, ValueError, "mass_x"),
        (lambda x, y: (replaced(x, math.nan), y), {}, ValueError, "mass_x"),
        (lambda x, y: (x, replaced(y, math.inf)), {}, ValueError, "mass_y"),
        (lambda x, y: (x, y * torch.tensor([1.0, 0.0]).double()[:, None, None]), {}, ValueError, "mass_y"),
        (lambda x, y: (x, y), {"epsilon": 0.0}, ValueError, "epsilon"),
        (lambda x, y: (x, y), {"epsilon": math.nan}, ValueError, "epsilon"),
        (lambda x, y: (x, y), {"epsilon": "small"}, TypeError, "epsilon"),
        (lambda x, y: (x, y), {"iterations": 0}, ValueError, "iterations"),
        (lambda x, y: (x, y), {"iterations": 2.0}, TypeError, "iterations"),
        (lambda x, y: (x, y), {"cost": "manhattan"}, ValueError, "cost"),
    ],
)
def test_bad_arguments_are_named(change, options, error, name):
    with pytest.raises(error, match=f"^{name} "):
        sinkhorn(*change(*blobs(4, 5)), **options)


def test_bad_masses_are_found_in_compiled_code():
    x, y = blobs(4, 5)
    compiled = torch.compile(lambda a, b: sinkhorn(a, b), fullgraph=True, backend="aot_eager")
    with pytest.raises(ValueError, match="^mass_x .* image 1"):
        compiled(replaced(x, -1.0), y)
