"""`rasterize` beside SNP's ground-truth drawing and beside merely filling the output."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.peers.context import Context
from benchmarks.peers.row import Row, versus
from benchmarks.peers.snp import RENDERERS
from benchmarks.peers.timing import Timer, here
from neuralpaint import ops
from neuralpaint.brushes import get_brush

COUNT = {32: 512, 128: 64}  # pixels a side: strokes in a call
PEER_TARGETS = {"oil": 150, "watercolor": 15, "marker": 15, "tape": 3}
FILL_TARGETS = {"oil": 0.25, "tape": 0.25}
BYTE_TARGETS = {"oil": 2, "tape": 2}


def fill_new(count: int, size: int, device: str) -> list[torch.Tensor]:
    """Foreground and alpha, as `rasterize` allocates them."""
    return [torch.empty(count, channels, size, size, device=device).fill_(0.5) for channels in (3, 1)]


def rows(context: Context) -> Iterator[Row]:
    snp = context.snp(1)
    for size in (128,) if context.quick else (128, 32):
        for brush, renderer in RENDERERS.items():
            yield from _rows(context, snp, brush, renderer, size)


def _rows(context: Context, snp, brush: str, renderer: str, size: int) -> Iterator[Row]:
    count = COUNT[size]
    cpu_strokes = get_brush(brush).sample(count, torch.Generator().manual_seed(0))
    strokes = cpu_strokes.to(context.device)
    kept, kept_bytes = (
        torch.empty(count, 4, size, size, dtype=dtype, device=context.device) for dtype in (torch.float32, torch.uint8)
    )
    contestants: dict[str, Timer] = {
        "float32": here(lambda: ops.rasterize(strokes, brush, size, size)),
        "uint8": here(lambda: ops.rasterize(strokes, brush, size, size, dtype=torch.uint8)),
        "fill_ of a kept buffer": here(lambda: kept.fill_(0.5)),
        "fill_ of new memory": here(lambda: fill_new(count, size, context.device)),
        "fill_ of a kept buffer, uint8": here(lambda: kept_bytes.fill_(128)),
    }
    compared = {}
    if snp is not None:
        # SNP on fewer strokes: it takes the same time for each, and seconds for all of them.
        some = min(count, 64)
        path, drawn = snp.scratch / "strokes.npy", snp.scratch / "alpha.npy"
        np.save(path, cpu_strokes[:some].numpy())
        run = snp.timer("rasterize", renderer=renderer, size=size, strokes=str(path), output=str(drawn))
        contestants["SNP"] = lambda calls: run(calls) * count / some
        stats = context.race(contestants, 1)
        if not stats["SNP"].error and brush != "oil":
            alpha = ops.rasterize(cpu_strokes[:some], brush, size, size)[1][:, 0]
            difference = (alpha - torch.from_numpy(np.load(drawn))).abs().mean()
            compared = {"mean |Δalpha|": f"{difference:.3f}"}
    else:
        stats = context.race(contestants, 1)

    case = f"{brush}, {size}², {context.on(1)}"
    targets = size == 128 and context.device == "cpu"

    def row(ours: str, other: str, name: str, kind: str, goals: dict[str, float] | None = None, **more) -> Row:
        target = (goals or {}).get(brush) if targets else None
        return versus(
            "rasterize",
            case,
            stats,
            ours,
            other,
            name=name,
            kind=kind,
            target=target,
            count=count,
            unit="strokes",
            **more,
        )

    if snp is not None:
        note = "float32, alpha in three channels" + ("; other bristles" if brush == "oil" else "")
        yield row("float32", "SNP", "SNP's drawing (OpenCV)", "peer", PEER_TARGETS, facts=compared, note=note)
    yield row("float32", "fill_ of a kept buffer", "fill_ of a kept buffer", "limit", FILL_TARGETS)
    yield row("float32", "fill_ of new memory", "fill_ of new memory", "limit")
    yield row("uint8", "float32", "ours in float32, against uint8", "self", BYTE_TARGETS)
    yield row("uint8", "fill_ of a kept buffer, uint8", "fill_ of a kept buffer, uint8", "limit")
