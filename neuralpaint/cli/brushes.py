"""neuralpaint brushes: lists the brushes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuralpaint.cli.console import say
from neuralpaint.cli.options import Debug, Overwrite, resolve_brush
from neuralpaint.pipelines.batch import check_target

if TYPE_CHECKING:
    from PIL import Image

    from neuralpaint.brushes import Brush

NAME = "brushes"

_CELL, _COLUMNS, _MARGIN = 160, 6, 110


def command(
    brush: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BRUSH]...", help="Brush names, or image files to use as brushes.", show_default="all"),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Draw sample strokes of each brush to a .png, .jpg, .webp or .tiff."),
    ] = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Lists the brushes and their stroke parameters.

    [bold]Examples[/bold]
      [cyan]neuralpaint brushes[/cyan]
      [cyan]neuralpaint brushes --sheet brushes.png[/cyan]
      [cyan]neuralpaint brushes my_brush.png --sheet mine.png[/cyan]
    """
    from neuralpaint.brushes import brushes
    from neuralpaint.images.io import check_output, save_image

    chosen = [resolve_brush(name) for name in brush] if brush else list(brushes().values())
    if sheet is not None:
        check_output(sheet)
        check_target(sheet, overwrite)
        save_image(draw_sheet(chosen), sheet)
        say(f"{sheet}: {_COLUMNS} sample strokes each of {', '.join(b.name for b in chosen)}")
        return
    table = Table("brush", "numbers", "parameters, in order", "", box=None, header_style="bold")
    for b in chosen:
        held = {b.parameters[index]: value for index, value in b.held}
        names = [f"{name}={held[name]:g}" if name in held else name for name in b.parameters]
        table.add_row(Text(b.name, style="bold"), str(b.num_parameters), Text(" ".join(names)), Text(b.description))
    Console().print(table)


def draw_sheet(brushes: list[Brush]) -> Image.Image:
    """Sample strokes on white: one row per brush, starting with its name."""
    import torch
    from PIL import Image, ImageDraw, ImageFont

    from neuralpaint import ops
    from neuralpaint.images.io import to_pil

    sheet = Image.new("RGB", (_MARGIN + _COLUMNS * _CELL, len(brushes) * _CELL), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for row, brush in enumerate(brushes):
        canvas = torch.ones(_COLUMNS, 3, _CELL, _CELL)
        cells = ops.render(canvas, brush.examples(_COLUMNS)[:, None], brush)
        draw.text((10, (row + 0.5) * _CELL), brush.name, fill="black", font=font, anchor="lm")
        for column, cell in enumerate(cells):
            sheet.paste(to_pil(cell), (_MARGIN + column * _CELL, row * _CELL))
    return sheet
