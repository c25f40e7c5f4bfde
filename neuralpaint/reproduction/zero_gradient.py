"""Figures 4 and 5 of Stylized Neural Painting: one stroke on its way to a target that it does not touch."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from neuralpaint import get_brush, ops
from neuralpaint.brushes import Brush
from neuralpaint.images.io import to_pil
from neuralpaint.losses import TransportLoss
from neuralpaint.reproduction.descent import Descended, descend, draw
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.sheets import COLORS, PANEL, Group, Plot, Row, sheet

GROUND, COLOR = (1.0, 1.0, 1.0), (0.75, 0.25, 0.1)
METHODS = {"L1": 0.0, "L1 + transport": 0.1}
BRUSHES = ("tape", "marker")
_SHARP = 3  # pictures of strokes are drawn this many times larger
_LAST = 0.25  # of the steps, over which numbers are averaged: RMSprop's even steps make a stroke tremble


@dataclass(frozen=True)
class Sizes:
    """How much work it is: pixels along the side of the search, gradient steps, and the steps that are shown."""

    pixels: int
    steps: int
    shown: tuple[int, ...]


SIZES = {"small": Sizes(64, 160, (0, 10, 20, 40, 160)), "paper": Sizes(128, 160, (0, 10, 20, 40, 160))}


def strokes(name: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Start and target `[P]`, far apart, of one colour."""
    if name == "tape":
        start = [0.27, 0.27, 0.40, 0.30, 0.15, *COLOR, 1.0]
        target = [0.74, 0.70, 0.75, 0.35, 0.70, *COLOR, 1.0]
    else:
        start = [0.12, 0.62, 0.5, 0.5, 0.32, 0.86, 0.3, 0.3, *COLOR, 1.0]
        target = [0.55, 0.16, 0.9, 0.1, 0.88, 0.50, 0.35, 0.35, *COLOR, 1.0]
    first, last = torch.tensor([start, target], dtype=torch.float32, device=device)
    return first, last


def pulls(start: Tensor, target: Tensor, brush: Brush, size: int) -> dict[str, Tensor]:
    """The way that each loss would move the stroke as a whole: minus its slope over a pixel each way, `[2]` (x, y).

    A slope over whole pixels leaves out how the antialiased edge of a stroke varies within a pixel.
    """
    photo, pixel = draw(target[None], brush, size, GROUND), 1 / size
    transport = TransportLoss(mass="dark")

    def losses(x: float, y: float) -> Tensor:
        shift = torch.tensor([[x, y]], dtype=torch.float32, device=start.device)
        picture = draw(brush.transform(start[None], 1.0, shift), brush, size, GROUND)
        return torch.stack([(picture - photo).abs().mean(), transport(picture[None], photo[None])])

    ways = ((pixel, 0.0), (0.0, pixel))
    slopes = torch.stack([(losses(x, y) - losses(-x, -y)) / (2 * pixel) for x, y in ways])
    return {"L1": -slopes[:, 0], "transport": -slopes[:, 1]}


def run(request: Request) -> Outcome:
    """A tape and a marker stroke, by L1 alone and by L1 and the transport loss."""
    sizes = SIZES[request.scale]
    groups: list[Group] = []
    rows: list[dict[str, Any]] = []
    curves: dict[str, list[float]] = {}
    for name in BRUSHES:
        brush, (start, target) = get_brush(name), strokes(name, request.device)
        photo, wanted = draw(target[None], brush, sizes.pixels, GROUND), _matte(target, brush, sizes.pixels)
        bare = float((1 - photo).abs().mean())
        pull = pulls(start, target, brush, sizes.pixels)
        way = _centre(wanted) - _centre(_matte(start, brush, sizes.pixels))
        errors: dict[str, list[float]] = {}
        lines = []
        for k, (method, weight) in enumerate(METHODS.items()):
            found = descend(
                start[None],
                photo,
                brush,
                ground=GROUND,
                transport=weight,
                mass="dark",
                steps=sizes.steps,
                fixed=slice(brush.shape.stop, None),
                report=partial(request.progress, f"{name}, {method}"),
            )
            errors[method] = [error / bare for error in found.errors]
            overlaps = [_overlap(_matte(stroke[0], brush, sizes.pixels), wanted) for stroke in found.strokes]
            force = pull["transport" if weight else "L1"]
            rows.append(
                {
                    "brush": name,
                    "loss": method,
                    "slope by position": round(float(force.norm()), 4),
                    "towards the target (cosine)": round(float(torch.cosine_similarity(force, way, dim=0)), 2)
                    if weight
                    else "–",
                    "L1 error at the end (1 = no stroke)": round(_end(errors[method]), 2),
                    "overlap with the target": round(_end(overlaps), 2),
                }
            )
            lines.append(_row(found, name, method, target, sizes.shown, COLORS[k]))
        captions = ["start", *(f"step {step}" for step in sizes.shown[1:]), "target"]
        groups.append(Group(captions, lines, Plot(errors, "gradient step", 0, sizes.steps, 2.0, legend=False)))
        curves |= {f"{name}, {method}": values for method, values in errors.items()}
    without, together = ([row for row in rows if row["loss"] == method] for method in METHODS)
    return Outcome(
        sheet(groups, "L1 error by step (1 = no stroke)"),
        _finding(without, together),
        _agrees(without, together),
        rows,
        curves,
        {"pixels": sizes.pixels, "steps": sizes.steps, "transport": METHODS["L1 + transport"], "brushes": BRUSHES},
    )


def _agrees(without: list[dict[str, Any]], together: list[dict[str, Any]]) -> bool:
    still = all(row["slope by position"] < 1e-3 and row["overlap with the target"] < 0.1 for row in without)
    return still and all(
        row["towards the target (cosine)"] > 0.8 and row["overlap with the target"] > 0.7 for row in together
    )


def _finding(without: list[dict[str, Any]], together: list[dict[str, Any]]) -> str:
    def range_of(rows: list[dict[str, Any]], column: str) -> str:
        values = sorted(row[column] for row in rows)
        return " and ".join(f"{value:g}" for value in dict.fromkeys(values))

    slope, column, cosine = "slope by position", "overlap with the target", "towards the target (cosine)"
    return (
        f"The slope of L1 by the stroke's position is {range_of(without, slope)}, that of the transport "
        f"loss points to the target (cosine {range_of(together, cosine)}); at the end the stroke overlaps its "
        f"target by {range_of(without, column)} with L1 and by {range_of(together, column)} with both losses "
        "(intersection over union)."
    )


def _matte(stroke: Tensor, brush: Brush, size: int) -> Tensor:
    """Where a stroke is: bool `[size, size]`."""
    return ops.rasterize(stroke[None], brush, size, size)[1][0, 0] > 0.5


def _centre(matte: Tensor) -> Tensor:
    """(x, y), in pixels."""
    return matte.nonzero().float().mean(0).flip(0)


def _overlap(a: Tensor, b: Tensor) -> float:
    return float((a & b).sum() / (a | b).sum())


def _end(values: list[float]) -> float:
    return statistics.mean(values[-max(1, round(_LAST * len(values))) :])


def _row(
    found: Descended, name: str, method: str, target: Tensor, shown: tuple[int, ...], color: tuple[int, int, int]
) -> Row:
    brush = get_brush(name)
    pictures = [_panel(found.strokes[step][0], brush, target) for step in shown]
    words = [("+ " if k else "") + word for k, word in enumerate(method.split(" + "))]
    return Row([name, *words], [*pictures, _panel(target, brush, None)], color)


def _panel(stroke: Tensor, brush: Brush, target: Tensor | None) -> Image.Image:
    """The stroke as it is drawn, with the target's outline."""
    large = PANEL * _SHARP
    picture = draw(stroke[None], brush, large, GROUND)
    if target is not None:
        inside = _matte(target, brush, large).float()[None, None]
        grown = torch.nn.functional.max_pool2d(inside, _SHARP + 2, 1, (_SHARP + 1) // 2)
        ring = (grown - inside)[0, 0, :large, :large]
        picture = picture * (1 - 0.55 * ring)
    return to_pil(picture.cpu()).resize((PANEL, PANEL), Image.Resampling.BOX)
