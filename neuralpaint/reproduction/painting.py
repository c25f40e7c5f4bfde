"""Paints by the block-wise search of Stylized Neural Painting, and keeps its loss at every step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from neuralpaint.brushes import get_brush
from neuralpaint.images.io import load_image
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.painting import Painting
from neuralpaint.renderers import get_renderer
from neuralpaint.search.blocks import BlockSearch
from neuralpaint.search.presets import get_preset
from neuralpaint.search.problem import Problem


class Painted(NamedTuple):
    """The painting, and the mean squared error before each gradient step."""

    painting: Painting
    errors: list[float]


def square_photo(path: Path, size: int, device: torch.device) -> Tensor:
    """The middle square of a photo: `[3, size, size]`."""
    return resize(middle_square(load_image(path)), size, size).to(device)


def middle_square(picture: Tensor) -> Tensor:
    """The middle square of `[C, H, W]`."""
    side = min(picture.shape[1:])
    top, left = (picture.shape[1] - side) // 2, (picture.shape[2] - side) // 2
    return picture[:, top : top + side, left : left + side]


def bounded_psnr(a: Tensor, b: Tensor) -> float:
    """PSNR of two pictures of one shape, in dB; at most 100, which JSON can hold, if they are equal."""
    return min(100.0, psnr(a, b))


def paint_by_blocks(
    photo: Tensor,
    brush: str,
    strokes: int,
    *,
    stages: int,
    block_pixels: int,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    transport: float = 0.1,
    seed: int = 0,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Painted:
    """Paints `[3, S, S]` with the preset `paper`.

    Args:
        stages: the finest grid is stages × stages blocks.
        block_pixels: along each side of a block.
        transport: weight of the transport loss; the preset's is 0.1.
        report: called with the steps done and their number.

    Reference: Zou et al., CVPR 2021, §3.3 and §4.1.
    """
    preset = dataclasses.replace(get_preset("paper"), stages=stages, block_pixels=block_pixels, transport=transport)
    problem = Problem.of(photo, get_brush(brush), strokes, preset, background, get_renderer("exact"), seed)
    search, errors = BlockSearch(problem), []
    with torch.enable_grad():
        while not search.finished:
            search.step()
            errors.append(float(search.mean_square))
            report(search.steps_done, search.step_count)
    painting = Painting(search.strokes.cpu(), problem.brush, problem.aspect, background, photo.shape[1])
    return Painted(painting, errors)
