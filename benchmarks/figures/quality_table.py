"""Prints how close paintings come with more and more strokes, and in what time, as a Markdown table.

    pip install torchmetrics
    python -m benchmarks.figures.quality_table PHOTO... | --set bsds24 FOLDER [--brush oil --brush tape]
        [--strokes 200 500 1000 2000 5000] [--preset balanced] [--detail none] [--primitive PATH] [--json FILE]

PSNR, SSIM (Wang et al. 2004) and MS-SSIM (Wang et al. 2003) at 512 pixels along the shorter side, means over the
photos; CPU seconds of the painting itself, photo in memory to picture. --set takes the photos of a named set (see
benchmarks/sets.py) out of a folder, if they are the files that were measured before. With --primitive, the program of
github.com/fogleman/primitive paints the same photos with as many rotated rectangles, whose opacities it chooses
(`-m 5 -a 0`), and sees them at 256 pixels, as it does by default; its seconds include its start, reading and writing.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

import neuralpaint
from benchmarks.sets import SETS
from neuralpaint.images.io import load_image, save_image, to_pil
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.utils.machine import describe

_SIZE = 512


Paint = Callable[[Tensor, int], tuple[Tensor, float]]
"""From a photo `[3, H, W]` and a number of strokes: a picture of the same shape, and CPU seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--set", nargs=2, metavar=("NAME", "FOLDER"), help=f"photos by name: {', '.join(SETS)}")
    parser.add_argument("--brush", action="append")
    parser.add_argument("--strokes", type=int, nargs="+", default=[200, 500, 1000, 2000, 5000])
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--detail", choices=("auto", "none"), default="auto")
    parser.add_argument("--primitive", type=Path, help="the program of fogleman/primitive")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    arguments = parser.parse_args()
    paths = list(arguments.photos)
    if arguments.set is not None:
        name, folder = arguments.set
        if name not in SETS:
            parser.error(f"--set: there is no {name}; choose {', '.join(SETS)}")
        try:
            paths += SETS[name].find(Path(folder))
        except ValueError as error:
            parser.error(f"--set: {error}")
    if not paths:
        parser.error("name photos, or a set by --set")
    photos = {path.stem: _reduced(load_image(path)) for path in paths}
    neuralpaint.paint(next(iter(photos.values())), strokes=2, preset="fast")  # loads kernels and textures

    painters = {brush: _ours(brush, arguments.preset, arguments.detail) for brush in arguments.brush or ["oil", "tape"]}
    if arguments.primitive is not None:
        painters["primitive"] = _primitive(arguments.primitive.resolve())
    rows: list[dict[str, object]] = []
    print(f"{len(photos)} photos, {arguments.preset}, {torch.get_num_threads()} threads")
    print("| painter | strokes | PSNR | SSIM | MS-SSIM | CPU s |")
    print("|---|---|---|---|---|---|")
    for name, paint in painters.items():
        for count in arguments.strokes:
            found = {photo: _measure(paint, pixels, count) for photo, pixels in photos.items()}
            mean = [statistics.fmean(values) for values in zip(*found.values(), strict=True)]
            print(
                f"| {name} | {count:,} | {mean[0]:.2f} dB | {mean[1]:.3f} | {mean[2]:.3f} | {mean[3]:.1f} |",
                flush=True,
            )
            rows.append({"painter": name, "strokes": count, "photos": found})
            if arguments.json is not None:
                report = {"machine": describe(), "preset": arguments.preset, "detail": arguments.detail, "rows": rows}
                arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def _reduced(photo: Tensor) -> Tensor:
    height, width = photo.shape[1:]
    factor = min(1.0, _SIZE / min(height, width))
    return resize(photo, round(height * factor), round(width * factor))


def _measure(paint: Paint, photo: Tensor, count: int) -> tuple[float, ...]:
    picture, seconds = paint(photo, count)
    pair = picture[None], photo[None]
    ssim = structural_similarity_index_measure(*pair, data_range=1.0)
    multiscale = multiscale_structural_similarity_index_measure(*pair, data_range=1.0)
    return psnr(*pair), float(ssim), float(multiscale), seconds


def _ours(brush: str, preset: str, detail: str) -> Paint:
    def paint(photo: Tensor, count: int) -> tuple[Tensor, float]:
        start = time.process_time()
        picture = neuralpaint.paint(photo, brush, count, preset, detail=detail).render()
        return load_image(picture), time.process_time() - start

    return paint


def _primitive(program: Path) -> Paint:
    def paint(photo: Tensor, count: int) -> tuple[Tensor, float]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with TemporaryDirectory() as folder:
            source, result = Path(folder) / "photo.png", Path(folder) / "result.png"
            save_image(to_pil(photo), source)
            longer = str(max(photo.shape[1:]))
            command = [str(program), "-i", str(source), "-o", str(result), "-m", "5", "-a", "0", "-s", longer]
            subprocess.run([*command, "-j", str(torch.get_num_threads()), "-n", str(count)], check=True)
            picture = load_image(result)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return resize(picture, *photo.shape[1:]), seconds

    return paint


if __name__ == "__main__":
    main()
