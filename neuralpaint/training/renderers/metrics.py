"""Measures how well a network imitates a brush."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch

from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.training.renderers.source import HELD_OUT, Batch, StrokeSource

BATCH = 64


class Quality(NamedTuple):
    """PSNR of foreground and alpha in dB (peak 1), over all pixels of all strokes."""

    foreground: float
    alpha: float

    @property
    def psnr(self) -> float:
        """The mean of the two, as SNP reports it (Table 1)."""
        return (self.foreground + self.alpha) / 2


@torch.no_grad()
def quality(network: NetworkRenderer, batches: Iterable[Batch]) -> Quality:
    """Evaluates a network on some strokes, with outputs clamped to [0, 1]. Leaves the network in evaluation mode."""
    network.eval()
    sums, counts = [0.0, 0.0], [0, 0]
    for strokes, *truth in batches:
        for k, (drawn, wanted) in enumerate(zip(network(strokes), truth, strict=True)):
            sums[k] += (drawn.float().clamp(0, 1) - wanted).square().sum(dtype=torch.float64).item()
            counts[k] += wanted.numel()
    if not counts[0]:
        raise ValueError("no strokes to evaluate the network on")
    return Quality(*(_decibels(s / n) for s, n in zip(sums, counts, strict=True)))


def held_out_quality(network: NetworkRenderer, source: StrokeSource, count: int = HELD_OUT) -> Quality:
    """Evaluates a network on `count` strokes of the fixed held-out sequence."""
    sizes = [min(BATCH, count - start) for start in range(0, count, BATCH)]
    return quality(network, (source.held_out(k, size) for k, size in enumerate(sizes)))


def _decibels(error: float) -> float:
    return -10 * math.log10(error) if error > 0 else math.inf
