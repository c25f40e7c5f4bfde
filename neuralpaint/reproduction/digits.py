"""Figure 12 of Stylized Neural Painting: digits painted by a pixel loss, with and without the transport loss."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from neuralpaint.brushes import Brush, get_brush
from neuralpaint.images.io import load_image, to_pil
from neuralpaint.reproduction.descent import Descended, descend, draw
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import paint_by_blocks
from neuralpaint.reproduction.sheets import COLORS, PANEL, Group, Plot, Row, sheet

BRUSH, GROUND = "tape", (0.0, 0.0, 0.0)
METHODS = {"L1": 0.0, "L1 + transport": 0.1}
_LAST = 0.1  # of the steps, over which the errors at the end are averaged


@dataclass(frozen=True)
class Sizes:
    """How much work it is: digits, of how many only the numbers are shown, strokes, pixels, steps, seeds."""

    digits: str
    shown: int
    strokes: int
    pixels: int
    steps: int
    seeds: int


SIZES = {"small": Sizes("0247", 3, 6, 48, 200, 2), "paper": Sizes("0123456789", 5, 10, 128, 400, 5)}


def digit(text: str, size: int) -> Tensor:
    """A white digit on black, upright and in the middle: `[3, size, size]` in [0, 1]."""
    large = 4 * size
    picture = Image.new("RGB", (large, large), "black")
    font = ImageFont.load_default(round(0.85 * large))
    pen = ImageDraw.Draw(picture)
    pen.text((large / 2, large / 2), text, "white", font, anchor="mm", stroke_width=large // 40, stroke_fill="white")
    return load_image(picture.resize((size, size), Image.Resampling.BOX))


def run(request: Request) -> Outcome:
    """Strokes that start anywhere, and those of the search, which start where the error is."""
    sizes, brush = SIZES[request.scale], get_brush(BRUSH)
    targets = {text: digit(text, sizes.pixels).to(request.device) for text in sizes.digits}
    ends: dict[str, list[float]] = {method: [] for method in METHODS}
    runs: dict[str, dict[str, Descended]] = {}
    for number, (text, target) in enumerate(targets.items()):
        for seed in range(sizes.seeds):
            start = _anywhere(brush, sizes.strokes, seed, request.device)
            for method, weight in METHODS.items():
                found = descend(
                    start,
                    target,
                    brush,
                    ground=GROUND,
                    transport=weight,
                    mass="light",
                    steps=sizes.steps,
                    fixed=slice(brush.shape.stop, None),
                )
                ends[method].append(_end(found) / float(target.mean()))
                if seed == 0:
                    runs.setdefault(text, {})[method] = found
        request.progress("strokes that start anywhere", number + 1, len(targets))
    searched = {method: _searched(request, targets, sizes, weight) for method, weight in METHODS.items()}
    rows: list[dict[str, Any]] = [
        {
            "loss": method,
            "strokes start": where,
            "runs": len(values[method]),
            "nearer than with the other": f"{_nearer(values, method)} of {len(values[method])}",
            "L1 error at the end (1 = no stroke)": round(statistics.mean(values[method]), 3),
        }
        for where, values in (("anywhere", ends), ("where the error is", searched))
        for method in METHODS
    ]
    return Outcome(
        _figure(runs, targets, sizes),
        _finding(ends, searched),
        all(statistics.mean(v["L1 + transport"]) < statistics.mean(v["L1"]) for v in (ends, searched)),
        rows,
        {f"{text}, {method}": found.errors for text, both in runs.items() for method, found in both.items()},
        {
            "digits": sizes.digits,
            "brush": BRUSH,
            "strokes": sizes.strokes,
            "pixels": sizes.pixels,
            "steps": sizes.steps,
            "seeds": sizes.seeds,
            "transport": METHODS["L1 + transport"],
        },
    )


def _anywhere(brush: Brush, count: int, seed: int, device: torch.device) -> Tensor:
    """White strokes `[count, P]` as the search starts them, small and at any angle, but anywhere."""
    generator = torch.Generator().manual_seed(seed)
    x, y = 0.1 + 0.8 * torch.rand(2, count, generator=generator)
    strokes = brush.start(x, y, torch.ones(count, 3), generator)
    strokes[:, brush.opacity] = 1.0
    return strokes.to(device)


def _searched(request: Request, targets: dict[str, Tensor], sizes: Sizes, weight: float) -> list[float]:
    """The errors of paintings by the search, 1 = no stroke."""
    errors = []
    for number, target in enumerate(targets.values()):
        for seed in range(sizes.seeds):
            painted = paint_by_blocks(
                target,
                BRUSH,
                sizes.strokes,
                stages=1,
                block_pixels=sizes.pixels,
                background=GROUND,
                transport=weight,
                seed=seed,
            )
            shown = painted.painting.render_tensor(sizes.pixels).to(target.device)
            errors.append(float((shown - target).abs().mean() / target.mean()))
        request.progress("strokes of the search", number + 1, len(targets))
    return errors


def _nearer(values: dict[str, list[float]], method: str) -> int:
    """How many runs by a method end nearer to the digit than those by the other, from the same start."""
    (other,) = set(values) - {method}
    return sum(mine < theirs for mine, theirs in zip(values[method], values[other], strict=True))


def _end(found: Descended) -> float:
    return statistics.mean(found.errors[-max(1, round(_LAST * len(found.errors))) :])


def _figure(runs: dict[str, dict[str, Descended]], targets: dict[str, Tensor], sizes: Sizes) -> Image.Image:
    brush, groups = get_brush(BRUSH), []
    shown = [0, sizes.steps // 10, sizes.steps // 4, sizes.steps]
    for text, both in list(runs.items())[: sizes.shown]:
        bare, lines = float(targets[text].mean()), []
        for k, (method, found) in enumerate(both.items()):
            pictures = [to_pil(draw(found.strokes[step], brush, 2 * PANEL, GROUND).cpu()) for step in shown]
            words = [("+ " if j else "") + word for j, word in enumerate(method.split(" + "))]
            lines.append(Row([f"digit {text}", *words], [*pictures, to_pil(digit(text, 2 * PANEL))], COLORS[k]))
        curves = {method: [error / bare for error in found.errors] for method, found in both.items()}
        captions = ["start", *(f"step {step}" for step in shown[1:]), "digit"]
        groups.append(Group(captions, lines, Plot(curves, "gradient step", 0, sizes.steps, 2.0)))
    return sheet(groups, "L1 error by step (1 = no stroke)")


def _finding(ends: dict[str, list[float]], searched: dict[str, list[float]]) -> str:
    def pair(values: dict[str, list[float]]) -> str:
        without, together = (statistics.mean(values[method]) for method in METHODS)
        nearer, runs = _nearer(values, "L1 + transport"), len(values["L1"])
        return f"{together:.3f} with the transport loss and {without:.3f} without it, lower in {nearer} of {runs} runs"

    return (
        f"Of strokes that start anywhere the L1 error at the end is {pair(ends)} (1 = no stroke); of those of the "
        f"search, which start where the error is, {pair(searched)}."
    )
