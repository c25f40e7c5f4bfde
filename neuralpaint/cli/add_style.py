"""neuralpaint add-style: adds the style of one painting to a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.features import Download, Features, Vgg, find_features
from neuralpaint.cli.options import MAX_SEED, Debug, Precision, check_precision, check_range
from neuralpaint.cli.train_styles import Content, Cpu, Resume, Workers, check_out, require_training, train

NAME = "add-style"
_SHARE = 8  # default steps: the network's own training steps divided by this


def command(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="light, paper, or a network's folder.")],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="Painting whose style to add.")],
    content: Content,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Output folder for the extended network.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the style.", show_default="file name of IMAGE")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Training steps.", show_default="1/8 of the network's training")
    ] = None,
    batch: Annotated[int, typer.Option(metavar="N", help="Photos per step, over all devices.")] = 4,
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Size of the photo crops.")] = 128,
    style_weight: Annotated[
        float | None,
        typer.Option(metavar="WEIGHT", help="Weight of the style loss.", show_default="as the network was trained"),
    ] = None,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="Peak learning rate.")] = 0.02,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed for crops and their order.")] = 0,
    features: Features = "auto",
    vgg: Vgg = None,
    download: Download = False,
    workers: Workers = 0,
    precision: Precision = None,
    cpu: Cpu = False,
    half: Annotated[bool, typer.Option("--half", help="Save the weights as float16.")] = False,
    resume: Resume = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier training in DIR.")] = False,
    debug: Debug = False,
) -> None:
    """Adds one style to a trained network.

    Only the scales and shifts of the new style are trained, a few thousand numbers. The convolutions and the other
    styles do not change.

    [bold]Example[/bold]
      [cyan]neuralpaint add-style light painting.jpg --content photos --out my-styles[/cyan]
      [cyan]neuralpaint stylize photo.jpg -o out.png --network my-styles --style painting[/cyan]
    """
    require_training()
    from neuralpaint.styles.pretrained import load_style_network
    from neuralpaint.training.styles.add import new_style
    from neuralpaint.training.styles.dataset import load_style, pictures_in, style_name
    from neuralpaint.training.styles.settings import STYLE_SIZE, StyleSettings

    check_range("--seed", seed, 0, MAX_SEED)
    check_range("--workers", workers, 0, 1024)
    check_precision(precision)
    loaded = load_style_network(network)
    called = style_name(image) if name is None else name
    if called in loaded.names:
        raise ValueError(f"--name {called!r}: the network already has a style of that name; choose another")
    if not called or set(called) & set(",:") or called != called.strip():
        raise ValueError(
            f"--name must not be empty, contain commas or colons, or begin or end with a space: {called!r}"
        )
    facts = loaded.training_facts
    settings = StyleSettings(
        architecture=loaded.architecture.name if loaded.architecture.name in ("paper", "light") else "paper",
        steps=steps if steps is not None else max(1, int(facts.get("steps", 40_000)) // _SHARE),
        batch=batch,
        size=size,
        style_size=int(facts.get("style_size", STYLE_SIZE)),
        learning_rate=learning_rate,
        schedule="cosine",
        style_weight=float(style_weight if style_weight is not None else facts.get("style_weight", 10.0)),
        content_weight=float(facts.get("content_weight", 1.0)),
        smoothness=float(facts.get("smoothness", 0.0)),
        ema=0.98,
        seed=seed,
    )
    check_out(out, resume, overwrite)
    painting = load_style(image, settings.style_size)
    photos = pictures_in(content, "--content")
    found = find_features(features, vgg, download)
    nearest = new_style(loaded, called, painting, found, photos)
    say(f"starting from {nearest}, the closest existing style")
    train(
        settings,
        {called: painting},
        photos,
        found,
        out,
        network=loaded,
        precision=precision,
        cpu=cpu,
        workers=workers,
        resume=resume,
        half=half,
    )
