"""Pictures of what a network has learned so far."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.training.renderers.source import Batch
from neuralpaint.utils.files import atomic_write

_GAP = 2  # pixels between pictures


@torch.no_grad()
def picture_grid(network: NetworkRenderer, batch: Batch) -> Tensor:
    """Six rows, a stroke a column: foreground, alpha: each what is true, what is drawn, and their difference.

    Differences are |drawn − true|, five times as bright. Returns `[3, H, W]` in [0, 1].
    """
    network.eval()
    rows = []
    for truth, drawn in zip(batch[1:], network(batch.strokes), strict=True):
        drawn = drawn.float().clamp(0, 1)
        rows += [truth, drawn, (5 * (drawn - truth).abs()).clamp(0, 1)]
    cells = torch.stack([row.expand(-1, 3, -1, -1) for row in rows])  # [6, N, 3, S, S]
    cells = torch.nn.functional.pad(cells, (0, _GAP, 0, _GAP), value=1.0)
    count, number, _, height, width = cells.shape
    return cells.permute(2, 0, 3, 1, 4).reshape(3, count * height, number * width).cpu()


def save_grid(network: NetworkRenderer, batch: Batch, path: Path) -> None:
    """`picture_grid` as a PNG."""
    with atomic_write(path) as file:
        to_pil(picture_grid(network, batch)).save(file, format="PNG")
