"""Sinkhorn iterations in plain torch, differentiable any number of times, with no n×n matrix in memory.

`sinkhorn` takes its second derivatives from here. Its value and gradient come from the kernels, which are much faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

_HELD = 1 << 22  # numbers in memory at once, per example of a vmap
_MOST = 700.0  # exponents count up to here, where float64 is about to overflow

Spec = tuple[float, int, bool]  # epsilon, cost (0: squared Euclidean, 1: Euclidean), whether terms are weighted by C


def plain_sinkhorn(mass_x: Tensor, mass_y: Tensor, epsilon: float, iterations: int, cost: int) -> Tensor:
    """The costs `[B]` of `neuralpaint.ops.sinkhorn`, in float64, of masses `[B, h, w]`.

    The logarithm of a mass is never formed: exp(F) is the mass times exp(−log Σ), so that derivatives are right where a
    mass is zero.
    """
    mu, nu = (mass.double() / mass.double().sum((1, 2), keepdim=True) for mass in (mass_x, mass_y))
    by_y, weights = torch.zeros_like(nu), torch.ones_like(nu)
    for _ in range(iterations):
        by_x = _potential(weights, by_y, (epsilon, cost, False))
        by_y = _potential(mu, by_x, (epsilon, cost, False))
        weights = nu
    moved = _KernelSum.apply(nu, by_y, by_x, (epsilon, cost, True))
    return (mu * moved).sum((1, 2))


def _potential(weight: Tensor, exponent: Tensor, spec: Spec) -> Tensor:
    """−log Σ_j weight_j exp(exponent_j − C_ij/ε) for every pixel i."""
    level = -_log_sums(weight.detach(), exponent.detach(), spec)  # a constant: it cancels
    return level - _KernelSum.apply(weight, exponent, level, spec).log()


class _KernelSum(torch.autograd.Function):
    """y_i = Σ_j w_j exp(e_j + f_i − C_ij/ε), each term times C_ij if weighted; `[B, h, w]` all.

    Its derivatives are such sums again, for C is symmetric: by w_j it is Σ_i g_i exp(f_i + e_j − C_ij/ε), by e_j that
    times w_j, by f_i it is g_i y_i. So nothing but arguments and results is kept, whatever the order.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(weight: Tensor, exponent: Tensor, level: Tensor, spec: Spec) -> Tensor:
        return _dense_sums(weight, exponent, level, spec) if spec[1] else _separable_sums(weight, exponent, level, spec)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        *tensors, ctx.spec = inputs
        ctx.save_for_backward(*tensors, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        weight, exponent, level, output = ctx.saved_tensors
        by_weight = _KernelSum.apply(grad, level, exponent, ctx.spec)
        return by_weight, weight * by_weight, grad * output, None


def _separable_sums(weight: Tensor, exponent: Tensor, level: Tensor, spec: Spec) -> Tensor:
    """First over the columns of each row, then over the rows."""
    epsilon, _, weighted = spec
    down, across = (_squares(size, weight) for size in weight.shape[1:])
    result = []
    for part in _parts(weight.shape[2], weight.shape[0] * weight.shape[1] * max(weight.shape[1:])):
        sums, shift = _row_sums(weight, exponent, across[:, part] / epsilon)
        terms = shift[:, :, None] + level[:, None, :, part] - (down / epsilon)[:, :, None]
        terms = terms.clamp(max=_MOST).exp()
        if weighted:
            along = _row_sums(weight, exponent, across[:, part] / epsilon, across[:, part])[0]
            sums = sums[:, :, None] * down[:, :, None] + along[:, :, None]
        else:
            sums = sums[:, :, None]
        result.append((sums * terms).sum(1))
    return torch.cat(result, 2)


def _row_sums(weight: Tensor, exponent: Tensor, scaled: Tensor, factor: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Σ_c w_rc exp(e_rc − scaled_ck − shift_rk), times factor_ck if given, and the shift: `[B, h, K]` both."""
    exponents = exponent[..., None] - scaled
    present = (weight != 0)[..., None]
    shift = exponents.masked_fill(~present, -torch.inf).amax(2)
    shift = torch.where(shift == -torch.inf, 0.0, shift)
    terms = weight[..., None] * (exponents - shift[:, :, None]).masked_fill(~present, -torch.inf).exp()
    return (terms if factor is None else terms * factor).sum(2), shift


def _dense_sums(weight: Tensor, exponent: Tensor, level: Tensor, spec: Spec) -> Tensor:
    epsilon, _, weighted = spec
    result = []
    for distances, exponents, part in _dense_terms(weight, exponent, epsilon):
        terms = (exponents + level.flatten(1)[:, part, None]).clamp(max=_MOST).exp()
        result.append((weight.flatten(1)[:, None] * (terms * distances if weighted else terms)).sum(2))
    return torch.cat(result, 1).reshape(weight.shape)


def _log_sums(weight: Tensor, exponent: Tensor, spec: Spec) -> Tensor:
    """log Σ_j w_j exp(e_j − C_ij/ε) for weights of at least 0: `[B, h, w]`."""
    epsilon, cost, _ = spec
    if cost:
        parts = _dense_terms(weight, exponent, epsilon)
        found = [(exponents + weight.flatten(1)[:, None].log()).logsumexp(2) for _, exponents, _ in parts]
        return torch.cat(found, 1).reshape(weight.shape)
    down, across = (_squares(size, weight) / epsilon for size in weight.shape[1:])
    result = []
    for part in _parts(weight.shape[2], weight.shape[0] * weight.shape[1] * max(weight.shape[1:])):
        sums, shift = _row_sums(weight, exponent, across[:, part])
        result.append(((sums.log() + shift)[:, :, None] - down[:, :, None]).logsumexp(1))
    return torch.cat(result, 2)


def _dense_terms(weight: Tensor, exponent: Tensor, epsilon: float) -> Iterator[tuple[Tensor, Tensor, slice]]:
    """For some pixels i at a time: distances C_ij `[K, n]`, e_j − C_ij/ε `[B, K, n]`, and which they are. A pixel j
    without weight has the exponent −∞."""
    batch, height, width = weight.shape
    rows, columns = (_places(size, weight) for size in (height, width))
    points = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    exponents = exponent.masked_fill(weight == 0, -torch.inf).flatten(1)[:, None]
    for part in _parts(height * width, batch * height * width):
        distances = (points[part, None] - points).square().sum(-1).sqrt()
        yield distances, exponents - distances / epsilon, part


def _places(size: int, like: Tensor) -> Tensor:
    return torch.arange(size, dtype=torch.float64, device=like.device) / size


def _squares(size: int, like: Tensor) -> Tensor:
    """Squared distances between the places of one axis, `[size, size]`."""
    places = _places(size, like)
    return (places[:, None] - places).square()


def _parts(count: int, numbers: int) -> Iterator[slice]:
    """`count` pixels in parts, if each takes so many numbers in memory."""
    step = max(1, _HELD // max(1, numbers))
    return (slice(start, start + step) for start in range(0, count, step))
