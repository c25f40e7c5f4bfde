"""Prints PSNR and seconds of every preset on some photos, as Markdown tables.

    python benchmarks/figures/preset_table.py PHOTO... [--brush tape --brush oil] [--preset fast ...] [--blocks]

PSNR is measured at 512 pixels along the shorter side; seconds are of the painting itself, photo in memory to picture.
--blocks adds a column for the block-wise search alone, with the pixel loss that the joint search has.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from PIL import Image

import neuralpaint
from neuralpaint.images.io import load_image
from neuralpaint.search import PRESETS, Preset

# The block-wise search with the pixel loss alone: what the joint search is compared with.
BLOCKS = Preset("blocks", method="blocks", steps=20, refine=0, block_pixels=64, learning_rate=0.01, l1=1.0, l2=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--brush", action="append")
    parser.add_argument("--preset", action="append")
    parser.add_argument("--strokes", type=int, default=500)
    parser.add_argument("--blocks", action="store_true")
    arguments = parser.parse_args()
    presets: list[str | Preset] = [*(arguments.preset or PRESETS)]
    if arguments.blocks:
        presets.append(BLOCKS)
    names = [preset if isinstance(preset, str) else preset.name for preset in presets]

    neuralpaint.paint(Image.new("RGB", (32, 32)), strokes=2, preset="fast")  # loads kernels and textures
    for brush in arguments.brush or ["tape", "oil"]:
        print(f"\n{brush}, {arguments.strokes} strokes, {torch.get_num_threads()} threads\n")
        print("| photo | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
        sums = [[0.0, 0.0] for _ in presets]
        for path in arguments.photos:
            photo, cells = load_image(path), []
            for total, preset in zip(sums, presets, strict=True):
                start = time.perf_counter()
                painting = neuralpaint.paint(photo, brush, arguments.strokes, preset)
                painting.render(512)
                seconds = time.perf_counter() - start
                psnr = painting.psnr(photo)
                total[0] += psnr
                total[1] += seconds
                cells.append(f"{psnr:.2f} dB, {seconds:.1f} s")
            print(f"| {path.stem} | " + " | ".join(cells) + " |", flush=True)
        count = len(arguments.photos)
        print("| mean | " + " | ".join(f"{p / count:.2f} dB, {s / count:.1f} s" for p, s in sums) + " |", flush=True)


if __name__ == "__main__":
    main()
