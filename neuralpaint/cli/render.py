"""neuralpaint render: renders a stroke file to an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.options import (
    ENGINE_TIMEOUT,
    MAX_SIZE,
    Debug,
    Device,
    Overwrite,
    check_inputs,
    check_range,
    output_path,
)
from neuralpaint.cli.progress import Bars
from neuralpaint.pipelines.batch import check_target

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

NAME = "render"

Strokes = Annotated[
    Path,
    typer.Argument(metavar="STROKES", help="Stroke file: .safetensors, or .npz from SNP's reference implementation."),
]


def command(
    strokes: Strokes,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", parser=output_path, help="Output image: .png, .jpg, .webp or .tiff."
        ),
    ],
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Shorter side of the image.", show_default="as painted"),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FUNCTION", help="Brush engine to draw with, if it was painted with one."),
    ] = None,
    engine_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="--engine: time limit for 16 strokes.")
    ] = ENGINE_TIMEOUT,
    memory: Annotated[
        str | None,
        typer.Option(metavar="BYTES", help="Memory limit, such as 2G.", show_default="half of the available memory"),
    ] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Renders a stroke file at any size.

    [bold]Example[/bold]
      [cyan]neuralpaint render painting.safetensors -o painting.png --size 4096[/cyan]

    Images of more than 33 million pixels (PNG, JPEG, TIFF) are rendered in bands to limit memory:
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
    # Importing torch takes seconds, so check the arguments first.
    from neuralpaint.engines import EnginePool
    from neuralpaint.engines.drawing import draw_by
    from neuralpaint.utils.device import resolve_device

    torch_device = resolve_device(device)
    painting = load_painting(strokes)
    height, width = painting.pixels(size)
    check_output(output, width, height)
    check_inputs([output], {"the stroke file": strokes})
    check_target(output, overwrite)
    if painting.brush.engine and engine is None:
        raise ValueError(
            f"{strokes}: brush {painting.brush.name!r} is drawn by an engine: add --engine MODULE:FUNCTION"
        )
    if engine is not None:
        with EnginePool(get_engine(engine), timeout=engine_timeout) as engines:
            with Bars().drawing(engines.engine.address) as report:
                picture, _ = draw_by(engines, painting, size, callback=report)
            save_image(picture, output)
    else:
        painting.to(torch_device).render_to(output, size, memory=memory)
    say(f"{strokes} → {output}: {width}x{height} pixels, {len(painting)} strokes")


def load_painting(path: Path) -> Painting:
    """Loads a stroke file of either format. ValueError if it is not a stroke file."""
    from neuralpaint.utils.files import check_readable

    check_readable(path)
    from neuralpaint.painting.painting import Painting

    return Painting.from_snp(path) if path.suffix.lower() == ".npz" else Painting.load(path)
