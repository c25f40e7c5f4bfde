"""neuralpaint add-style: one more painting for a network that is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.features import Features, Vgg, find_features
from neuralpaint.cli.options import MAX_SEED, Debug, check_range
from neuralpaint.cli.train_styles import Content, Cpu, Resume, Workers, check_out, require_training, train

NAME = "add-style"
_SHARE = 8  # of the network's own updates, one in this many


def command(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="light, paper, or the folder of one.")],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The painting.")],
    content: Content,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the network with the new style.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the style.", show_default="the file's")] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Updates.", show_default="an eighth of the network's own")
    ] = None,
    batch: Annotated[int, typer.Option(metavar="N", help="Photos an update, over all devices.")] = 4,
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Of the photos' pieces.")] = 128,
    style_weight: Annotated[
        float | None, typer.Option(metavar="WEIGHT", help="More of the style.", show_default="the network's")
    ] = None,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="The largest.")] = 0.02,
    seed: Annotated[int, typer.Option(metavar="N", help="Of pieces and order.")] = 0,
    features: Features = "auto",
    vgg: Vgg = None,
    workers: Workers = 0,
    cpu: Cpu = False,
    half: Annotated[bool, typer.Option("--half", help="Write the weights as float16.")] = False,
    resume: Resume = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew in a DIR that holds a training.")] = False,
    debug: Debug = False,
) -> None:
    """Teaches a trained network one more style.

    Only the new style's scales and shifts are trained, some thousand numbers; the filters and the other styles stay
    exactly as they are.

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
    loaded = load_style_network(network)
    called = style_name(image) if name is None else name
    if called in loaded.names:
        raise ValueError(f"--name {called!r}: the network has a style of that name; give another one")
    if not called or set(called) & set(",:") or called != called.strip():
        raise ValueError(f"--name must be a word without commas and colons, got {called!r}")
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
    found = find_features(features, vgg)
    nearest = new_style(loaded, called, painting, found, photos)
    say(f"starting from {nearest}, the nearest of its styles")
    train(
        settings,
        {called: painting},
        photos,
        found,
        out,
        network=loaded,
        cpu=cpu,
        workers=workers,
        resume=resume,
        half=half,
    )
