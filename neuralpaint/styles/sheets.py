"""Sheets: many pictures in one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def style_sheet(pictures: Sequence[Tensor], columns: int, gap: int = 4) -> Tensor:
    """Pictures `[3, H, W]` of one size, row by row, white between them: `[3, H′, W′]` in [0, 1].

    Raises:
        ValueError: there are none, or their sizes differ.
    """
    if not pictures or len({picture.shape for picture in pictures}) != 1:
        raise ValueError(f"pictures must be of one size, got {[list(p.shape) for p in pictures]}")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    _, height, width = pictures[0].shape
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = torch.ones(3, rows * (height + gap) - gap, columns * (width + gap) - gap)
    for k, picture in enumerate(pictures):
        top, left = k // columns * (height + gap), k % columns * (width + gap)
        sheet[:, top : top + height, left : left + width] = picture.detach().float().cpu().clamp(0, 1)
    return sheet
