"""Sample images of a network during training."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.training.renderers.source import Batch
from neuralpaint.utils.files import atomic_write

_GAP = 2  # pixels between images


@torch.no_grad()
def picture_grid(network: NetworkRenderer, batch: Batch) -> Tensor:
    """A grid with one column per stroke and six rows: target, output and difference of foreground, then of alpha.

    Differences are 5 · |output − target|. Returns `[3, H, W]` in [0, 1].
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
