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
    device: Device = "auto",
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draws a stroke file as a picture of any size.

    [bold]Example[/bold]
      [cyan]neuralpaint render painting.safetensors -o painting.png --size 4096[/cyan]
    """
    from neuralpaint.cli.engines import draw_by, get_engine
    from neuralpaint.devices import resolve_device
    from neuralpaint.engines import EnginePool
    from neuralpaint.images import check_output, save_image

    check_range("--size", size, 1, MAX_SIZE)
    check_output(output)
    place = resolve_device(device)
    painting = load_painting(strokes)
    height, width = painting.pixels(size)
    check_output(output, width, height)
    check_target(output, overwrite)
    if painting.brush.engine and engine is None:
        raise ValueError(f"{strokes}: only an engine draws brush {painting.brush.name!r}: add --engine MODULE:FUNCTION")
    if engine is not None:
        with EnginePool(get_engine(engine), timeout=engine_timeout) as pool:
            picture = draw_by(pool, painting, size)[0]
    else:
        picture = painting.to(place).render(size)
    save_image(picture, output)
    say(f"{strokes} → {output}: {width}x{height} pixels, {len(painting)} strokes")


def load_painting(path: Path) -> Painting:
    """A stroke file of either kind. ValueError if it is none."""
    from neuralpaint.strokes import Painting

    return Painting.from_snp(path) if path.suffix.lower() == ".npz" else Painting.load(path)
