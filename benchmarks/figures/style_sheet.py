"""Paints some photos in some styles, in both modes or by several features: a sheet, and a table.

    python benchmarks/figures/style_sheet.py --style PICTURE [--style PICTURE ...] -o SHEET.jpg [--photo PHOTO ...]

Photos are those of examples/photos by default; --mode and --features, each of which may be given several times, say
what the rows of a photo are. Paintings are those of `paint_in_style`; with --restyle those of `paint`, restyled as in
Stylized Neural Painting. --keep holds the stroke files; what is there is not painted again. With --restyle a table
(Markdown, on the standard output) says by how much the style loss and ℓ1 to the photo in grey changed from the painting
before.
"""

from __future__ import annotations

import argparse
from functools import partial
from itertools import product, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont

import neuralpaint
from neuralpaint.images.io import load_image, to_pil
from neuralpaint.losses import StyleLoss

PHOTOS = sorted((Path(__file__).parents[2] / "examples" / "photos").glob("*.jpg"))
MODES = ("color", "color+texture")
CELL, CAPTION, GAP = 220, 20, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photo", action="append", type=Path)
    parser.add_argument("--style", action="append", type=Path, required=True)
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--brush", default="oil")
    parser.add_argument("--strokes", type=int, default=500)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--size", type=int, default=512, help="pixels along a photo's shorter side, at most")
    parser.add_argument("--restyle", action="store_true")
    parser.add_argument("--weight", type=float)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--cell", type=int, default=CELL)
    parser.add_argument("--features", action="append")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--quality", type=int, default=76)
    arguments = parser.parse_args()
    variants = list(product(arguments.features or ["auto"], arguments.mode or MODES))
    losses = {}
    several = len(arguments.features or ()) > 1  # captions say features, otherwise modes
    chosen = {key: getattr(arguments, key) for key in ("weight", "steps") if getattr(arguments, key) is not None}

    def styled(photo: Image.Image, style: Path, features: str, mode: str):
        return neuralpaint.paint_in_style(
            *(photo, style, arguments.brush, arguments.strokes, arguments.preset),
            mode=mode,
            features=features,
            **chosen,
        )

    def restyled(photo: Image.Image, plain: neuralpaint.Painting, style: Path, features: str, mode: str):
        key = style, features, mode
        if key not in losses:
            losses[key] = StyleLoss(style, mode=mode, features=features)
        return neuralpaint.restyle(plain, photo, losses[key], **chosen)

    if arguments.restyle:
        print(f"| photo | style | {'features' if several else 'mode'} | style loss | | ℓ1, grey | |")
        print("|---|---|---|---:|---:|---:|---:|")
    rows = [[(Image.new("RGB", (8, 5), "white"), "")] + [(to_pil(load_image(s)), name(s)) for s in arguments.style]]
    with TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for photo in arguments.photo or PHOTOS:
            small = to_pil(load_image(photo))
            factor = min(1.0, arguments.size / min(small.size))
            small = small.resize([round(factor * side) for side in small.size], Image.Resampling.LANCZOS)
            plain = kept(
                folder / f"{photo.stem}.safetensors",
                partial(neuralpaint.paint, small, arguments.brush, arguments.strokes, arguments.preset),
            )
            first = [(small, photo.stem), (plain.render(512), f"{len(plain)} strokes")]
            for (features, mode), beginning in zip_longest(variants, first[: len(variants)]):
                label = features if several else mode
                row = [beginning or (Image.new("RGB", first[0][0].size, "white"), "")]
                for style in arguments.style:
                    prefix = "" if features == "auto" else f"{features}-"
                    make = partial(restyled, small, plain) if arguments.restyle else partial(styled, small)
                    painting = kept(
                        folder / f"{prefix}{photo.stem}-{style.stem}-{mode}.safetensors",
                        partial(make, style, features, mode),
                    )
                    if arguments.restyle:
                        print(line(photo.stem, name(style), label, painting.metadata["style"]), flush=True)
                    row.append((painting.render(512), label))
                rows.append(row)
    sheet(rows, arguments.cell).save(arguments.output, quality=arguments.quality, optimize=True)


def kept(path: Path, make) -> neuralpaint.Painting:
    """The painting of that file, made first if it is not there."""
    if not path.exists():
        make().save(path)
    return neuralpaint.Painting.load(path)


def name(path: Path) -> str:
    return path.stem.replace("-", " ")


def line(photo: str, style: str, label: str, found: dict) -> str:
    cells = []
    for key, form in (("style_loss", "{:.3f} → {:.3f}"), ("l1_grey", "{:.4f} → {:.4f}")):
        before, after = found[key]
        cells += [form.format(before, after), f"{100 * (after / before - 1):+.0f} %"]
    return f"| {photo} | {style} | {label} | {' | '.join(cells)} |"


def sheet(rows: list[list[tuple[Image.Image, str]]], cell: int = CELL) -> Image.Image:
    """A grid of captioned pictures; each row is as tall as its first picture, and wider ones are cropped to fit."""
    heights = [round(cell * row[0][0].height / row[0][0].width) for row in rows]
    page = Image.new("RGB", (GAP + len(rows[0]) * (cell + GAP), GAP + sum(h + CAPTION + GAP for h in heights)), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        for column, (picture, label) in enumerate(row):
            left = GAP + column * (cell + GAP)
            page.paste(cropped(picture, cell, height), (left, top))
            draw.text((left + 2, top + height + 2), label, "black", font)
        top += height + CAPTION + GAP
    return page


def cropped(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Its middle, of that size."""
    scale = max(width / picture.width, height / picture.height)
    large = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    left, top = (large.width - width) // 2, (large.height - height) // 2
    return large.crop((left, top, left + width, top + height))


if __name__ == "__main__":
    main()
