"""`composite` beside plain torch and beside copying as many bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks import rivals
from benchmarks.peers.context import Context
from benchmarks.peers.row import Row, versus
from benchmarks.peers.timing import here
from neuralpaint import ops

BATCH, COUNT, SIZE = 25, 9, 128


def formula(canvas: Tensor, foreground: Tensor, alpha: Tensor) -> Tensor:
    """The paper's: h ← α·s + (1 − α)·h, stroke after stroke."""
    for colour, matte in zip(foreground.unbind(1), alpha.unbind(1), strict=True):
        canvas = matte * colour + (1 - matte) * canvas
    return canvas


def maps(context: Context) -> list[Tensor]:
    shapes = ((BATCH, 3, SIZE, SIZE), (BATCH, COUNT, 3, SIZE, SIZE), (BATCH, COUNT, 1, SIZE, SIZE))
    return [context.tensor(*shape, seed=seed).requires_grad_() for seed, shape in enumerate(shapes)]


def step(arguments: list[Tensor], function: Callable[..., Tensor]) -> Callable[[], tuple[Tensor, ...]]:
    grad = torch.ones_like(arguments[0])
    return lambda: torch.autograd.grad(function(*arguments), arguments, grad)


def moved() -> int:
    """Bytes that forward and backward must move: what each reads and what it writes, once."""
    arguments = 3 + 4 * COUNT
    floats = (arguments + 3) + (arguments + 3 + arguments)
    return 4 * floats * BATCH * SIZE**2


def rows(context: Context) -> Iterator[Row]:
    arguments = maps(context)
    source = torch.zeros(moved() // 8, device=context.device)  # a copy reads it and writes as much
    target = torch.zeros_like(source)
    functions = {
        "neuralpaint": ops.composite,
        "plain torch, h ← α·s + (1 − α)·h": formula,
        "plain torch, lerp": rivals.blend,
    }
    gradients = {name: step(arguments, function)() for name, function in functions.items()}
    differences = {
        name: max(float((a - b).abs().max()) for a, b in zip(gradients["neuralpaint"], grads, strict=True))
        for name, grads in gradients.items()
    }
    del gradients
    contestants = {name: here(step(arguments, function)) for name, function in functions.items()}
    contestants["copy_ to a kept buffer"] = here(lambda: target.copy_(source))
    contestants["clone to new memory"] = here(lambda: source.clone())
    stats = context.race(contestants)
    case = f"{BATCH}×{COUNT}×{SIZE}², forward + backward, {context.on(context.threads)}"

    def row(other: str, kind: str = "peer", goal: float | None = None, **more) -> Row:
        goal = goal if context.device == "cpu" else None
        count = BATCH * COUNT
        return versus(
            "composite", case, stats, "neuralpaint", other, kind=kind, target=goal, count=count, unit="strokes", **more
        )

    for name in list(functions)[1:]:
        yield row(name, goal=8, facts={"largest gradient difference": f"{differences[name]:.0e}"})
    yield row("copy_ to a kept buffer", "limit", 0.4, facts={"moved": f"{moved() / 1e6:.0f} MB"})
    yield row("clone to new memory", "limit")
