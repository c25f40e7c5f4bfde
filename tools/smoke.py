"""Imports neuralpaint and runs each op and each brush once, forward and backward, against the plain reference.

    python tools/smoke.py

For processors that a test run emulates (tools/each_level.py), where the whole suite would take hours.
"""

from __future__ import annotations

import torch

from neuralpaint import _extension as extension
from neuralpaint import ops
from neuralpaint.brushes import get_brush


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    for name in ("oil", "watercolor", "marker", "tape", "round", "flat"):
        strokes = get_brush(name).sample(3, generator).requires_grad_()
        foreground, alpha = ops.rasterize(strokes, name, 24, 30)
        by_maps = torch.autograd.grad((foreground * alpha).sum(), strokes)[0]
        canvas = ops.composite(torch.zeros(1, 3, 24, 30), foreground[None], alpha[None])
        drawn = ops.render(torch.zeros(1, 3, 24, 30), strokes[None], name)
        torch.testing.assert_close(drawn, canvas, atol=2e-3, rtol=0)
        by_picture = torch.autograd.grad(drawn.sum(), strokes)[0]
        assert bool(by_maps.isfinite().all()) and bool(by_picture.isfinite().all()), name
        halves = ops.rasterize(strokes.detach(), name, 24, 30, dtype=torch.float16)[1]
        torch.testing.assert_close(halves.float(), alpha.detach(), atol=1e-3, rtol=0)
    masses = torch.rand(2, 1, 7, 9, generator=generator, dtype=torch.float64, requires_grad=True)
    for cost in ("sqeuclidean", "euclidean"):
        value = ops.sinkhorn(masses[0], masses[1], cost=cost)
        assert bool(torch.autograd.grad(value.sum(), masses)[0].isfinite().all()), cost
    print(f"smoke test passed at level {extension.LEVEL}")


if __name__ == "__main__":
    main()
