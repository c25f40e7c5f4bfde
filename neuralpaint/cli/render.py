"""neuralpaint render: a stroke file to a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.common import ENGINE_TIMEOUT, MAX_SIZE, Debug, Device, Overwrite, check_range, check_target, say

if TYPE_CHECKING:
    from neuralpaint.strokes import Painting

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
    from neuralpaint.cli.engines import draw_by, get_engine
    from neuralpaint.files import check_readable
    from neuralpaint.images import check_output, save_image
    from neuralpaint.memory import parse_bytes

    check_range("--size", size, 1, MAX_SIZE)
    check_output(output)
    if memory is not None:
        parse_bytes(memory, "--memory")
    check_readable(strokes)
    from neuralpaint.devices import resolve_device  # torch takes seconds: what was wrong above need not wait for it
    from neuralpaint.engines import EnginePool

    place = resolve_device(device)
    painting = load_painting(strokes)
    height, width = painting.pixels(size)
    check_output(output, width, height)
    check_target(output, overwrite)
    if painting.brush.engine and engine is None:
        raise ValueError(f"{strokes}: only an engine draws brush {painting.brush.name!r}: add --engine MODULE:FUNCTION")
    if engine is not None:
        with EnginePool(get_engine(engine), timeout=engine_timeout) as pool:
            save_image(draw_by(pool, painting, size)[0], output)
    else:
        painting.to(place).render_to(output, size, memory=memory)
    say(f"{strokes} → {output}: {width}x{height} pixels, {len(painting)} strokes")


def load_painting(path: Path) -> Painting:
    """A stroke file of either kind. ValueError if it is none."""
    from neuralpaint.files import check_readable

    check_readable(path)
    from neuralpaint.strokes import Painting

    return Painting.from_snp(path) if path.suffix.lower() == ".npz" else Painting.load(path)
