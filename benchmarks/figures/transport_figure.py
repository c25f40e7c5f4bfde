"""Makes docs/images/transport.png: one stroke on its way to where it is wanted, with and without the transport loss.

    python benchmarks/figures/transport_figure.py

Everything is fixed, so the same picture comes out again.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont

from neuralpaint import get_brush, ops
from neuralpaint.images.io import to_pil
from neuralpaint.losses import TransportLoss

OUT = Path(__file__).resolve().parents[2] / "docs" / "images" / "transport.png"

SIZE, STEPS = 64, 160  # pixels of the search, gradient steps
LAST = 40  # steps over which the printed numbers are averaged: RMSprop's even steps make a stroke tremble
SHOWN = (0, 10, 20, 40, 160)
GROUND, COLOR = (1.0, 1.0, 1.0), (0.75, 0.25, 0.1)

PANEL, GAP, LEFT, TOP, PLOT = 132, 8, 92, 30, 264
INK, FAINT = (40, 40, 40), (170, 170, 170)
METHODS = {"L1": (90, 120, 200), "L1 + transport": (200, 80, 30)}
SHARP = 3  # text and lines are drawn this many times larger


class Run(NamedTuple):
    strokes: list[torch.Tensor]  # [P], before each step and after the last
    errors: list[float]  # L1, that of the bare ground = 1
    overlaps: list[float]  # intersection over union with the target


def strokes(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Start and target `[P]`, far apart, of one colour."""
    if name == "tape":
        start = [0.24, 0.26, 0.60, 0.30, 0.15, *COLOR, 1.0]
        target = [0.74, 0.70, 0.75, 0.35, 0.70, *COLOR, 1.0]
    else:
        start = [0.12, 0.62, 0.5, 0.5, 0.32, 0.86, 0.3, 0.3, *COLOR, 1.0]
        target = [0.55, 0.16, 0.9, 0.1, 0.88, 0.50, 0.35, 0.35, *COLOR, 1.0]
    return torch.tensor(start), torch.tensor(target)


def draw(stroke: torch.Tensor, name: str, size: int) -> torch.Tensor:
    """`[3, size, size]`."""
    ground = torch.tensor(GROUND).view(1, 3, 1, 1).expand(1, 3, size, size).contiguous()
    return ops.render(ground, stroke[None, None], name)[0]


def matte(stroke: torch.Tensor, name: str, size: int) -> torch.Tensor:
    """Where the stroke is: bool `[size, size]`."""
    return ops.rasterize(stroke[None], name, size, size)[1][0, 0] > 0.5


def optimise(name: str, transport: float) -> Run:
    """The step of the block-wise search: RMSprop 0.01, shapes kept in [0.1, 0.9]. Colour and opacity stay."""
    brush, (start, target) = get_brush(name), strokes(name)
    photo, wanted = draw(target, name, SIZE), matte(target, name, SIZE)
    bare = float((torch.tensor(GROUND).view(3, 1, 1) - photo).abs().mean())
    distance = TransportLoss(mass="dark")  # the stroke is darker than the ground
    stroke = start.clone().requires_grad_()
    optimizer = torch.optim.RMSprop([stroke], lr=0.01)
    run = Run([], [], [])
    for step in range(STEPS + 1):
        picture = draw(stroke, name, SIZE)
        loss = pixel = (picture - photo).abs().mean()
        if transport:
            loss = loss + transport * distance(picture[None], photo[None])
        covered = matte(stroke.detach(), name, SIZE)
        run.strokes.append(stroke.detach().clone())
        run.errors.append(float(pixel.detach()) / bare)
        run.overlaps.append(float((covered & wanted).sum() / (covered | wanted).sum()))
        if step < STEPS:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                stroke[brush.shape].clamp_(0.1, 0.9)
                stroke[brush.shape.stop :] = target[brush.shape.stop :]
    return run


def panel(stroke: torch.Tensor, name: str, target: torch.Tensor | None) -> Image.Image:
    """The stroke as it is drawn, with the target's outline."""
    large = PANEL * SHARP
    picture = draw(stroke, name, large)
    if target is not None:
        inside = matte(target, name, large).float()[None, None]
        grown = torch.nn.functional.max_pool2d(inside, SHARP + 2, 1, (SHARP + 1) // 2)
        ring = (grown - inside)[0, 0, :large, :large]
        picture = picture * (1 - 0.55 * ring)
    return to_pil(picture).resize((PANEL, PANEL), Image.Resampling.BOX)


def write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int = 13, fill=INK, anchor="mm") -> None:
    font = ImageFont.load_default(size * SHARP)
    draw.text((at[0] * SHARP, at[1] * SHARP), text, fill=fill, font=font, anchor=anchor)


def plot(sheet: ImageDraw.ImageDraw, box: tuple[float, float, float, float], runs: dict[str, Run]) -> None:
    """The L1 error by step."""
    x0, y0, x1, y1 = box
    highest = 1.75

    def at(step: float, value: float) -> tuple[float, float]:
        y = y1 - (y1 - y0) * min(value, highest) / highest
        return (x0 + (x1 - x0) * step / STEPS) * SHARP, y * SHARP

    for value in (0.0, 0.5, 1.0, 1.5):
        sheet.line([at(0, value), at(STEPS, value)], fill=(225, 225, 225), width=SHARP)
        write(sheet, (x0 - 6, at(0, value)[1] / SHARP), f"{value:g}", 11, anchor="rm")
    for step in range(0, STEPS + 1, 40):
        write(sheet, (at(step, 0)[0] / SHARP, y1 + 10), str(step), 11)
    for name, run in runs.items():
        points = [at(step, value) for step, value in enumerate(run.errors)]
        sheet.line(points, fill=METHODS[name], width=2 * SHARP, joint="curve")


def figure(results: dict[str, dict[str, Run]]) -> Image.Image:
    columns = len(SHOWN) + 1
    pictures = LEFT + columns * (PANEL + GAP)
    pair = len(METHODS) * (PANEL + GAP) + 14
    width, height = pictures + PLOT, TOP + len(results) * pair
    sheet = Image.new("RGB", (width * SHARP, height * SHARP), "white")
    pen = ImageDraw.Draw(sheet)
    heads = ["start", *(f"step {step}" for step in SHOWN[1:]), "target"]
    for column, head in enumerate(heads):
        write(pen, (LEFT + column * (PANEL + GAP) + PANEL / 2, TOP / 2), head, 14)
    write(pen, (pictures + 34 + (PLOT - 50) / 2, TOP / 2), "L1 error by step (1 = no stroke)", 13)
    panels = []
    for index, (name, runs) in enumerate(results.items()):
        top, target = TOP + index * pair, strokes(name)[1]
        for line, (method, run) in enumerate(runs.items()):
            y = top + line * (PANEL + GAP)
            write(pen, (LEFT / 2 - 2, y + PANEL / 2 - 20), name, 14)
            for row, word in enumerate(method.split(" + ")):
                write(pen, (LEFT / 2 - 2, y + PANEL / 2 + 18 * row), ("+ " if row else "") + word, 14, METHODS[method])
            for column, step in enumerate(SHOWN):
                panels.append((panel(run.strokes[step], name, target), LEFT + column * (PANEL + GAP), y))
            panels.append((panel(target, name, None), LEFT + (columns - 1) * (PANEL + GAP), y))
        plot(pen, (pictures + 34, top + 8, width - 16, top + pair - 48), runs)
    sheet = sheet.resize((width, height), Image.Resampling.BOX)
    pen = ImageDraw.Draw(sheet)
    for picture, x, y in panels:
        sheet.paste(picture, (x, y))
        pen.rectangle((x, y, x + PANEL - 1, y + PANEL - 1), outline=FAINT)
    return sheet


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    weights = dict(zip(METHODS, (0.0, 0.1), strict=True))
    results = {name: {m: optimise(name, weight) for m, weight in weights.items()} for name in ("tape", "marker")}
    OUT.parent.mkdir(exist_ok=True)
    figure(results).quantize(128).save(OUT, optimize=True)
    print(f"{OUT.name}: {OUT.stat().st_size / 1000:.0f} kB")
    for name, runs in results.items():
        for method, run in runs.items():
            error, overlap = (statistics.mean(values[-LAST:]) for values in (run.errors, run.overlaps))
            print(f"{name:7} {method:15} L1 error {error:.1f}, overlap {overlap:.1f}")


if __name__ == "__main__":
    main()
