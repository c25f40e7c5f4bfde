"""The looks, side by side, and the relief of oil at its true size: docs/images/looks.jpg and relief.jpg.

python benchmarks/figures/looks.py            # some minutes on two cores
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import neuralpaint
from neuralpaint.looks import get_look, looks
from neuralpaint.painting import Finish

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT, COLUMNS, LABEL = 450, 300, 3, 26
GROUND, INK = (250, 249, 246), (60, 58, 55)


def sheet_of_looks(photo: Path) -> Image.Image:
    """The photo, then each look of it."""
    with Image.open(photo) as opened:
        pictures = {"photo": opened.convert("RGB")}
    for name in looks():
        look = get_look(name)
        painting = neuralpaint.paint(photo, **look.arguments, size=2 * HEIGHT, progress=True)
        pictures[name] = dataclasses.replace(painting, finish=look.finish).render()
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * WIDTH, rows * (HEIGHT + LABEL)), GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for index, (name, picture) in enumerate(pictures.items()):
        x, y = index % COLUMNS * WIDTH, index // COLUMNS * (HEIGHT + LABEL)
        sheet.paste(picture.resize((WIDTH - 6, HEIGHT), Image.Resampling.LANCZOS), (x, y + LABEL))
        draw.text((x, y + 3), name, INK, font)
    return sheet


def relief(photo: Path) -> Image.Image:
    """The middle of one painting: flat, with relief, with relief on canvas and varnish."""
    painting = neuralpaint.paint(photo, strokes=700, size=1200, progress=True)
    finishes = (Finish(), Finish(relief=0.7), Finish(relief=0.7, light=0, ground="canvas", varnish=0.6))
    parts = [dataclasses.replace(painting, finish=finish).render().crop((380, 330, 820, 770)) for finish in finishes]
    row = Image.new("RGB", (sum(part.width for part in parts) + 12, parts[0].height), GROUND)
    for index, part in enumerate(parts):
        row.paste(part, (index * (part.width + 6), 0))
    return row


def main() -> None:
    photos = ROOT / "examples" / "photos"
    sheet_of_looks(photos / "chelsea.jpg").save(IMAGES / "looks.jpg", quality=85)
    relief(photos / "coffee.jpg").save(IMAGES / "relief.jpg", quality=88)


if __name__ == "__main__":
    main()
