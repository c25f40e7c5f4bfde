"""neuralpaint train-styles: trains one network on the styles of a folder of paintings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import say, warn
from neuralpaint.cli.features import Download, Features, Vgg, find_features
from neuralpaint.cli.options import MAX_SEED, Debug, Precision, check_precision, check_range
from neuralpaint.cli.progress import bar_or_lines, clock

if TYPE_CHECKING:
    from torch import Tensor

    from neuralpaint.losses.features import Features as FeatureNetwork
    from neuralpaint.styles.network import StyleNetwork
    from neuralpaint.training.styles.settings import StyleSettings
    from neuralpaint.training.styles.trainer import StyleProgress

NAME = "train-styles"

Content = Annotated[Path, typer.Option(metavar="DIR", help="Training photos of any subject; hundreds or more.")]
Workers = Annotated[int, typer.Option(metavar="N", help="Processes that read photos; 0: the main process.")]
Cpu = Annotated[bool, typer.Option("--cpu", help="Use the CPU even if there is a GPU.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume from the checkpoint in DIR.")]


# Many parameters: one per option. They become `StyleSettings` and the arguments of `train`, and go no further.
def command(
    content: Content,
    styles: Annotated[Path, typer.Option(metavar="DIR", help="Paintings; each style is named after its file.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Output folder for the trained network.")],
    preset: Annotated[
        str,
        typer.Option(metavar="PRESET", help="paper (40,000 steps, for a GPU) or small (an hour or two on two cores)."),
    ] = "paper",
    network: Annotated[
        str | None, typer.Option(metavar="NETWORK", help="paper or light.", show_default="by preset")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="NETWORK", help="Begin with the weights of a trained network: light, paper or a folder."),
    ] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Training steps.", show_default="by preset")] = None,
    batch: Annotated[
        int | None, typer.Option(metavar="N", help="Photos per step, over all devices.", show_default="by preset")
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Size of the photo crops.", show_default="by preset")
    ] = None,
    style_size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS", help="Shorter side of the paintings: larger means larger strokes.", show_default="448"
        ),
    ] = None,
    statistics: Annotated[
        str | None,
        typer.Option(
            metavar="KIND", help="What the style loss compares: gram or covariance.", show_default="by preset"
        ),
    ] = None,
    style_weight: Annotated[
        float | None, typer.Option(metavar="WEIGHT", help="Weight of the style loss.", show_default="10")
    ] = None,
    smoothness: Annotated[
        float | None,
        typer.Option(
            metavar="WEIGHT", help="Weight of the smoothness loss, against pixel-scale patterns.", show_default="80"
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="Peak learning rate.", show_default="by preset")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed for weights, crops and their order.")] = 0,
    features: Features = "auto",
    vgg: Vgg = None,
    download: Download = False,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Skip paintings that cannot be read.")] = False,
    workers: Workers = 0,
    precision: Precision = None,
    cpu: Cpu = False,
    half: Annotated[bool, typer.Option("--half", help="Save the weights as float16.")] = False,
    resume: Resume = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier training in DIR.")] = False,
    debug: Debug = False,
) -> None:
    """Trains one network to stylize photos in the styles of many paintings.

    TensorBoard logs, per-style losses, sample sheets and a checkpoint are written to DIR/training. After an
    interruption, --resume continues to the same result. A tenth of the photos, at most 32, are held out.

    [bold]Examples[/bold]
      [cyan]neuralpaint train-styles --content photos --styles paintings --out my-styles --preset small[/cyan]
      [cyan]accelerate launch -m neuralpaint train-styles --content coco --styles paintings --out my-styles[/cyan]
      [cyan]neuralpaint stylize photo.jpg -o out.png --network my-styles --style my-painting[/cyan]
    """
    require_training()
    from neuralpaint.styles.pretrained import load_style_network
    from neuralpaint.training.styles.dataset import load_styles, pictures_in
    from neuralpaint.training.styles.settings import PRESETS, StyleSettings
    from neuralpaint.utils.validation import unknown_name

    check_range("--seed", seed, 0, MAX_SEED)
    check_range("--workers", workers, 0, 1024)
    check_precision(precision)
    if preset not in PRESETS:
        raise ValueError(unknown_name("preset", preset, list(PRESETS)))
    given = {
        "architecture": network,
        "steps": steps,
        "batch": batch,
        "size": size,
        "style_size": style_size,
        "statistics": statistics,
        "style_weight": style_weight,
        "smoothness": smoothness,
        "learning_rate": learning_rate,
        "seed": seed,
    }
    base = PRESETS[preset] | ({} if start is None else {"warm_up": 0})  # a trained network keeps pictures already
    settings = StyleSettings(**(base | {k: v for k, v in given.items() if v is not None}))
    check_out(out, resume, overwrite)
    photos = pictures_in(content, "--content")
    paintings = load_styles(pictures_in(styles, "--styles"), settings.style_size, skip=warn if skip_broken else None)
    found = find_features(features, vgg, download)
    first = None if start is None else load_style_network(start)
    train(
        settings,
        paintings,
        photos,
        found,
        out,
        start=first,
        precision=precision,
        cpu=cpu,
        workers=workers,
        resume=resume,
        half=half,
    )


def train(
    settings: StyleSettings,
    paintings: Mapping[str, Tensor],
    photos: Sequence[Path],
    features: FeatureNetwork,
    out: Path,
    *,
    network: StyleNetwork | None = None,
    start: StyleNetwork | None = None,
    precision: str | None,
    cpu: bool,
    workers: int,
    resume: bool,
    half: bool,
) -> None:
    """Trains a network with a progress bar, saves it and prints its quality."""
    import torch
    from accelerate import Accelerator

    from neuralpaint.training.styles.report import finish
    from neuralpaint.training.styles.trainer import StyleTrainer

    accelerator = Accelerator(mixed_precision=precision, cpu=cpu)
    trainer = StyleTrainer(
        settings,
        paintings,
        photos,
        features,
        out,
        network=network,
        start=start,
        accelerator=accelerator,
        workers=workers,
        resume=resume,
    )
    with training_bar() if accelerator.is_main_process else nullcontext() as callback:
        trainer.run(callback)
    if accelerator.is_main_process:
        say(finish(trainer, out, torch.float16 if half else torch.float32))


def require_training() -> None:
    """Raises a one-line ImportError if the packages for training are not installed."""
    try:
        import accelerate  # noqa: F401
        from torch.utils.tensorboard import SummaryWriter  # noqa: F401
    except ImportError as error:
        raise ImportError(f"training needs more packages: pip install 'neuralpaint[train]' ({error})") from error


def check_out(out: Path, resume: bool, overwrite: bool) -> None:
    """ValueError unless training can start or resume in that folder."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file, but must be a folder")
    checkpoint = out / "training" / "checkpoint.pt"
    if checkpoint.exists() and not (resume or overwrite):
        raise ValueError(f"--out {out} has a checkpoint: add --resume to continue, or --overwrite to start again")


def training_bar() -> AbstractContextManager[Callable[[StyleProgress], None]]:
    """A progress bar on stderr; if it is not a terminal, one line per minute."""
    return bar_or_lines(_describe, lambda p: (p.step, p.steps, p.seconds))


def _describe(p: StyleProgress) -> str:
    losses = "" if p.style != p.style else f" · content {p.content:.3f} · style {p.style:.3f}"
    return f"step {p.step:,} of {p.steps:,}{losses} · {clock(p.remaining)} left"
