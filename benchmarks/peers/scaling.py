"""Ours on several cores against ours on one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from benchmarks.peers import composite, render, sinkhorn
from benchmarks.peers.context import Context
from benchmarks.peers.rasterize import COUNT
from benchmarks.peers.row import Row, versus
from benchmarks.peers.snp import RENDERERS
from benchmarks.peers.timing import Timer, cores, here
from neuralpaint import ops
from neuralpaint.brushes import get_brush


def on(threads: int, function: Callable[[], Any]) -> Timer:
    timer = here(function)

    def run(calls: int) -> float:
        with cores(threads):
            function()  # the first call on other threads starts them and warms their caches
            return timer(calls)

    return run


def works(context: Context) -> Iterator[tuple[str, Callable[[], Any]]]:
    for brush in RENDERERS:
        strokes = get_brush(brush).sample(COUNT[128], torch.Generator().manual_seed(0))
        yield f"rasterize {brush}, 128²", lambda b=brush, s=strokes: ops.rasterize(s, b, 128, 128)
    for brush in RENDERERS:
        name = f"render {brush}, {render.BATCH}×{render.COUNT}×{render.SIZE}², forward + backward"
        yield name, render.step(context, brush)
    name = f"composite {composite.BATCH}×{composite.COUNT}×{composite.SIZE}², forward + backward"
    yield name, composite.step(composite.maps(context), ops.composite)
    for size, batch in ((48, 4), (48, 25)):
        masses = [(context.tensor(batch, size, size, seed=seed) + 0.01).requires_grad_() for seed in (0, 1)]
        for euclidean, suffix in ((False, ""), (True, ", Euclidean")):
            name = f"sinkhorn {batch}×{size}²{suffix}, forward + backward"
            yield name, sinkhorn.step(sinkhorn.ours(euclidean), masses)


def rows(context: Context) -> Iterator[Row]:
    if context.device != "cpu" or context.threads < 2:
        return
    for name, function in works(context):
        contestants = {"many": on(context.threads, function), "one": on(1, function)}
        stats = context.race(contestants, budget=2)
        yield versus(
            "scaling", name, stats, "many", "one", name=f"ours on one core, against {context.threads}", kind="self",
            target=1.8 if context.threads == 2 else None,
        )  # fmt: skip
