"""Reads the .npz stroke files of the Stylized Neural Painting implementation and converts its conventions."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuralpaint.brushes import Brush, get_brush
from neuralpaint.utils.files import check_readable
from neuralpaint.utils.loading import BadFile, reading
from neuralpaint.utils.npz import read_npz
from neuralpaint.utils.validation import MAX_STROKES

_MOST = 8 * 8 * MAX_STROKES  # bytes of an array: eight float64 a stroke


def read_snp(path: str | os.PathLike, brush: str | Brush | None, aspect: tuple[float, float]) -> dict[str, Any]:
    """Reads the arguments for `Painting` from a file: see `Painting.from_snp`."""
    check_readable(path)
    with reading(path, "is not a .npz stroke file with the arrays x_ctt, x_color and x_alpha, or it is damaged"):
        found = read_npz(path, ("x_ctt", "x_color", "x_alpha"), _MOST)
    with np.errstate(over="ignore"):  # what becomes infinite is reported with the strokes
        parts = [part.astype(np.float32) for part in found]
    if any(part.ndim != 3 or part.shape[:2] != parts[0].shape[:2] for part in parts):
        raise BadFile(f"{path}: wrong shapes {', '.join(str(part.shape) for part in parts)}")
    key = tuple(part.shape[2] for part in parts)
    known = {(5, 6, 1): "oil", (8, 6, 1): "watercolor", (8, 3, 1): "marker", (5, 3, 1): "tape"}
    if key not in known:
        raise BadFile(f"{path}: shape, colour and opacity have {key} parameters, which match no brush")
    own = get_brush(known[key])
    brush = own if brush is None else get_brush(brush)
    if brush.parameters != own.parameters:
        raise ValueError(f"brush {brush.name!r} does not match {path}, whose strokes are {own.name!r}")
    strokes = torch.from_numpy(np.concatenate(parts, axis=2))
    blocks = len(strokes)
    m = math.isqrt(blocks)
    if m < 1 or m * m != blocks:
        raise BadFile(f"{path}: {blocks} blocks do not form a square grid")
    if own.name == "oil":
        strokes = _mirror_angle(strokes)
    index = torch.arange(blocks, dtype=torch.float32, device="cpu")
    corners = torch.stack([index % m, index // m], dim=-1)[:, None] / m
    strokes = brush.transform(strokes, 1 / m, corners).transpose(0, 1).reshape(-1, brush.num_parameters)
    height, width = aspect
    strokes[:, list(brush.x_positions)] *= width
    strokes[:, list(brush.y_positions)] *= height
    strokes[:, list(brush.sizes)] *= math.sqrt(height * width)
    return {"strokes": strokes, "brush": brush, "aspect": (height, width), "metadata": {"source": Path(path).name}}


def _mirror_angle(strokes: torch.Tensor) -> torch.Tensor:
    """Reverses the direction of rotation of oil strokes: −θ is π − θ with the colour gradient reversed."""
    theta = strokes[..., 4]
    turned = strokes.clone()
    turned[..., 4] = 1 - theta
    turned[..., 5:8], turned[..., 8:11] = strokes[..., 8:11], strokes[..., 5:8]
    return torch.where(theta[..., None] == 0, strokes, turned)
