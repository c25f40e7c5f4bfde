"""The command `neuralpaint`: one file a command.

Exit codes: 0 done; 1 it ran but failed; 2 bad use or bad input; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

from typing import Annotated

import typer

from neuralpaint.cli import (
    add_style,
    bench,
    brushes,
    eval_renderer,
    info,
    paint,
    render,
    restyle,
    strokes,
    stylize,
    train_renderer,
    train_styles,
)
from neuralpaint.cli.console import Commands

app = typer.Typer(
    name="neuralpaint",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _module in (
    paint,
    restyle,
    stylize,
    render,
    info,
    brushes,
    strokes,
    bench,
    train_renderer,
    eval_renderer,
    train_styles,
    add_style,
):
    app.command(_module.NAME)(_module.command)


def _version(wanted: bool) -> None:
    if wanted:
        from neuralpaint._version import __version__

        typer.echo(f"neuralpaint {__version__}")
        raise typer.Exit()


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Turns photos into paintings made of brush strokes.

    Paint a photo, and keep the strokes:
      [cyan]neuralpaint paint photo.jpg -o painting.png --save painting.safetensors[/cyan]

    Draw them again at any size:
      [cyan]neuralpaint render painting.safetensors -o large.png --size 4096[/cyan]

    Exit codes: 0 done; 1 it ran but failed; 2 bad use or bad input;
    130 stopped by Ctrl-C.
    """


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="neuralpaint")
