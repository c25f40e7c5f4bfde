"""neuralpaint info: what a stroke file holds."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuralpaint.cli.common import Debug
from neuralpaint.cli.render import Strokes, load_painting

NAME = "info"


def command(
    strokes: Strokes,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    debug: Debug = False,
) -> None:
    """Shows what a stroke file holds.

    [bold]Examples[/bold]
      [cyan]neuralpaint info painting.safetensors[/cyan]
      [cyan]neuralpaint info painting.safetensors --json[/cyan]
    """
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
        "canvas": "#" + "".join(f"{round(255 * c):02x}" for c in painting.canvas),
        "metadata": painting.metadata,
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    facts["parameters"] = " ".join(painting.brush.parameters)
    facts |= facts.pop("metadata")
    table = Table(show_header=False, box=None)
    for name, value in facts.items():
        table.add_row(Text(str(name), style="bold"), Text(str(value)))
    Console().print(table)
