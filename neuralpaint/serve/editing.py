"""Selecting and changing the strokes of a painting, in a worker process."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralpaint.serve.painter import PREVIEW, shown_size, version_file

if TYPE_CHECKING:
    from neuralpaint.painting import Painting
    from neuralpaint.serve.tasks import Channel

_FAINT = 0.15  # opacity below which a stroke is not what one points at
_MARK = np.array([32, 132, 255], np.uint8)  # colour of selected strokes: of few paintings


def select(channel: Channel, folder: str, number: int, points: list[list[float]], ids: list[int]) -> dict[str, Any]:
    """Strokes at a point, or within a line that is drawn around them.

    Args:
        number: of the version.
        points: one point, or the corners of a shape; (x, y) in fractions of the picture.
        ids: strokes that are selected besides.

    Returns:
        {"ids": indices of the strokes, "mark": a picture of where they are as a data URL, "color": their mean as
        #rrggbb}.
    """
    painting = _load(folder, number)
    height, width = painting.aspect
    corners = np.array(points, np.float64).reshape(-1, 2) * [width, height]
    found = _at(painting, corners[0]) if len(corners) == 1 else _within(painting, corners)
    if len(corners) == 1 and found and found[0] in ids:
        chosen = [index for index in ids if index != found[0]]  # pointed at again: no longer
    else:
        chosen = sorted({*(index for index in ids if 0 <= index < len(painting)), *found})
    return {"ids": chosen, "mark": _mark(painting, chosen), "color": _color(painting, chosen)}


def edit(channel: Channel, folder: str, number: int, new: int, change: dict[str, Any]) -> dict[str, Any]:
    """Changes a version and writes the result as another.

    Args:
        number, new: of the versions.
        change: {"what": "delete" or "recolor", "ids": indices of strokes, "color": "#rrggbb"}, or {"what": "finish",
            "finish": keyword arguments of `Finish`}.

    Returns:
        {"strokes": how many the new version has}.
    """
    import torch

    from neuralpaint.images.io import parse_color
    from neuralpaint.painting.finish import Finish

    painting = _load(folder, number)
    if change["what"] == "finish":
        changed = replace(painting, finish=Finish(**change["finish"]))
    else:
        ids = [index for index in change["ids"] if 0 <= index < len(painting)]
        if not ids:
            raise ValueError("no strokes are selected: point at some first")
        strokes, metadata = painting.strokes.clone(), dict(painting.metadata)
        if change["what"] == "delete":
            keep = torch.ones(len(painting), dtype=torch.bool)
            keep[ids] = False
            strokes = strokes[keep]
            metadata.pop("levels", None)
        else:
            color = torch.tensor(parse_color(change["color"]))
            slots = painting.brush.colors
            mean = torch.stack([strokes[ids, slot] for slot in slots]).mean(0)
            for slot in slots:  # a stroke that runs from one colour to another keeps its shading
                strokes[ids, slot] = (color + strokes[ids, slot] - mean).clamp(0, 1)
        changed = replace(painting, strokes=strokes, metadata=metadata)
    changed.save(version_file(Path(folder), new))
    return {"strokes": len(changed)}


def _load(folder: str, number: int) -> Painting:
    from neuralpaint.painting import Painting

    return Painting.load(version_file(Path(folder), number))


def _at(painting: Painting, point: np.ndarray) -> list[int]:
    """The topmost stroke at a point in units."""
    strokes = painting.strokes.numpy()
    bounds = painting.brush.bounds(painting.strokes).numpy()
    x, y = point
    inside = (bounds[:, 0] <= x) & (x <= bounds[:, 2]) & (bounds[:, 1] <= y) & (y <= bounds[:, 3])
    inside &= strokes[:, painting.brush.opacity] >= _FAINT
    candidates = np.flatnonzero(inside)[::-1]
    if not len(candidates):
        return []
    shapes = painting.brush.outline(painting.strokes[candidates.copy()])  # [N, L, M, 2]
    edges = np.roll(shapes, -1, axis=2) - shapes
    away = point - shapes
    side = edges[..., 0] * away[..., 1] - edges[..., 1] * away[..., 0]
    within = ((side >= 0).all(-1) | (side <= 0).all(-1)).any(-1)
    hits = candidates[within]
    return [int(hits[0])] if len(hits) else []


def _within(painting: Painting, corners: np.ndarray) -> list[int]:
    """The strokes whose middle lies within a shape."""
    bounds = painting.brush.bounds(painting.strokes).numpy().astype(np.float64)
    x, y = (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2
    inside = np.zeros(len(bounds), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return [int(index) for index in np.flatnonzero(inside)]


def _mark(painting: Painting, ids: list[int]) -> str:
    """A transparent picture of what strokes cover, as a data URL; empty if there are none."""
    from PIL import Image, ImageChops, ImageFilter

    if not ids:
        return ""
    from neuralpaint.painting.finish import Finish

    size = shown_size(painting.aspect, PREVIEW)
    plain = replace(painting, strokes=painting.strokes[ids], finish=Finish(), size=size)
    black, white = (replace(plain, background=(value,) * 3).render_tensor() for value in (0.0, 1.0))
    alpha = (255 * (1 - (white - black).mean(0)).clamp(0, 1)).byte().numpy()
    body = Image.fromarray(alpha)
    rim = ImageChops.subtract(body.point(lambda v: 255 if v > 60 else 0).filter(ImageFilter.MaxFilter(5)), body)
    cover = ImageChops.lighter(body.point(lambda v: v // 5), rim)  # what is below can be seen through it
    picture = Image.merge("RGBA", [*(Image.new("L", cover.size, int(value)) for value in _MARK), cover])
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=60, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _color(painting: Painting, ids: list[int]) -> str:
    from neuralpaint.images.palette import hex_of

    if not ids:
        return ""
    strokes = painting.strokes[ids]
    mean = sum(strokes[:, slot].mean(0) for slot in painting.brush.colors) / len(painting.brush.colors)
    return hex_of([float(value) for value in mean])  # type: ignore[union-attr]
