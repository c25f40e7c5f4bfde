"""The `neuralpaint` command line: one module per command.

Exit codes: 0 success; 1 failure while running; 2 invalid usage or input; 130 interrupted by Ctrl-C.
"""

from __future__ import annotations

import os
import warnings
from typing import Annotated, NoReturn

import typer

from neuralpaint.cli.console import Commands, warn
from neuralpaint.cli.streams import finish, occupy

# Each command lives in the module of the same name, imported only when the command runs. The text is its one-line help.
COMMANDS = {
    "paint": "Paints photos with brush strokes.",
    "restyle": "Moves the strokes of a saved painting towards the style of an image.",
    "serve": "Opens a web page to paint in, on this computer.",
    "stylize": "Stylizes a photo with one pass of a network, in a style of its own or of any picture.",
    "vectorize": "Turns a photo into an SVG of filled paths.",
    "render": "Renders a stroke file at any size.",
    "info": "Shows the contents of a stroke file, or the build and available kernels.",
    "compare": "Measures how near pictures and paintings are to a photo.",
    "brushes": "Lists the brushes and their stroke parameters.",
    "strokes": "Generates random strokes as training data.",
    "reproduce": "Reproduces figures of the two papers behind this program.",
    "bench": "Times the ops and compares them with the measured limits of this machine.",
    "train-renderer": "Trains a network to draw the strokes of a brush.",
    "eval-renderer": "Compares a trained network with its brush on held-out strokes.",
    "train-styles": "Trains one network to stylize photos in the styles of many paintings.",
    "add-style": "Adds one style to a trained network.",
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

    Paint a photo and save the strokes:
      [cyan]neuralpaint paint photo.jpg -o painting.png --save painting.safetensors[/cyan]

    Render them again at any size:
      [cyan]neuralpaint render painting.safetensors -o large.png --size 4096[/cyan]

    Exit codes: 0 success; 1 failure while running; 2 invalid usage or input;
    130 interrupted by Ctrl-C.
    """


for _name, _help in COMMANDS.items():
    Commands.add_lazily(_name, f"neuralpaint.cli.{_name.replace('-', '_')}", _help)


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: object = None,
) -> None:
    """Prints a warning to stderr in one line."""
    if issubclass(category, UserWarning):
        warn(" ".join(str(message).split()))


def _let_threads_sleep() -> None:
    """Has torch's threads sleep soon after a loop, in this process and its children. Call it before importing torch.

    They would spin for milliseconds, which on a busy machine takes the processors from the threads that work.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")


def main() -> NoReturn:
    """Runs the command of `sys.argv`. Raises SystemExit with its exit code."""
    _let_threads_sleep()
    warnings.filterwarnings("ignore", module=r"PIL\.")  # about metadata, which does not affect a painting
    warnings.showwarning = _show  # a line as of any other message
    occupy()
    code, failure = 0, None
    try:
        app(prog_name="neuralpaint")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except OSError as error:  # of --help; commands explain theirs
        failure = error
    raise SystemExit(finish(code, failure))
