"""neuralpaint render: a stroke file to a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.options import ENGINE_TIMEOUT, MAX_SIZE, Debug, Device, Overwrite, check_range
from neuralpaint.cli.progress import Bars
from neuralpaint.pipelines.batch import check_target

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

NAME = "render"

Strokes = Annotated[
    Path,
    typer.Argument(
        metavar="STROKES", help="A stroke file: .safetensors of ours, or .npz of SNP's reference implementation."
    ),
]


def command(
    strokes: Strokes,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="The picture: .png, .jpg, .webp or .tiff.")
    ],
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Shorter side of the picture.", show_default="as painted"),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FUNCTION", help="The brush engine that draws it, if it was painted with one."),
    ] = None,
    engine_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="--engine: what 16 strokes may take.")
    ] = ENGINE_TIMEOUT,
    memory: Annotated[
        str | None,
        typer.Option(metavar="BYTES", help="What may be used, such as 2G.", show_default="half of what is available"),
    ] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draws a stroke file as a picture of any size.

    [bold]Example[/bold]
      [cyan]neuralpaint render painting.safetensors -o painting.png --size 4096[/cyan]

    Pictures of more than 33 million pixels are written in bands (PNG, JPEG, TIFF), in whatever memory there is:
      [cyan]neuralpaint render painting.safetensors -o wall.tiff --size 16384 --memory 2G[/cyan]
    """
    from neuralpaint.cli.engines import get_engine
    from neuralpaint.images.io import check_output, save_image
    from neuralpaint.utils.files import check_readable
    from neuralpaint.utils.memory import parse_bytes

    check_range("--size", size, 1, MAX_SIZE)
    check_output(output)
    if memory is not None:
        parse_bytes(memory, "--memory")
    check_readable(strokes)
    # Torch is loaded from here on, which takes seconds: what was wrong above need not wait for it.
    from neuralpaint.engines import EnginePool
    from neuralpaint.engines.drawing import draw_by
    from neuralpaint.utils.device import resolve_device

    place = resolve_device(device)
    painting = load_painting(strokes)
    height, width = painting.pixels(size)
    check_output(output, width, height)
    check_target(output, overwrite)
    if painting.brush.engine and engine is None:
        raise ValueError(f"{strokes}: only an engine draws brush {painting.brush.name!r}: add --engine MODULE:FUNCTION")
    if engine is not None:
        with EnginePool(get_engine(engine), timeout=engine_timeout) as pool:
            with Bars().drawing(pool.engine.address) as report:
                picture, _ = draw_by(pool, painting, size, callback=report)
            save_image(picture, output)
    else:
        painting.to(place).render_to(output, size, memory=memory)
    say(f"{strokes} → {output}: {width}x{height} pixels, {len(painting)} strokes")


def load_painting(path: Path) -> Painting:
    """A stroke file of either kind. ValueError if it is none."""
    from neuralpaint.utils.files import check_readable

    check_readable(path)
    from neuralpaint.painting.painting import Painting

    return Painting.from_snp(path) if path.suffix.lower() == ".npz" else Painting.load(path)
