"""The command `neuralpaint`: one file a command.

Exit codes: 0 done; 1 it ran but failed; 2 bad use or bad input; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

from typing import Annotated

import typer

from neuralpaint.cli.console import Commands

# Each command is in the module of its name, which is imported when the command is run; the line is its help's first.
COMMANDS = {
    "paint": "Paints photos with brush strokes.",
    "restyle": "Moves the strokes of a saved painting towards the style of a picture.",
    "stylize": "Restyles a photo by one pass of a network that knows many styles.",
    "render": "Draws a stroke file as a picture of any size.",
    "info": "Shows what a stroke file holds, or which kernels run here.",
    "brushes": "Lists the brushes and the parameters of their strokes.",
    "strokes": "Writes random strokes, training data for networks that paint.",
    "bench": "Times the ops on this machine, beside the limits of the machine measured in the same run.",
    "train-renderer": "Trains a network to draw the strokes of a brush.",
    "eval-renderer": "Draws strokes that training never saw, and compares them with the brush's own.",
    "train-styles": "Trains one network to restyle photos in the style of each of many paintings.",
    "add-style": "Teaches a trained network one more style.",
}

app = typer.Typer(
    name="neuralpaint",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


for _name, _help in COMMANDS.items():
    Commands.add_lazily(_name, f"neuralpaint.cli.{_name.replace('-', '_')}", _help)


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="neuralpaint")
