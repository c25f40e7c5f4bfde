"""`sinkhorn`: five iterations at ε = 0.01, against plain torch with the n×n matrix and with separable sums."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from benchmarks import rivals
from neuralpaint import ops
from neuralpaint.ops import reference

SHAPES = {"1 × 24²": (1, 24), "1 × 48²": (1, 48), "4 × 48²": (4, 48), "25 × 24²": (25, 24), "25 × 48²": (25, 48),
          "1 × 128²": (1, 128), "1 × 256²": (1, 256)}  # fmt: skip
OURS, EUCLIDEAN, SEPARABLE = "neuralpaint", "neuralpaint, Euclidean cost", "plain torch, separable"
DENSE, DENSE_EUCLIDEAN = "plain torch, dense, float64", "plain torch, dense, float64, Euclidean cost"
IMPLEMENTATIONS: dict[str, Callable[..., torch.Tensor]] = {
    OURS: ops.sinkhorn,
    SEPARABLE: rivals.sinkhorn_separable,
    DENSE: reference.sinkhorn,
    EUCLIDEAN: partial(ops.sinkhorn, cost="euclidean"),
    DENSE_EUCLIDEAN: partial(reference.sinkhorn, cost="euclidean"),
}
# Dense matrices of a large or of many images take seconds and gigabytes.
SUBSET = [("1 × 48²", OURS), ("1 × 48²", EUCLIDEAN), ("4 × 48²", OURS), ("4 × 48²", SEPARABLE), ("25 × 48²", OURS)]
FULL = [(shape, name) for shape in SHAPES for name in (OURS, SEPARABLE)]
FULL += [(shape, EUCLIDEAN) for shape in SHAPES if SHAPES[shape][1] <= 128]
FULL += [(shape, name) for shape in ("1 × 24²", "1 × 48²") for name in (DENSE, DENSE_EUCLIDEAN)]
CASES = [*SUBSET, *(pytest.param(*case, marks=pytest.mark.full) for case in FULL if case not in SUBSET)]


def slow(shape: str, implementation: str) -> bool:
    return shape == "1 × 48²" and "dense" in implementation


def masses(shape: str, device: torch.device) -> list[torch.Tensor]:
    batch, size = SHAPES[shape]
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(batch, size, size, generator=generator) + 1e-3).to(device) for _ in range(2)]


@pytest.mark.parametrize(("shape", "implementation"), CASES)
def test_forward(measure: Callable[..., Any], device: torch.device, shape: str, implementation: str) -> None:
    arguments, function = masses(shape, device), IMPLEMENTATIONS[implementation]
    once = slow(shape, implementation)
    call = lambda: function(*arguments)  # noqa: E731
    measure(f"sinkhorn forward, {shape}", implementation, call, SHAPES[shape][0], "images", once=once)


@pytest.mark.parametrize(("shape", "implementation"), CASES)
def test_backward(measure: Callable[..., Any], device: torch.device, shape: str, implementation: str) -> None:
    arguments, function = masses(shape, device), IMPLEMENTATIONS[implementation]
    for argument in arguments:
        argument.requires_grad_()
    once = slow(shape, implementation)
    call = lambda: torch.autograd.grad(function(*arguments).sum(), arguments)  # noqa: E731
    measure(f"sinkhorn forward + backward, {shape}", implementation, call, SHAPES[shape][0], "images", once=once)
