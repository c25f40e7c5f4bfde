"""Prints how `render_paths` and DiffVG compare on the CPU, as Markdown tables.

    python benchmarks/figures/diffvg.py DIR [PHOTO...] [--paths 256] [--size 256] [--steps 100]

DIR is where DiffVG (github.com/BachiLi/diffvg) was built: it holds the package `pydiffvg` and the module `diffvg`. Both
draw the same closed paths of four curves, forward and backward. DiffVG takes 2 × 2 samples a pixel, as in its examples.
For each photo, `vectorize` and the settings of DiffVG's own painterly example (`--use_blob`) then fit as many paths.
Times are CPU seconds of one thread, taken in turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neuralpaint.images.io import load_image
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.ops import render_paths
from neuralpaint.utils.machine import describe
from neuralpaint.vector import VectorizeSettings, vectorize

ROOT = Path(__file__).resolve().parents[2]
_SAMPLES, _SEGMENTS = 2, 4


class DiffVG:
    """Closed, filled paths of DiffVG: points `[P, S, 3, 2]` in pixels (the end of a curve is the next one's start) and
    paint `[P, 4]`."""

    def __init__(self, folder: Path) -> None:
        sys.path.insert(0, str(folder))
        import pydiffvg

        pydiffvg.set_use_gpu(False)
        pydiffvg.set_print_timing(False)
        self._vg = pydiffvg

    def draw(self, points: Tensor, paint: Tensor, height: int, width: int, seed: int = 0) -> Tensor:
        """`[1, 3, H, W]`, over white."""
        vg, count = self._vg, points.shape[1]
        controls = torch.full((count,), 2, dtype=torch.int32)
        shapes = [
            vg.Path(
                num_control_points=controls, points=path.reshape(-1, 2), stroke_width=torch.tensor(1.0), is_closed=True
            )
            for path in points
        ]
        groups = [vg.ShapeGroup(shape_ids=torch.tensor([index]), fill_color=color) for index, color in enumerate(paint)]
        scene = vg.RenderFunction.serialize_scene(width, height, shapes, groups)
        drawn = vg.RenderFunction.apply(width, height, _SAMPLES, _SAMPLES, seed, None, *scene)
        over = drawn[..., 3:] * drawn[..., :3] + 1 - drawn[..., 3:]
        return over.permute(2, 0, 1)[None]


def closed(points: Tensor) -> Tensor:
    """The points of DiffVG as `[1, P, S, 4, 2]`."""
    return torch.cat([points, points.roll(-1, 1)[:, :, :1]], 2)[None]


def blobs(count: int, height: int, width: int, radius: float) -> tuple[Tensor, Tensor]:
    """Uneven discs: points `[P, 4, 3, 2]` in pixels, and paint `[P, 4]`."""
    generator = torch.Generator().manual_seed(0)
    angles = torch.arange(3 * _SEGMENTS) / (3 * _SEGMENTS) * 2 * torch.pi
    ring = torch.stack([torch.cos(angles), torch.sin(angles)], 1)
    uneven = radius * (0.7 + 0.6 * torch.rand(count, len(ring), 1, generator=generator))
    middle = torch.rand(count, 1, 2, generator=generator) * torch.tensor([width, height])
    points = (middle + uneven * ring).reshape(count, _SEGMENTS, 3, 2)
    return points, torch.rand(count, 4, generator=generator)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def compare_times(rival: DiffVG, count: int, size: int, rounds: int) -> None:
    points, paint = (part.requires_grad_() for part in blobs(count, size, size, 0.08 * size))
    white = torch.ones(1, 3, size, size)

    def ours() -> Tensor:
        return render_paths(white, closed(points), fill=paint[None], pixels_per_unit=1)

    def theirs() -> Tensor:
        return rival.draw(points, paint, size, size)

    found: dict[str, list[float]] = {"ours": [], "theirs": []}
    pictures = {}
    for turn in range(rounds + 1):
        for name, draw in (("ours", ours), ("theirs", theirs)):
            forward, picture = seconds(draw)
            backward, _ = seconds(lambda: torch.autograd.grad(picture.square().sum(), [points, paint]))  # noqa: B023
            pictures[name] = picture.detach()
            if turn:  # the first one warms up
                found[name].append(forward + backward)
    middle = {name: statistics.median(values) for name, values in found.items()}
    print(
        f"| {count} | {size}² | {1000 * middle['ours']:.0f} ms | {1000 * middle['theirs']:.0f} ms "
        f"| {middle['theirs'] / middle['ours']:.0f}× | {psnr(pictures['ours'], pictures['theirs']):.1f} dB |",
        flush=True,
    )


def fit(rival: DiffVG, photo: Tensor, count: int, steps: int) -> Tensor:
    """DiffVG's painterly example: small blobs anywhere, Adam, the mean squared error."""
    height, width = photo.shape[1:]
    points, paint = (part.requires_grad_() for part in blobs(count, height, width, 0.05 * min(height, width)))
    movers = [torch.optim.Adam([points], lr=1.0), torch.optim.Adam([paint], lr=0.01)]
    for step in range(steps):
        for mover in movers:
            mover.zero_grad()
        (rival.draw(points, paint, height, width, step) - photo).square().mean().backward()
        for mover in movers:
            mover.step()
        with torch.no_grad():
            paint.clamp_(0, 1)
    with torch.no_grad():
        return rival.draw(points, paint, height, width).clamp(0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("diffvg", type=Path, help="folder of the packages pydiffvg and diffvg")
    parser.add_argument("photos", nargs="*", type=Path, default=[ROOT / "examples" / "photos" / "chelsea.jpg"])
    parser.add_argument("--paths", type=int, default=256)
    parser.add_argument("--size", type=int, default=256, help="shorter side of the photos, pixels")
    parser.add_argument("--steps", type=int, default=100, help="steps of DiffVG")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rival = DiffVG(arguments.diffvg)

    print(describe())
    print("| paths | pixels | ours | DiffVG | ratio | ours against DiffVG's samples |\n|---|---|---|---|---|---|")
    for count in (arguments.paths, 2 * arguments.paths):
        compare_times(rival, count, arguments.size, arguments.rounds)

    print("\n| photo | painter | paths | PSNR | CPU s |\n|---|---|---|---|---|", flush=True)
    for path in arguments.photos:
        photo = load_image(path)
        factor = arguments.size / min(photo.shape[1:])
        photo = resize(photo, *(round(side * factor) for side in photo.shape[1:]))
        settings = VectorizeSettings(paths=arguments.paths, size=arguments.size)
        taken, image = seconds(lambda: vectorize(photo, settings))  # noqa: B023
        shown = psnr(image.render(min(photo.shape[1:]))[None], photo[None])
        print(f"| {path.stem} | neuralpaint | {arguments.paths} | {shown:.1f} dB | {taken:.0f} |", flush=True)
        taken, picture = seconds(lambda: fit(rival, photo, arguments.paths, arguments.steps))  # noqa: B023
        shown = psnr(picture, photo[None])
        row = f"| {path.stem} | DiffVG, {arguments.steps} steps | {arguments.paths} | {shown:.1f} dB | {taken:.0f} |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
