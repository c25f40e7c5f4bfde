"""Photos as SVG by neuralpaint and by VTracer, at the same number of paths: PSNR, size of the file and CPU seconds.

    pip install vtracer
    python benchmarks/figures/vector_rivals.py [PHOTO...] [--paths 256 --paths 512] [--size 256]

Photos are made `--size` pixels along the shorter side. VTracer has no number of paths to ask for: of its settings those
are taken that come nearest to the photo with no more paths; what it does by default comes in a line of its own. All
files are read again and drawn by neuralpaint.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from neuralpaint.images.io import load_image, to_pil
from neuralpaint.images.resample import area_pool
from neuralpaint.vector import VectorizeSettings, read_svg, vectorize, write_svg

ROOT = Path(__file__).resolve().parents[2]


def seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


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
        with tempfile.TemporaryDirectory() as folder:
            print(f"{path.stem:12s} VTracer's defaults  {vtracer_by_default(photo, Path(folder))}", flush=True)
        for paths in arguments.paths or [256, 512]:
            with tempfile.TemporaryDirectory() as folder:
                print(f"{path.stem:12s} {paths:5d}  neuralpaint  {ours(photo, Path(folder), paths)}", flush=True)
                print(f"{'':12s} {'':5s}  VTracer      {vtracer_at(photo, Path(folder), paths)}", flush=True)


if __name__ == "__main__":
    main()
