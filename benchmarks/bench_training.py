"""Training a renderer network: a step on a batch of strokes drawn on the fly. Strokes a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.sizes import full
from neuralpaint import ops
from neuralpaint.brushes import get_brush

BATCH = 64  # SNP's


class StandIn(nn.Module):
    """The smallest network that could do it, 32²: what a step costs besides the network."""

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, 16 * (size // 4) ** 2)
        self.rest = nn.Sequential(
            nn.Unflatten(1, (16, size // 4, size // 4)),
            *(nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.PixelShuffle(2)),
            *(nn.ReLU(), nn.Conv2d(4, 16, 3, padding=1), nn.PixelShuffle(2)),
        )

    def forward(self, strokes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        picture = self.rest(self.first(strokes))
        return picture[:, :3], picture[:, 3:]


def build(network: str, brush: str, size: int) -> nn.Module:
    if network == "stand-in":
        return StandIn(get_brush(brush).num_parameters, size)
    try:
        from neuralpaint.renderers.networks.dual_pathway import DualPathwayRenderer
    except ImportError:
        pytest.skip("this version has no neuralpaint.renderers.networks.dual_pathway: the stand-in alone is timed")
    return DualPathwayRenderer(brush, size)


CASES = [("stand-in", 32), ("dual-pathway", 32), pytest.param("dual-pathway", 128, marks=pytest.mark.full)]


@pytest.mark.parametrize(("network", "size"), CASES)
@pytest.mark.parametrize("brush", ["oil", *full("watercolor")])
def test_step(measure: Callable[..., Any], device: torch.device, brush: str, network: str, size: int) -> None:
    """Sample, draw, forward, squared error of foreground and alpha, backward, Adam (2e-4, SNP §4.1)."""
    torch.manual_seed(0)
    model = build(network, brush, size).to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-4, fused=True)
    chosen, generator = get_brush(brush), torch.Generator().manual_seed(0)

    def step() -> None:
        strokes = chosen.sample(BATCH, generator).to(device)
        wanted = ops.rasterize(strokes, chosen, size, size)
        drawn = model(strokes)
        loss = sum((a - b).square().mean() for a, b in zip(drawn, wanted, strict=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    measure(f"training step, {size}², batch {BATCH}", f"{brush}, {network}", step, BATCH, "strokes")
