"""A step of style transfer on a painting of 500 strokes, beside SNP's, through the same convolutions of VGG."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from safetensors.torch import save_file

from benchmarks.peers.context import Context
from benchmarks.peers.render import NETS
from benchmarks.peers.row import Row, versus
from benchmarks.peers.snp import RENDERERS
from benchmarks.peers.timing import here
from neuralpaint import Painting
from neuralpaint.brushes import get_brush
from neuralpaint.losses import StyleLoss
from neuralpaint.losses.features import VGG19Features
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search.restyle import Restyle

BRUSH, GRID, PER_BLOCK = "oil", 5, 20  # SNP's own 500 strokes
SIZE = 224  # the picture that SNP's style loss looks at
LAYERS = (2, 4, 5)  # convolutions; the shapes of VGG-16's and VGG-19's are the same up to there
STYLE_SIZE = 128  # SNP shrinks the style's picture to this first
NET = "zou-fusion-net-light"  # the default of its demo_nst.py
TARGET = 5.0
_STEPS = 100_000  # more than a run takes


def vgg_state(seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights in the layout of torchvision's, for time depends on none of their values."""
    generator = torch.Generator().manual_seed(seed)
    state, before = {}, 3
    for index, width in zip((0, 2, 5, 7, 10), (64, 64, 128, 128, 256), strict=True):
        deviation = (2 / (9 * before)) ** 0.5
        state[f"features.{index}.weight"] = torch.randn(width, before, 3, 3, generator=generator) * deviation
        state[f"features.{index}.bias"] = torch.zeros(width)
        before = width
    return state


def step(context: Context, weights: str, photo: torch.Tensor, style: torch.Tensor) -> Callable[[], None]:
    """Draws 500 strokes, takes both losses and their gradient, and moves the strokes."""
    strokes = get_brush(BRUSH).sample(GRID * GRID * PER_BLOCK, torch.Generator().manual_seed(0))
    strokes[:, 2:4] /= GRID  # sizes: those of strokes on the finest grid
    loss = StyleLoss(style, LAYERS, features=VGG19Features(weights), scales=(1.0,), size=SIZE, device=context.device)
    painting = Painting(strokes, BRUSH, background="black").to(context.device)
    return Restyle(painting, photo.to(context.device), loss, ExactRenderer(), weight=0.5, steps=_STEPS).step


def rows(context: Context) -> Iterator[Row]:
    snp = context.snp(context.threads)
    if snp is None:
        return
    weights, pictures = snp.scratch / "vgg.safetensors", snp.scratch / "pictures.npz"
    save_file(vgg_state(), weights)
    photo, style = context.tensor(3, 512, 512, seed=1).cpu(), context.tensor(3, STYLE_SIZE, STYLE_SIZE, seed=2).cpu()
    np.savez(pictures, photo=photo.permute(1, 2, 0).numpy(), style=style.permute(1, 2, 0).numpy())
    ours = here(step(context, str(weights), photo, style))
    theirs = snp.timer(
        "style",
        renderer=RENDERERS[BRUSH],
        net=NET,
        grid=GRID,
        per_block=PER_BLOCK,
        weights=str(weights),
        pictures=str(pictures),
    )
    yield versus(
        "style",
        f"step, {GRID * GRID * PER_BLOCK} strokes of {BRUSH}, {SIZE}², {context.on(context.threads)}",
        context.race({"neuralpaint": ours, "SNP": theirs}, budget=10),
        "neuralpaint",
        "SNP",
        name=NETS[NET],
        target=TARGET if context.device == "cpu" else None,
        note="convolutions 2, 4 and 5 of one VGG, random weights; SNP's also takes the style's features again and "
        "gradients of its network's weights at every step",
    )
