"""neuralpaint restyle: moves the strokes of a saved painting towards a style."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from neuralpaint.cli.console import INTERRUPTED, say, warn
from neuralpaint.cli.features import Download, Features, Vgg, find_features
from neuralpaint.cli.options import MAX_SIZE, MAX_STEPS, Debug, Device, Overwrite, check_range
from neuralpaint.cli.progress import Bars
from neuralpaint.cli.render import Strokes, load_painting
from neuralpaint.pipelines.batch import check_targets, same_file
from neuralpaint.pipelines.paint_photo import describe_restyling
from neuralpaint.pipelines.settings import StyleSettings

NAME = "restyle"

# An option shared with `paint`.
StyleMode = Annotated[
    str,
    typer.Option(
        "--style-mode",
        metavar="MODE",
        help="color+texture: change everything; color: keep the shapes of the strokes.",
        rich_help_panel="Style",
    ),
]


def command(
    strokes: Strokes,
    content: Annotated[Path, typer.Option("--content", metavar="PHOTO", help="The photo that was painted.")],
    style_image: Annotated[Path, typer.Option("--style-image", metavar="IMAGE", help="An image in the desired style.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="Output image: .png, .jpg, .webp or .tiff."),
    ],
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the strokes.")] = None,
    style_weight: Annotated[
        float,
        typer.Option(metavar="BETA", help="Weight of the style relative to the content, ≥ 0.", rich_help_panel="Style"),
    ] = 0.5,
    style_mode: StyleMode = "color+texture",
    steps: Annotated[int, typer.Option(metavar="N", help="Gradient steps.")] = 200,
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Shorter side of the image.", show_default="as painted"),
    ] = None,
    features: Features = "auto",
    vgg: Vgg = None,
    download: Download = False,
    device: Device = "auto",
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Save the state there while it runs.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume from --checkpoint.")] = False,
    overwrite: Overwrite = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    debug: Debug = False,
) -> None:
    """Moves the strokes of a saved painting towards the style of an image.

    [bold]Example[/bold]
      [cyan]neuralpaint paint photo.jpg -o painting.png --save painting.safetensors[/cyan]
      [cyan]neuralpaint restyle painting.safetensors --content photo.jpg --style-image wave.jpg -o restyled.png[/cyan]
    """
    from neuralpaint.images.io import check_output, load_image, save_image
    from neuralpaint.search.restyle import check_aspect
    from neuralpaint.search.restyle import restyle as move_strokes
    from neuralpaint.utils.device import resolve_device

    check_range("--size", size, 1, MAX_SIZE)
    check_range("--steps", steps, 1, MAX_STEPS)
    check_output(output)
    if resume and checkpoint is None:
        raise ValueError("--resume needs --checkpoint FOLDER")
    torch_device = resolve_device(device)
    painting = load_painting(strokes)
    check_output(output, *reversed(painting.pixels(size)))
    photo = load_image(content, background=painting.background)
    check_aspect(painting, photo, str(content))
    for target in filter(None, (output, save)):
        for source in (strokes, content, style_image):
            if same_file(target, source):
                raise ValueError(f"{target} is also an input: choose another output file")
    check_targets([output], save, overwrite)
    settings = StyleSettings.load(
        style_image,
        weight=style_weight,
        mode=style_mode,
        steps=steps,
        features=find_features(features, vgg, download),
        device=torch_device,
    )
    started = time.perf_counter()
    try:
        with Bars(quiet).search(content.name) as callback:
            restyled = move_strokes(
                painting,
                photo,
                **settings.arguments,
                device=torch_device,
                checkpoint=checkpoint,
                resume=resume,
                callback=callback,
            )
    except KeyboardInterrupt:
        warn(f"stopped; {_how_to_resume(checkpoint)}")
        raise typer.Exit(INTERRUPTED) from None
    if save is not None:
        restyled.save(save)
    save_image(restyled.to(torch_device).render(size), output)
    if not quiet:
        say(f"{strokes} → {output}: {describe_restyling(restyled)}, {time.perf_counter() - started:.1f} s")


def _how_to_resume(checkpoint: Path | None) -> str:
    if checkpoint is None:
        return "the unfinished result is lost (use --checkpoint FOLDER to keep it)"
    arguments = [argument for argument in sys.argv[1:] if argument != "--resume"]
    return f"to continue: {shlex.join(['neuralpaint', *arguments, '--resume'])}"
