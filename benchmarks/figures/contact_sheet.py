"""Paints photos with several brushes and puts photo and paintings side by side, with the PSNR under each painting.

    python benchmarks/figures/contact_sheet.py [PHOTO...] [-o SHEET.jpg] [--brush oil --brush tape ...]

Without arguments it makes docs/gallery/balanced.jpg from the photos that come with the repository. PSNR is measured at
512 pixels along the shorter side.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import neuralpaint
from neuralpaint.images.io import load_image, to_pil

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = [
    *sorted((ROOT / "examples" / "photos").glob("*.jpg")),
    *sorted((ROOT / "docs" / "gallery" / "photos").glob("*.jpg")),
]
CELL, CAPTION, GAP = 228, 22, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path, default=PHOTOS)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "gallery" / "balanced.jpg")
    parser.add_argument("--brush", action="append")
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--strokes", type=int, default=500)
    arguments = parser.parse_args()
    brushes = arguments.brush or ["oil", "watercolor", "round", "flat", "mop", "marker", "tape"]

    rows = []
    for path in arguments.photos:
        photo = load_image(path)
        row = [(to_pil(photo), path.stem)]
        for brush in brushes:
            painting = neuralpaint.paint(photo, brush, arguments.strokes, arguments.preset)
            label = f"{brush}, {painting.psnr(photo):.1f} dB"
            print(path.stem, label, flush=True)
            row.append((painting.render(512), label))
        rows.append(row)
    sheet(rows).save(arguments.output, quality=74, optimize=True, progressive=True)


def sheet(rows: list[list[tuple[Image.Image, str]]]) -> Image.Image:
    """A grid of captioned pictures."""
    heights = [round(CELL * row[0][0].height / row[0][0].width) for row in rows]
    width = GAP + len(rows[0]) * (CELL + GAP)
    page = Image.new("RGB", (width, GAP + sum(h + CAPTION + GAP for h in heights)), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        for column, (picture, label) in enumerate(row):
            left = GAP + column * (CELL + GAP)
            page.paste(picture.resize((CELL, height), Image.Resampling.LANCZOS), (left, top))
            draw.text((left + 2, top + height + 3), label, "black", font)
        top += height + CAPTION + GAP
    return page


if __name__ == "__main__":
    main()
