"""Prints how close paintings come with more and more strokes, and in what time, as a Markdown table.

    pip install torchmetrics
    python benchmarks/figures/quality_table.py PHOTO... [--brush oil --brush tape] [--strokes 200 500 1000 2000 5000]
        [--preset balanced] [--detail none]

PSNR, SSIM (Wang et al. 2004) and MS-SSIM (Wang et al. 2003) at 512 pixels along the shorter side, means over the
photos; CPU seconds of the painting itself, photo in memory to picture.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

import neuralpaint
from neuralpaint.images.io import load_image
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize

_SIZE = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--brush", action="append")
    parser.add_argument("--strokes", type=int, nargs="+", default=[200, 500, 1000, 2000, 5000])
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--detail", choices=("auto", "none"), default="auto")
    arguments = parser.parse_args()
    photos = [_reduced(load_image(path)) for path in arguments.photos]
    detail = None if arguments.detail == "none" else "auto"
    neuralpaint.paint(photos[0], strokes=2, preset="fast")  # loads kernels and textures

    print(f"{len(photos)} photos, {arguments.preset}, {torch.get_num_threads()} threads")
    print("| brush | strokes | PSNR | SSIM | MS-SSIM | CPU s |")
    print("|---|---|---|---|---|---|")
    for brush in arguments.brush or ["oil", "tape"]:
        for count in arguments.strokes:
            rows = [_measure(photo, brush, count, arguments.preset, detail) for photo in photos]
            mean = [statistics.fmean(values) for values in zip(*rows, strict=True)]
            print(
                f"| {brush} | {count:,} | {mean[0]:.2f} dB | {mean[1]:.3f} | {mean[2]:.3f} | {mean[3]:.1f} |",
                flush=True,
            )


def _reduced(photo: Tensor) -> Tensor:
    height, width = photo.shape[1:]
    factor = min(1.0, _SIZE / min(height, width))
    return resize(photo, round(height * factor), round(width * factor))


def _measure(photo: Tensor, brush: str, count: int, preset: str, detail: str | None) -> tuple[float, ...]:
    start = time.process_time()
    painting = neuralpaint.paint(photo, brush, count, preset, detail=detail)
    picture = painting.render()
    seconds = time.process_time() - start
    pair = load_image(picture)[None], photo[None]
    ssim = structural_similarity_index_measure(*pair, data_range=1.0)
    multiscale = multiscale_structural_similarity_index_measure(*pair, data_range=1.0)
    return psnr(*pair), float(ssim), float(multiscale), seconds


if __name__ == "__main__":
    main()
