"""neuralpaint info: shows a stroke file or the build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuralpaint.cli.options import Debug
from neuralpaint.cli.render import load_painting

NAME = "info"


def command(
    strokes: Annotated[
        Path | None,
        typer.Argument(
            metavar="STROKES",
            show_default=False,
            help="Stroke file: .safetensors, or .npz from SNP's reference implementation.",
        ),
    ] = None,
    build: Annotated[
        bool,
        typer.Option("--build", help="Show the build of neuralpaint and the kernels that run here, instead of a file."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Shows the contents of a stroke file, or the build and available kernels.

    [bold]Examples[/bold]
      [cyan]neuralpaint info painting.safetensors[/cyan]
      [cyan]neuralpaint info painting.safetensors --json[/cyan]
      [cyan]neuralpaint info --build[/cyan]
    """
    if build == (strokes is not None):
        raise ValueError("give either a stroke file or --build")
    if strokes is None:
        from neuralpaint import _extension as extension

        _show(extension.build_facts(), as_json)
        return
    painting = load_painting(strokes)
    height, width = painting.pixels()
    facts: dict[str, Any] = {
        "file": str(strokes),
        "bytes": strokes.stat().st_size,
        "brush": painting.brush.name,
        "strokes": len(painting),
        "parameters": list(painting.brush.parameters),
        "width": width,
        "height": height,
        "canvas": "#" + "".join(f"{round(255 * c):02x}" for c in painting.background),
        "metadata": painting.metadata,
    }
    if not as_json:
        facts["parameters"] = " ".join(painting.brush.parameters)
        facts |= facts.pop("metadata")
    _show(facts, as_json)


def _show(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    table = Table(show_header=False, box=None)
    for name, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        table.add_row(Text(str(name), style="bold"), Text(shown))
    Console().print(table)
