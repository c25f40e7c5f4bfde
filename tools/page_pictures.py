"""Draws the small pictures of the page of `neuralpaint serve`: a stroke of each brush, and each look.

`python tools/page_pictures.py [brushes|looks]`
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from PIL import Image

from neuralpaint import ops, paint
from neuralpaint.brushes import Brush, brushes
from neuralpaint.looks import looks

PAGES = Path(__file__).parents[1] / "neuralpaint" / "serve" / "static"
LOOKS = Path(__file__).parents[1] / "docs" / "images" / "looks.jpg"
PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "chelsea.jpg"
COLUMNS, EYE = 3, (96, 72, 132)  # x, y and side of what is cut out of each of its pictures
TITLE = 26  # pixels of height above each
FIRST, SECOND = (0.71, 0.28, 0.16), (0.85, 0.62, 0.28)
WIDTH, HEIGHT, SIDE = 160, 96, 144


def swatch(brush: Brush) -> Image.Image:
    """Two strokes on a transparent ground."""
    strokes = torch.zeros(1, 2, brush.num_parameters)
    names = list(brush.parameters)
    for k, (x, y) in enumerate(((0.66, 0.36), (1.0, 0.66))):
        values = {"xc": x, "yc": y, "w": 0.86, "h": 0.3, "theta": 0.06, "a": 0.95, "x0": x - 0.45, "y0": y + 0.16}
        values |= {
            "x1": 0.5,
            "y1": -0.6,
            "x2": x + 0.45,
            "y2": y - 0.1,
            "radius0": 0.3,
            "radius2": 0.22,
            "radius": 0.26,
        }
        for name, value in values.items():
            if name in names:
                strokes[0, k, names.index(name)] = value
        for slot, color in zip(brush.colors, (FIRST, SECOND) if k == 0 else (SECOND, FIRST), strict=False):
            strokes[0, k, slot] = torch.tensor(color)
        for index, value in brush.held:
            strokes[0, k, index] = value
    grounds = torch.zeros(2, 3, HEIGHT, WIDTH)
    grounds[1] = 1
    black, white = ops.render(grounds, strokes.expand(2, -1, -1).contiguous(), brush)
    alpha = (1 - (white - black).mean(0)).clamp(0, 1)
    color = black / alpha.clamp_min(1e-4)
    pixels = (torch.cat([color, alpha[None]]).clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return Image.fromarray(pixels.numpy())


def look_picture(name: str) -> Image.Image:
    """A part of the manual's picture of that look."""
    row, column = divmod(1 + looks().index(name), COLUMNS)
    with Image.open(LOOKS) as sheet:
        x, y = column * sheet.width // COLUMNS + EYE[0], row * sheet.height // 3 + EYE[1]
        return sheet.convert("RGB").crop((x, y, x + EYE[2], y + EYE[2])).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def plain_picture() -> Image.Image:
    """The same part, painted with no look at all."""
    x, y, side = EYE
    picture = paint(PHOTO, preset="fast").render(300)
    part = picture.crop((x, y - TITLE, x + side, y - TITLE + side))
    return part.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def main() -> None:
    wanted = sys.argv[1:] or ["brushes", "looks"]
    if "brushes" in wanted:
        for brush in brushes().values():
            swatch(brush).save(PAGES / f"brush-{brush.name}.webp", quality=70, method=6)
    if "looks" in wanted:
        plain_picture().save(PAGES / "look-plain.webp", quality=72, method=6)
        for name in looks():
            look_picture(name).save(PAGES / f"look-{name}.webp", quality=72, method=6)


if __name__ == "__main__":
    main()
