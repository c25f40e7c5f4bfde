"""neuralpaint train-renderer: trains a neural renderer of a brush."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.options import ENGINE_TIMEOUT, MAX_SEED, Debug, Precision, check_precision, check_range
from neuralpaint.cli.progress import Bars, bar_or_lines, clock

if TYPE_CHECKING:
    from neuralpaint.training.renderers.trainer import TrainingProgress

NAME = "train-renderer"


def command(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Output folder for the trained network.")],
    brush: Annotated[
        str, typer.Option(metavar="BRUSH", help="Brush to imitate: a name, or an image of a brush dab.")
    ] = "oil",
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION", help="Imitate a brush engine, your own function, instead; runs its code."
        ),
    ] = None,
    pool: Annotated[
        int, typer.Option(metavar="N", help="--engine: number of strokes to draw and train on repeatedly.")
    ] = 20_000,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="--engine: cache of its strokes.", show_default="~/.cache/neuralpaint/engines"
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="--engine: processes.", show_default="one per core, up to 8")
    ] = None,
    engine_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="--engine: time limit for 16 strokes.")
    ] = ENGINE_TIMEOUT,
    network: Annotated[
        str,
        typer.Option(
            metavar="NETWORK",
            help="coordinate (ours), dual-pathway (the paper's), rasterization-only, shading-only, dcgan, pixelshuffle "
            "or unet.",
        ),
    ] = "coordinate",
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Output size of the network: 128 or 32.")] = 128,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", help="Training steps.", show_default="10000; 312500 with --schedule paper"),
    ] = None,
    batch: Annotated[int, typer.Option(metavar="N", help="Strokes per step, over all devices.")] = 64,
    schedule: Annotated[
        str, typer.Option(metavar="NAME", help="fast: warm-up and cosine; paper: 2e-4, divided by 10 every quarter.")
    ] = "fast",
    learning_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="Peak learning rate.", show_default="by schedule and network")
    ] = None,
    zooms: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="coordinate: sizes of the training images as multiples of --size, cycled through.",
            show_default="1,1,2,4 for a textured brush",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed for weights and strokes.")] = 0,
    precision: Precision = None,
    cpu: Annotated[bool, typer.Option("--cpu", help="Use the CPU even if there is a GPU.")] = False,
    eval_every: Annotated[int, typer.Option(metavar="N", help="Steps between evaluations.")] = 250,
    picture_every: Annotated[int, typer.Option(metavar="N", help="Steps between sample images.")] = 1000,
    half: Annotated[bool, typer.Option("--half", help="Save the weights as float16.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the checkpoint in DIR.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier training in DIR.")] = False,
    debug: Debug = False,
) -> None:
    """Trains a network to draw the strokes of a brush.

    Training strokes are rendered on the fly, on the training device. TensorBoard logs, sample images and a checkpoint
    are written to DIR/training. After an interruption, --resume continues to the same result.

    [bold]Examples[/bold]

    Train a renderer of the oil brush, then evaluate it:
      [cyan]neuralpaint train-renderer --brush oil --out oil-renderer[/cyan]
      [cyan]neuralpaint eval-renderer oil-renderer[/cyan]

    A renderer of your own brush engine, a Python function:
      [cyan]neuralpaint train-renderer --engine my_brush:draw --out my-renderer[/cyan]

    The paper's network and schedule (20 million strokes), on all GPUs:
      [cyan]accelerate launch -m neuralpaint train-renderer --network dual-pathway --schedule paper --out dual[/cyan]
    """
    check_range("--seed", seed, 0, MAX_SEED)
    check_range("--size", size, 8, 1024)
    check_range("--batch", batch, 2, 65536)
    check_precision(precision)
    _check_folder(out, resume or overwrite)
    # Importing torch takes seconds, so check the arguments first.
    _check_packages()
    import torch
    from accelerate import Accelerator

    from neuralpaint.cli.engines import get_engine
    from neuralpaint.cli.options import resolve_brush
    from neuralpaint.engines import EngineSource
    from neuralpaint.renderers.networks.registry import build_network
    from neuralpaint.training.renderers.report import finish
    from neuralpaint.training.renderers.settings import PAPER_STEPS, TrainingSettings
    from neuralpaint.training.renderers.source import HELD_OUT, BrushSource
    from neuralpaint.training.renderers.trainer import Trainer

    loaded = None if engine is None else get_engine(engine, engine_timeout, brush)
    chosen = resolve_brush(brush) if loaded is None else loaded.spec.brush()
    usual = build_network(network, chosen, size).zooms  # also rejects invalid combinations early
    if loaded is not None:
        usual = (1,)  # engines are slow at larger sizes
        check_range("--pool", pool, 1, 100_000_000)
        check_range("--workers", workers, 1, 1024)
    turns = usual if zooms is None else _zooms(zooms, network)
    settings = TrainingSettings(
        network=network,
        brush=chosen.name,
        size=size,
        steps=steps if steps is not None else PAPER_STEPS if schedule == "paper" else 10_000,
        batch=batch,
        learning_rate=learning_rate,
        schedule=schedule,
        seed=seed,
        eval_every=eval_every,
        picture_every=picture_every,
    )
    accelerator = Accelerator(mixed_precision=precision, cpu=cpu)
    source: BrushSource | EngineSource
    if loaded is None:
        source = BrushSource(chosen, size, seed, accelerator.device, turns)
    else:
        make = functools.partial(EngineSource, cache=cache, workers=workers, timeout=engine_timeout)
        strokes = min(pool, settings.steps * batch)
        source = make(loaded, size, seed, accelerator.device, turns, strokes=strokes)
    with source if isinstance(source, EngineSource) else nullcontext():
        trainer = Trainer(settings, source, out, accelerator=accelerator, resume=resume)
        if isinstance(source, EngineSource):
            if accelerator.is_main_process:
                with Bars().drawing(source.engine.address) as report:
                    source.fill(report, held_out=HELD_OUT)
            accelerator.wait_for_everyone()
        with _bar() if accelerator.is_main_process else nullcontext() as callback:
            trainer.run(callback)
        if accelerator.is_main_process:
            say(finish(trainer, out, torch.float16 if half else torch.float32))


def _check_packages() -> None:
    try:
        import accelerate  # noqa: F401
        from torch.utils.tensorboard import SummaryWriter  # noqa: F401
    except ImportError as error:
        raise ImportError(f"training needs more packages: pip install 'neuralpaint[train]' ({error})") from error


def _check_folder(out: Path, allowed: bool) -> None:
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file, but must be a folder")
    if (out / "training" / "checkpoint.pt").exists() and not allowed:
        raise ValueError(f"--out {out} has a checkpoint: add --resume to continue, or --overwrite to start again")


def _zooms(text: str, network: str) -> tuple[int, ...]:
    try:
        zooms = tuple(int(word) for word in text.split(","))
    except ValueError:
        raise ValueError(f"--zooms must be integers separated by commas, got {text!r}") from None
    if not all(1 <= zoom <= 8 for zoom in zooms):
        raise ValueError(f"--zooms must be from 1 to 8, got {text!r}")
    if network != "coordinate" and set(zooms) != {1}:
        raise ValueError(f"--zooms: network {network} supports images of --size only")
    return zooms


def _bar() -> AbstractContextManager[Callable[[TrainingProgress], None]]:
    return bar_or_lines(_describe, lambda p: (p.step, p.steps, p.seconds))


def _describe(p: TrainingProgress) -> str:
    quality = "" if p.psnr != p.psnr else f" · {p.psnr:.2f} dB"
    return f"step {p.step:,} of {p.steps:,} · loss {p.loss:.6f}{quality} · {clock(p.remaining)} left"
