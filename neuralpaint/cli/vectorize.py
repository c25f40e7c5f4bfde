"""neuralpaint vectorize: a photo as an SVG of filled paths."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.options import Debug, Overwrite, Quiet, check_range
from neuralpaint.cli.progress import bar, clock, visible
from neuralpaint.pipelines.batch import check_target, same_file
from neuralpaint.utils.validation import MAX_PATHS, MAX_SEED

NAME = "vectorize"


def command(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The photo.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.svg", help="The SVG file.")],
    paths: Annotated[int, typer.Option(metavar="N", help="Number of paths.")] = 512,
    segments: Annotated[int, typer.Option(metavar="N", help="Curves of each path.")] = 4,
    size: Annotated[
        int, typer.Option(metavar="PIXELS", help="Shorter side at which the paths are fitted; at most the photo's.")
    ] = 256,
    steps: Annotated[int, typer.Option(metavar="N", help="Gradient steps after each round of new paths.")] = 60,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of where paths begin.")] = 0,
    background: Annotated[
        str, typer.Option(metavar="COLOR", help="Background of transparent photos: a name or #rrggbb.")
    ] = "white",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Turns a photo into an SVG of filled paths.

    Paths are added where the error is largest, and their points, colours and opacities are moved by gradient descent
    until they look like the photo. Ctrl-C stops without writing a file.

    [bold]Examples[/bold]
      [cyan]neuralpaint vectorize photo.jpg -o photo.svg[/cyan]
      [cyan]neuralpaint vectorize photo.jpg -o poster.svg --paths 64 --steps 150[/cyan]
    """
    if output.suffix.lower() != ".svg":
        raise ValueError(f"--output {output}: must be a .svg file")
    if same_file(output, photo):
        raise ValueError(f"{output} is the photo itself: choose another output file")
    check_target(output, overwrite)
    check_range("--paths", paths, 1, MAX_PATHS)
    check_range("--segments", segments, 2, 64)
    check_range("--size", size, 16, 8192)
    check_range("--steps", steps, 1, 100_000)
    check_range("--seed", seed, 0, MAX_SEED)
    from neuralpaint.images.io import load_image

    pixels = load_image(photo, background=background)
    from neuralpaint.vector import VectorizeProgress, VectorizeSettings, vectorize, write_svg

    settings = VectorizeSettings(paths=paths, segments=segments, size=size, steps=steps, seed=seed)
    started = time.perf_counter()
    last: list[VectorizeProgress] = []
    with bar(photo.name, timed=False) if visible(quiet) else nullcontext() as update:

        def show(at: VectorizeProgress) -> None:
            last[:] = [at]
            if update is not None:
                left = (time.perf_counter() - started) * (at.work / max(at.done, 1e-9) - 1)
                detail = f"{at.paths} paths · {at.psnr:.1f} dB · {clock(left)} left"
                update(total=at.work, completed=at.done, detail=detail)

        picture = vectorize(pixels, settings, show)
    write_svg(picture, output)
    if not quiet:
        kilobytes = output.stat().st_size / 1000
        say(
            f"{photo} → {output}: {picture.layout.num_paths} paths, {last[-1].psnr:.1f} dB, {kilobytes:,.0f} kB, "
            f"{time.perf_counter() - started:.1f} s"
        )
