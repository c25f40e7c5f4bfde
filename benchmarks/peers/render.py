"""`render` at 128² beside SNP's neural renderers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from benchmarks.peers.context import Context
from benchmarks.peers.row import Row, versus
from benchmarks.peers.snp import RENDERERS
from benchmarks.peers.timing import here
from neuralpaint import ops
from neuralpaint.brushes import get_brush

BATCH, COUNT, SIZE = 25, 9, 128
NETS = {"zou-fusion-net-light": "SNP's light net, 32²", "zou-fusion-net": "SNP's net, 128²"}


def step(context: Context, brush: str) -> Callable[[], tuple[torch.Tensor, ...]]:
    """Draws and blends 225 strokes onto 25 canvases; gradient to both."""
    canvas = torch.ones(BATCH, 3, SIZE, SIZE, device=context.device, requires_grad=True)
    strokes = get_brush(brush).sample(BATCH * COUNT, torch.Generator().manual_seed(0)).unflatten(0, (BATCH, COUNT))
    strokes = strokes.to(context.device).requires_grad_()
    grad = torch.ones_like(canvas)
    return lambda: torch.autograd.grad(ops.render(canvas, strokes, brush), (canvas, strokes), grad)


def rows(context: Context) -> Iterator[Row]:
    snp = context.snp(context.threads)
    if snp is None:
        return
    for brush, renderer in RENDERERS.items():
        # The large net takes seconds a call, whatever the brush: once is enough.
        nets = NETS if brush == "oil" and not context.quick else {"zou-fusion-net-light": NETS["zou-fusion-net-light"]}
        ours = {"neuralpaint": here(step(context, brush))}
        for net, name in nets.items():
            theirs = snp.timer("network", renderer=renderer, net=net, count=BATCH * COUNT)
            # Each net in a race of its own, for the subprocess holds one at a time.
            stats = context.race(ours | {name: theirs}, budget=4)
            yield versus(
                "render",
                f"{brush}, {BATCH}×{COUNT}×{SIZE}², forward + backward, {context.on(context.threads)}",
                stats,
                "neuralpaint",
                name,
                target=50 if net.endswith("light") and context.device == "cpu" else None,
                count=BATCH * COUNT,
                unit="strokes",
                note="the net alone, random weights, without blending: 225 strokes, ours drawn and blended",
            )
