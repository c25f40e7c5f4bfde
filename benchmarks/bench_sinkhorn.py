"""`sinkhorn`: five iterations at ε = 0.01, against plain torch with the n×n matrix and with separable sums."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from benchmarks import rivals
from neuralpaint import ops
from neuralpaint.ops import reference_sinkhorn

SHAPES = {"1 × 24²": (1, 24), "1 × 48²": (1, 48), "25 × 24²": (25, 24), "4 × 48²": (4, 48)}
IMPLEMENTATIONS: dict[str, Callable[..., torch.Tensor]] = {
    "neuralpaint": ops.sinkhorn,
    "plain torch, separable": rivals.sinkhorn_separable,
    "plain torch, dense, float64": reference_sinkhorn.sinkhorn,
    "neuralpaint, Euclidean cost": partial(ops.sinkhorn, cost="euclidean"),
    "plain torch, dense, float64, Euclidean cost": partial(reference_sinkhorn.sinkhorn, cost="euclidean"),
}


def cases() -> list[tuple[str, str]]:
    """One image by all, batches by the fast ones: dense matrices of a batch take seconds and gigabytes."""
    fast = ("neuralpaint", "plain torch, separable")
    return [(s, i) for s in SHAPES for i in IMPLEMENTATIONS if SHAPES[s][0] == 1 or i in fast]


def slow(shape: str, implementation: str) -> bool:
    return shape == "1 × 48²" and "dense" in implementation


def masses(shape: str) -> list[torch.Tensor]:
    batch, size = SHAPES[shape]
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(batch, size, size, generator=generator) + 1e-3 for _ in range(2)]


@pytest.mark.parametrize(("shape", "implementation"), cases())
def test_forward(measure: Callable[..., Any], shape: str, implementation: str) -> None:
    arguments, function = masses(shape), IMPLEMENTATIONS[implementation]
    measure(
        f"sinkhorn forward, {shape}",
        implementation,
        lambda: function(*arguments),
        SHAPES[shape][0],
        "images",
        once=slow(shape, implementation),
    )


@pytest.mark.parametrize(("shape", "implementation"), cases())
def test_backward(measure: Callable[..., Any], shape: str, implementation: str) -> None:
    arguments, function = masses(shape), IMPLEMENTATIONS[implementation]
    for argument in arguments:
        argument.requires_grad_()
    measure(
        f"sinkhorn forward + backward, {shape}",
        implementation,
        lambda: torch.autograd.grad(function(*arguments).sum(), arguments),
        SHAPES[shape][0],
        "images",
        once=slow(shape, implementation),
    )
