"""`sinkhorn`: entropic optimal transport between masses on a pixel grid."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from neuralpaint import _extension  # noqa: F401  (registers the kernels)
from neuralpaint.ops.checks import as_single, check_width
from neuralpaint.ops.sinkhorn_plain import plain_sinkhorn
from neuralpaint.ops.transforms import refuse_unsupported, register_derivatives
from neuralpaint.utils.profiling import span
from neuralpaint.utils.validation import check_whole

MAX_ITERATIONS = 1_000_000
_COSTS = {"sqeuclidean": 0, "euclidean": 1}


@span("sinkhorn")
def sinkhorn(
    mass_x: Tensor,
    mass_y: Tensor,
    *,
    epsilon: float = 0.01,
    iterations: int = 5,
    cost: Literal["sqeuclidean", "euclidean"] = "sqeuclidean",
) -> Tensor:
    """Cost of moving one mass onto another, by Sinkhorn iterations in the log domain.

    Each mass is normalised to sum 1, to μ and ν; pixel (i, j) stands at (i/h, j/w); C is the cost between two pixels.
    From G = 0, an iteration sets F_i = log μ_i − log Σ_j exp(G_j − C_ij/ε), then G_j = log ν_j − log Σ_i exp(F_i −
    C_ij/ε). The result is Σ_ij exp(F_i + G_j − C_ij/ε) C_ij: the mean cost under the plan reached so far, whose second
    marginal is exactly ν and whose first tends to μ. No n×n matrix is formed; the squared Euclidean cost splits into
    rows and columns and takes O(n (h + w)) for n = h·w pixels, the Euclidean one O(n²).

    Differentiable by both masses, any number of times: exactly the derivatives of the number computed. Second ones are
    plain torch in float64, some hundred times slower. A pixel without mass has the
    one-sided derivative, limited to the largest finite value: far from convergence, at a small ε, a trace of mass in
    the right place can change the plan beyond any bound. Add a floor to the masses where that is unwanted.

    On the CPU all arithmetic is float64, whatever the dtype; on a GPU it is that of the masses.

    Args:
        mass_x, mass_y: `[B, h, w]`, float32 or float64, non-negative, each image with a positive sum.
        epsilon: strength ε > 0 of the entropic smoothing, in units of the cost (the grid's side is 1).
        iterations: number of iterations, 1 to 1,000,000.
        cost: `"sqeuclidean"`, |p − q|², or `"euclidean"`, |p − q|.

    Returns:
        The costs, `[B]`.

    Raises:
        TypeError: an argument is of the wrong type or dtype.
        ValueError: an argument is of the wrong shape, device or range; a mass is negative, not finite or all zero. On a
            GPU the values of the masses are not looked at, for that would stall it: there a bad mass gives a NaN cost.

    References:
        Cuturi, "Sinkhorn distances", NeurIPS 2013. Schmitzer, "Stabilized sparse scaling algorithms for entropy
        regularized transport problems", SIAM J. Sci. Comput. 2019 (the log domain). Zou et al., "Stylized Neural
        Painting", CVPR 2021, section 3.4 (its use in painting).
    """
    refuse_unsupported("sinkhorn", mass_x, mass_y)
    mass_x, mass_y = as_single(mass_x), as_single(mass_y)
    for name, mass in (("mass_x", mass_x), ("mass_y", mass_y)):
        if not isinstance(mass, Tensor):
            raise TypeError(f"{name} must be a tensor, got {type(mass).__name__}")
        if mass.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"{name} must be float32 or float64, got {mass.dtype}")
        if mass.ndim != 3 or mass.shape[1] == 0 or mass.shape[2] == 0:
            raise ValueError(f"{name} must be [B, h, w] with h, w > 0, got {list(mass.shape)}")
    if mass_x.shape[1] * mass_x.shape[2] >= 2**31:
        raise ValueError(f"mass_x must have fewer than 2^31 pixels, got {list(mass_x.shape)}")
    if mass_y.dtype != mass_x.dtype:
        raise TypeError(f"mass_y must have the dtype of mass_x, {mass_x.dtype}, got {mass_y.dtype}")
    if mass_y.shape != mass_x.shape:
        raise ValueError(f"mass_y must have the shape of mass_x, {list(mass_x.shape)}, got {list(mass_y.shape)}")
    if mass_y.device != mass_x.device:
        raise ValueError(f"mass_y must be on the device of mass_x, {mass_x.device}, got {mass_y.device}")
    iterations = check_whole("iterations", iterations, 1, MAX_ITERATIONS)
    if cost not in _COSTS:
        raise ValueError(f"cost must be one of {', '.join(map(repr, _COSTS))}, got {cost!r}")
    epsilon = check_width("epsilon", epsilon, mass_x.dtype)
    return _call(mass_x, mass_y, epsilon, iterations, _COSTS[cost])[0]


@torch.library.register_fake("neuralpaint::sinkhorn")
def _sinkhorn_fake(mass_x: Tensor, mass_y: Tensor, epsilon: float, iterations: int, cost: int) -> tuple[Tensor, Tensor]:
    torch._check(1 <= iterations < 2**30, lambda: f"iterations must be from 1 to 2**30, got {iterations}")
    batch, height, width = mass_x.shape
    dtype = mass_x.dtype if mass_x.device.type == "cuda" else torch.float64
    return mass_x.new_empty(batch), mass_x.new_empty((batch, 2 * iterations, height, width), dtype=dtype)


@torch.library.register_fake("neuralpaint::sinkhorn_backward")
def _sinkhorn_backward_fake(
    grad: Tensor, mass_x: Tensor, mass_y: Tensor, potentials: Tensor, epsilon: float, iterations: int, cost: int
) -> tuple[Tensor, Tensor]:
    return mass_x.new_empty(mass_x.shape), mass_y.new_empty(mass_y.shape)


def _setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    mass_x, mass_y, ctx.epsilon, ctx.iterations, ctx.cost = inputs
    potentials = output[1]
    ctx.mark_non_differentiable(potentials)
    ctx.save_for_backward(mass_x, mass_y, potentials)


@span("sinkhorn backward")
def _backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    grads = _call_backward(grad, *ctx.saved_tensors, ctx.epsilon, ctx.iterations, ctx.cost)
    return *grads, None, None, None


def _setup_context_of_backward(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    grad, mass_x, mass_y, _, *ctx.settings = inputs
    ctx.save_for_backward(grad, mass_x, mass_y)


def _backward_of_backward(ctx: Any, by_x: Tensor, by_y: Tensor) -> tuple[Tensor | None, ...]:
    """The potentials are functions of the masses, so that what goes through them is counted by the masses."""

    def backward(grad: Tensor, mass_x: Tensor, mass_y: Tensor) -> tuple[Tensor, Tensor]:
        pull = torch.func.vjp(lambda x, y: plain_sinkhorn(x, y, *ctx.settings), mass_x, mass_y)[1]
        return pull(grad.double())

    pull = torch.func.vjp(backward, *ctx.saved_tensors)[1]
    return *pull((by_x, by_y)), None, None, None, None


_call_backward = register_derivatives(
    "sinkhorn_backward",
    ("grad", "mass_x", "mass_y", "potentials"),
    _backward_of_backward,
    _setup_context_of_backward,
)
_call = register_derivatives("sinkhorn", ("mass_x", "mass_y"), _backward, _setup_context)
