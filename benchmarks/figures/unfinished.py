"""Prints the PSNR of unfinished paintings, with and without the search looking at them, as a Markdown table.

    python benchmarks/figures/unfinished.py PHOTO... [--brush oil --brush tape] [--preset balanced] [--strokes 500]

PSNR is measured at 512 pixels along the shorter side; the table has the mean over the photos.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch

import neuralpaint
from neuralpaint.images.io import load_image
from neuralpaint.search import PRESETS
from neuralpaint.search.optim.prefixes import SHARES

BRUSHES = ["oil", "tape", "watercolor", "marker"]


def progress(painting: neuralpaint.Painting, photo: torch.Tensor) -> torch.Tensor:
    """PSNR in dB after each of `SHARES` of the strokes, and at the end: `[5]`."""
    counts = [round(share * len(painting)) for share in (*SHARES, 1.0)]
    return torch.tensor(
        [dataclasses.replace(painting, strokes=painting.strokes[:count]).psnr(photo) for count in counts]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--brush", action="append")
    parser.add_argument("--preset", default="balanced", choices=sorted(PRESETS))
    parser.add_argument("--strokes", type=int, default=500)
    arguments = parser.parse_args()
    preset, brushes = PRESETS[arguments.preset], arguments.brush or BRUSHES
    columns = []
    for brush in brushes:
        for search in (preset, dataclasses.replace(preset, prefix=0.0)):
            each = []
            for path in arguments.photos:
                photo = load_image(path)
                each.append(progress(neuralpaint.paint(photo, brush, arguments.strokes, search), photo))
            columns.append(torch.stack(each).mean(0).tolist())
    print("| strokes painted | " + " | ".join(f"{brush} | before" for brush in brushes) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for share, values in zip((*SHARES, 1.0), zip(*columns, strict=True), strict=True):
        print(f"| {share:.0%} | " + " | ".join(f"{value:.1f} dB" for value in values) + " |")


if __name__ == "__main__":
    main()
