"""Paints photos with several brushes and puts photo and paintings side by side, PSNR and seconds under each.

    python benchmarks/figures/contact_sheet.py PHOTO... -o SHEET.jpg [--brush oil --brush tape ...] [--preset balanced]

PSNR is measured at 512 pixels along the shorter side; seconds are of the painting itself, photo in memory to picture.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import neuralpaint
from neuralpaint.images.io import load_image, to_pil

CELL, CAPTION, GAP = 300, 22, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--brush", action="append")
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--strokes", type=int, default=500)
    arguments = parser.parse_args()
    brushes = arguments.brush or ["oil", "watercolor", "marker", "tape"]

    neuralpaint.paint(Image.new("RGB", (32, 32)), strokes=2, preset="fast")  # loads kernels and textures
    rows = []
    for path in arguments.photos:
        photo = load_image(path)
        row = [(to_pil(photo), path.stem)]
        for brush in brushes:
            start = time.perf_counter()
            painting = neuralpaint.paint(photo, brush, arguments.strokes, arguments.preset)
            picture = painting.render(512)
            seconds = time.perf_counter() - start
            label = f"{brush}  {painting.psnr(photo):.1f} dB  {seconds:.1f} s"
            print(path.stem, label, flush=True)
            row.append((picture, label))
        rows.append(row)
    sheet(rows).save(arguments.output, quality=85)


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
