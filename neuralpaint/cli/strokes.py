"""neuralpaint strokes: generates random strokes as training data."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import say, warn
from neuralpaint.cli.options import MAX_SEED, Debug, check_range, resolve_brush
from neuralpaint.cli.progress import bar_or_lines, clock

if TYPE_CHECKING:
    from neuralpaint.data.writer import WritingProgress

NAME = "strokes"
MAX_COUNT = 10**15
_SHARD_SIZES = {"vector": 100_000, "webdataset": 10_000}


def command(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Output folder for the shards and their index.")
    ] = None,
    brush: Annotated[str, typer.Option(metavar="BRUSH", help="Brush name, or an image of a brush dab.")] = "oil",
    count: Annotated[int, typer.Option(metavar="N", help="Number of strokes.")] = 1_000_000,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed.")] = 0,
    layout: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="vector: parameters only, rendered when read; webdataset: images and parameters in .tar files.",
        ),
    ] = "vector",
    size: Annotated[
        int, typer.Option(metavar="PIXELS", help="Image size; for vector, a default that readers can override.")
    ] = 128,
    shard_size: Annotated[
        int | None,
        typer.Option(metavar="N", help="Strokes per file.", show_default="100000; 10000 with webdataset"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="webdataset: rendering processes.", show_default="one per core, up to 8"),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Write nothing: render to uint8 and report the speed.")
    ] = False,
    batch: Annotated[int | None, typer.Option(metavar="N", help="--measure: batch size.")] = None,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="--measure: cpu, cuda, cuda:1 …")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Write the missing shards of DIR.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Delete existing strokes in DIR.")] = False,
    debug: Debug = False,
) -> None:
    """Generates random strokes as training data.

    neuralpaint.data.StrokeDataset reads the vector format and renders it at any size; the webdataset library reads the
    other. If interrupted, finished shards are kept and --resume writes the rest.

    [bold]Examples[/bold]

    One million oil strokes, 48 MB:
      [cyan]neuralpaint strokes --brush oil --count 1000000 --out oil-strokes[/cyan]

    Images of watercolor strokes in .tar files:
      [cyan]neuralpaint strokes --brush watercolor --count 50000 --format webdataset --out watercolor-strokes[/cyan]

    Rendering speed of this machine:
      [cyan]neuralpaint strokes --brush oil --count 1000000 --measure[/cyan]
    """
    from neuralpaint.data.shards import MAX_SHARD, StrokeSet
    from neuralpaint.data.writer import in_bytes, write_set

    check_range("--count", count, 1, MAX_COUNT)
    check_range("--seed", seed, 0, MAX_SEED)
    check_range("--size", size, 1, 8192)
    check_range("--shard-size", shard_size, 1, MAX_SHARD)
    check_range("--batch", batch, 1, 65536)
    check_range("--workers", workers, 0, 1024)
    if layout not in _SHARD_SIZES:
        raise ValueError(f"--format must be {' or '.join(_SHARD_SIZES)}, got {layout!r}")
    if measure == (out is not None):
        raise ValueError("--measure writes nothing: remove --out" if measure else "--out DIR is required")
    chosen = resolve_brush(brush)
    if measure or out is None:
        from neuralpaint.roofline.dataset import measure as run

        with _bar() as callback:
            found = run(chosen, count, size, seed=seed, batch_size=batch, device=device, callback=callback)
        say(str(found))
        return
    plan = StrokeSet(chosen, count, seed, layout, size, shard_size or _SHARD_SIZES[layout])
    last: list[WritingProgress] = []

    def keep(progress: WritingProgress) -> None:
        last[:] = [progress]
        callback(progress)

    try:
        with _bar() as callback:
            before = write_set(out, plan, resume=resume, overwrite=overwrite, callback=keep, warn=warn, workers=workers)
    except KeyboardInterrupt:
        warn(f"the finished shards are in {out}; continue with --resume")
        raise
    written = count - before
    files = sum((out / plan.name(number)).stat().st_size for number in range(plan.shards))
    rate = f", {written:,} of them new, {last[0].rate:,.0f} per second" if last else ", none of them new"
    shards = "1 shard" if plan.shards == 1 else f"{plan.shards:,} shards"
    say(f"{out}: {count:,} {chosen.name} strokes in {shards}, {in_bytes(files)}{rate}")


def _bar() -> AbstractContextManager[Callable[[WritingProgress], None]]:
    return bar_or_lines(_describe, lambda p: (p.done, p.count, p.seconds), final=False)


def _describe(p: WritingProgress) -> str:
    if not math.isfinite(p.remaining):
        return f"{p.done:,} of {p.count:,} strokes"
    return f"{p.done:,} of {p.count:,} strokes · {p.rate:,.0f} strokes/s · {clock(p.remaining)} left"
