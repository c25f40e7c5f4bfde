"""What a stroke's numbers may be while a search moves them, and how far one step carries each."""

from __future__ import annotations

import torch
from torch import Tensor

from neuralpaint.brushes import Brush

_SMALLEST, _LARGEST = 0.08, 4.0  # sizes, in blocks
_FAINTEST = 0.1  # opacity


class Ranges:
    """Limits and step sizes of strokes `[N, P]`, each of which belongs to a block of `block[n]` units.

    `scale` `[N, P]` is the block for positions and sizes and 1 for all else: a search divides by it, so that one
    learning rate suits coarse and fine strokes.
    """

    def __init__(self, brush: Brush, block: Tensor, aspect: tuple[float, float]) -> None:
        count = len(block)
        block = block[:, None]
        lengths = torch.tensor(
            [i in brush.positions + brush.sizes for i in range(brush.num_parameters)], device=block.device
        )
        self.scale = torch.where(lengths, block, torch.ones_like(block))
        self.low = torch.zeros(count, brush.num_parameters, dtype=block.dtype, device=block.device)
        self.high = torch.ones(count, brush.num_parameters, dtype=block.dtype, device=block.device)
        self.high[:, list(brush.x_positions)] = aspect[1]
        self.high[:, list(brush.y_positions)] = aspect[0]
        self.low[:, list(brush.sizes)] = _SMALLEST * block
        self.high[:, list(brush.sizes)] = _LARGEST * block
        self.low[:, brush.opacity] = _FAINTEST
        self.turns = brush.angle
        for index, value in brush.held:
            self.low[:, index] = self.high[:, index] = value
            self.turns = None if index == self.turns else self.turns

    def apply(self, strokes: Tensor) -> Tensor:
        """The nearest strokes within the limits. Angles wrap around."""
        limited = torch.clamp(strokes, self.low, self.high)
        if self.turns is not None:
            limited[:, self.turns] = strokes[:, self.turns].remainder(1.0)
        return limited
