"""Photos as SVG by neuralpaint, VTracer and Potrace, at the same number of paths: PSNR, size of the file, CPU seconds.

    pip install vtracer; apt-get install potrace
    python benchmarks/figures/vector_rivals.py [PHOTO...] [--paths 256 --paths 512] [--size 256]

Photos are made `--size` pixels along the shorter side. VTracer has no number of paths to ask for: of its settings those
are taken that come nearest to the photo with no more paths; what it does by default comes in a line of its own. Potrace
traces black on white: the photo's colours are reduced, and each colour and all that are lighter are traced as one layer
above the darker ones; of several numbers of colours and sizes of what is left out, those that come nearest are taken.
All files are read again and drawn by neuralpaint. A program that is not installed is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import re
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from neuralpaint.images.io import load_image, to_pil
from neuralpaint.images.resample import area_pool
from neuralpaint.vector import VectorizeSettings, read_svg, vectorize, write_svg

ROOT = Path(__file__).resolve().parents[2]


def seconds() -> float:
    """CPU seconds of this process and of those that it has started and that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def judged(path: Path, photo: Tensor) -> tuple[float, str]:
    """PSNR, and a line with it."""
    image = read_svg(path)
    error = (image.render(min(photo.shape[1:])) - photo).square().mean()
    psnr, count = float(-10 * error.log10()), image.layout.num_paths
    return psnr, f"{count:5d} paths  {psnr:6.2f} dB  {path.stat().st_size / 1000:7.1f} kB"


def ours(photo: Tensor, folder: Path, paths: int) -> str:
    begun = seconds()
    image = vectorize(photo, VectorizeSettings(paths=paths, size=min(photo.shape[1:])))
    took = seconds() - begun
    write_svg(image, folder / "ours.svg")
    return f"{judged(folder / 'ours.svg', photo)[1]}  {took:6.2f} s"


def vtracer_at(photo: Tensor, folder: Path, paths: int) -> str:
    """The best of its settings that need no more paths."""
    import vtracer

    picture, best, highest = folder / "photo.png", "", 0.0
    to_pil(photo).save(picture)
    for speckle, difference, precision in itertools.product((1, 2, 4, 8, 16), (4, 8, 16, 32, 64), (5, 6, 8)):
        output = folder / "vtracer.svg"
        begun = seconds()
        vtracer.convert_image_to_svg_py(
            str(picture), str(output), filter_speckle=speckle, layer_difference=difference, color_precision=precision
        )
        took = seconds() - begun
        if output.read_text().count("<path") > paths:
            continue
        psnr, line = judged(output, photo)
        if psnr > highest:
            highest, best = psnr, f"{line}  {took:6.2f} s"
    return best or "no setting needs so few paths"


def vtracer_by_default(photo: Tensor, folder: Path) -> str:
    import vtracer

    picture, output = folder / "photo.png", folder / "default.svg"
    to_pil(photo).save(picture)
    begun = seconds()
    vtracer.convert_image_to_svg_py(str(picture), str(output))
    return f"{judged(output, photo)[1]}  {seconds() - begun:6.2f} s"


def potrace_layers(photo: Tensor, folder: Path, colors: int, speckle: int) -> str:
    """The text of an SVG file: a layer for each colour, from dark to light."""
    reduced = to_pil(photo).quantize(colors, kmeans=2, dither=Image.Dither.NONE)
    palette = np.asarray(reduced.getpalette(), dtype=np.uint8).reshape(-1, 3)
    index = np.asarray(reduced)
    used = [number for number in np.unique(index)]
    order = sorted(used, key=lambda number: float(palette[number] @ np.array([0.299, 0.587, 0.114])))
    rank = np.zeros(256, dtype=np.int64)
    rank[order] = np.arange(len(order))
    height, width = index.shape
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">']
    for level, number in enumerate(order):
        fill = "#" + bytes(palette[number]).hex()
        if level == 0:
            parts.append(f'<rect width="{width}" height="{height}" fill="{fill}"/>')
            continue
        mask, traced = folder / "layer.pbm", folder / "layer.svg"
        Image.fromarray(rank[index] < level).save(mask)  # black is what is traced, and 0 in a picture of Pillow's
        subprocess.run(["potrace", "-s", "-t", str(speckle), "-o", str(traced), str(mask)], check=True)
        text = traced.read_text()
        place = re.search(r'<g transform="([^"]*)"', text)
        assert place is not None
        shapes = "".join(f'<path d="{d}"/>' for d in re.findall(r'<path d="([^"]*)"', text))
        parts.append(f'<g transform="{place[1]}" fill="{fill}">{shapes}</g>')
    return "\n".join([*parts, "</svg>\n"])


def potrace_at(photo: Tensor, folder: Path, paths: int) -> str:
    """The best of its settings that need no more paths."""
    best, highest, output = "", 0.0, folder / "potrace.svg"
    for colors, speckle in itertools.product((3, 4, 6, 8, 12, 16, 24, 32), (0, 2, 5, 10, 20, 40, 80)):
        begun = seconds()
        text = potrace_layers(photo, folder, colors, speckle)
        took = seconds() - begun
        if text.count("<path") + 1 > paths:
            continue
        output.write_text(text)
        psnr, line = judged(output, photo)
        if psnr > highest:
            highest, best = psnr, f"{line}  {took:6.2f} s  ({colors} colours)"
    return best or "no setting needs so few paths"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path, default=sorted((ROOT / "examples" / "photos").glob("*.jpg")))
    parser.add_argument("--paths", type=int, action="append")
    parser.add_argument("--size", type=int, default=256)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for path in arguments.photos:
        photo = load_image(path)
        scale = arguments.size / min(photo.shape[1:])
        photo = area_pool(photo[None], (round(photo.shape[1] * scale), round(photo.shape[2] * scale)))[0]
        has_vtracer, has_potrace = importlib.util.find_spec("vtracer"), shutil.which("potrace")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if has_vtracer:
                print(f"{path.stem:12s} VTracer's defaults  {vtracer_by_default(photo, folder)}", flush=True)
            for paths in arguments.paths or [256, 512]:
                print(f"{path.stem:12s} {paths:5d}  neuralpaint  {ours(photo, folder, paths)}", flush=True)
                if has_vtracer:
                    print(f"{'':12s} {'':5s}  VTracer      {vtracer_at(photo, folder, paths)}", flush=True)
                if has_potrace:
                    print(f"{'':12s} {'':5s}  Potrace      {potrace_at(photo, folder, paths)}", flush=True)


if __name__ == "__main__":
    main()
