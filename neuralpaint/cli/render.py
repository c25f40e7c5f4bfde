"""neuralpaint render: renders a stroke file to an image, or whatever else a painting can be written to."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import say, say_on_stderr
from neuralpaint.cli.finish_options import GroundName, Light, Relief, Varnish, Wet, check_wet, finish_from
from neuralpaint.cli.options import (
    ENGINE_TIMEOUT,
    MAX_SIZE,
    Debug,
    Device,
    EngineTimeout,
    Memory,
    Overwrite,
    check_inputs,
    check_range,
)
from neuralpaint.cli.output_options import (
    Depth,
    Fps,
    Hold,
    Outputs,
    Pens,
    Seconds,
    SizeMm,
    SpeedName,
    SvgStyleName,
    output_settings,
)
from neuralpaint.cli.progress import Bars
from neuralpaint.pipelines.batch import check_targets
from neuralpaint.pipelines.paint_photo import check_sizes, write_outputs
from neuralpaint.pipelines.stdio import STDIO, check_stdio, named

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

NAME = "render"

Strokes = Annotated[
    Path,
    typer.Argument(metavar="STROKES", help="Stroke file: .safetensors, or .npz from SNP's reference implementation."),
]


def command(
    strokes: Strokes,
    outputs: Outputs,
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Shorter side of the image.", show_default="as painted"),
    ] = None,
    seconds: Seconds = None,
    fps: Fps = None,
    hold: Hold = None,
    speed: SpeedName = None,
    depth: Depth = None,
    size_mm: SizeMm = None,
    svg_style: SvgStyleName = None,
    pens: Pens = None,
    relief: Relief = None,
    light: Light = None,
    ground: GroundName = None,
    varnish: Varnish = None,
    wet: Wet = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Brush engine to draw with, if it was painted with one.",
            rich_help_panel="Renderer and engine",
        ),
    ] = None,
    engine_timeout: EngineTimeout = ENGINE_TIMEOUT,
    memory: Memory = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Renders a stroke file at any size.

    [bold]Example[/bold]
      [cyan]neuralpaint render painting.safetensors -o painting.png --size 4096[/cyan]

    With the relief of the paint, lit from the left, on canvas:
      [cyan]neuralpaint render painting.safetensors -o lit.png --relief 0.6 --light 180 --ground canvas[/cyan]

    Images of more than 33 million pixels (PNG, JPEG, TIFF) are rendered in bands to limit memory:
      [cyan]neuralpaint render painting.safetensors -o wall.tiff --size 16384 --memory 2G[/cyan]

    To another program:
      [cyan]neuralpaint render painting.safetensors -o - | lp[/cyan]
    """
    from neuralpaint.cli.engines import get_engine
    from neuralpaint.utils.files import check_readable
    from neuralpaint.utils.memory import parse_bytes

    check_range("--size", size, 1, MAX_SIZE)
    if memory is not None:
        parse_bytes(memory, "--memory")
    video = {"seconds": seconds, "fps": fps, "hold": hold, "speed": speed}
    vector = {"size_mm": size_mm, "style": svg_style, "pens": pens}
    check_stdio([], outputs)
    if STDIO in outputs:
        say_on_stderr()
    settings = output_settings([*map(named, outputs)], memory, engine is not None, video, vector, depth)
    finish_from(relief, light, ground, varnish, wet, engine=engine is not None)
    check_readable(strokes)
    # Importing torch takes seconds, so check the arguments first.
    from neuralpaint.engines import EnginePool
    from neuralpaint.engines.drawing import draw_by
    from neuralpaint.utils.device import resolve_device

    torch_device = resolve_device(device)
    painting = load_painting(strokes)
    finish = finish_from(relief, light, ground, varnish, wet, engine=engine is not None, before=painting.finish)
    check_wet(finish, painting.brush.name)
    painting = dataclasses.replace(painting, finish=finish)
    height, width = painting.pixels(size)
    check_sizes(outputs, height, width, settings, painting.alpha is not None)
    check_inputs(outputs, {"the stroke file": strokes, "the list of pens": pens})
    check_targets(outputs, None, overwrite)
    if painting.brush.engine and engine is None:
        raise ValueError(
            f"{strokes}: brush {painting.brush.name!r} is drawn by an engine: add --engine MODULE:FUNCTION"
        )
    picture = None
    if engine is not None:
        with EnginePool(get_engine(engine, engine_timeout), timeout=engine_timeout) as engines:
            with Bars().drawing(engines.engine.address) as report:
                picture, _ = draw_by(engines, painting, size, callback=report)
    notes = write_outputs(painting.to(torch_device), outputs, settings, size=size, picture=picture, reporter=Bars())
    shown = ", ".join(map(str, outputs))
    say(f"{strokes} → {shown}: {width}x{height} pixels, {', '.join([f'{len(painting)} strokes', *notes])}")


def load_painting(path: Path) -> Painting:
    """Loads a stroke file of either format. ValueError if it is not a stroke file."""
    from neuralpaint.utils.files import check_readable

    check_readable(path)
    from neuralpaint.painting.painting import Painting

    return Painting.from_snp(path) if path.suffix.lower() == ".npz" else Painting.load(path)
