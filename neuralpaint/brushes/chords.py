"""Strokes between two points: which way they run, and how they turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def chord_pose(
    start: torch.Tensor, end: torch.Tensor, width: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """`Brush.pose` of strokes from `start` to `end`, `[N, 2]` each, `width` `[N]` wide."""
    import torch

    chord, middle = end - start, (start + end) / 2
    return middle[:, 0], middle[:, 1], 2 * torch.atan2(-chord[:, 1], chord[:, 0]), chord.norm(dim=1) * width


def turn_chord_(
    gradient: torch.Tensor, strokes: torch.Tensor, slope: torch.Tensor, start: tuple[int, int], end: tuple[int, int]
) -> None:
    """`Brush.add_turn_` of strokes between two points, of which the columns of x and y are given: both turn about the
    middle."""
    chord = strokes[:, list(end)] - strokes[:, list(start)]
    # Of the angle, whose y points up, by the end's x and y: (dy, −dx) / |chord|² if y points down.
    pushed = slope / chord.square().sum(1).clamp_min(1e-8)
    for column, part in ((0, chord[:, 1] * pushed), (1, -chord[:, 0] * pushed)):
        gradient[:, end[column]].add_(part)
        gradient[:, start[column]].sub_(part)
