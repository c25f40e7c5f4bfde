"""What the commands share: messages, exit codes, and options that several of them take."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console
from typer.core import TyperGroup

if TYPE_CHECKING:
    from neuralpaint.brushes import Brush

FAILED, MISUSED, INTERRUPTED, TERMINATED = 1, 2, 130, 143
MAX_STROKES, MAX_SIZE, MAX_SEED, MAX_STEPS = 1_000_000, 65536, 2**63 - 1, 1_000_000
MAX_JOBS, MAX_GRIDS = 1024, 1024
ENGINE_TIMEOUT = 60.0  # seconds

_state = {"debug": False, "terminated": False}


def say(message: str) -> None:
    """A line on the standard output."""
    Console().print(_printable(message, sys.stdout), markup=False, highlight=False, soft_wrap=True)


def warn(message: str) -> None:
    """A line on the standard error output."""
    Console(stderr=True).print(
        _printable(f"neuralpaint: {message}", sys.stderr), markup=False, highlight=False, soft_wrap=True
    )


def _printable(message: str, stream: TextIO) -> str:
    """The message, with ? for what the stream's encoding lacks: bytes of a file name, an arrow in ASCII."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return message.encode(encoding, "replace").decode(encoding)


def explain(error: BaseException) -> tuple[str, int]:
    """(one line, exit code) for whatever went wrong: bad input is the caller's, the rest is ours or the machine's."""
    text = " ".join(str(error).split()) or type(error).__name__
    # By its name: importing it is what failed.
    if isinstance(error, (ValueError, TypeError)) or type(error).__name__ == "KernelError":
        return text, MISUSED
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"not enough memory: try a smaller --size or fewer --strokes ({text})", FAILED
    if isinstance(error, (OSError, RuntimeError, ImportError)):
        return text, FAILED
    return f"internal error, --debug shows where: {type(error).__name__}: {text}", FAILED


class Commands(TyperGroup):
    """Runs a command; what it raises becomes one line and an exit code, unless --debug asks for the traceback."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_address(args))

    def invoke(self, ctx: Any) -> Any:
        _state["debug"] = _state["terminated"] = False
        _mind_termination()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            warn("stopped")
            raise typer.Exit(_interrupted()) from None
        except BrokenPipeError:
            # The reader (head, less) has had enough; nothing more may be written, also not at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(FAILED) from None
        except Exception as error:
            # Typer's own (a wrong option, an exit code) know how to show themselves.
            if isinstance(error, typer.Exit) and error.exit_code == INTERRUPTED:
                raise typer.Exit(_interrupted()) from None
            if isinstance(error, (typer.Exit, typer.Abort)) or hasattr(error, "exit_code") or _state["debug"]:
                raise
            message, code = explain(error)
            warn(message)
            raise typer.Exit(code) from None


def _mind_termination() -> None:
    """Makes SIGTERM, and the end of the terminal, stop a command as Ctrl-C does, with no half-written files left."""
    if threading.current_thread() is not threading.main_thread():
        return
    process = os.getpid()

    def terminate(number: int, frame: object) -> None:
        if os.getpid() != process:  # a fork, a loader's say, which has nothing to put away
            os._exit(TERMINATED)
        _state["terminated"] = True
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, terminate)


def _interrupted() -> int:
    return TERMINATED if _state["terminated"] else INTERRUPTED


def _with_address(arguments: list[str]) -> list[str]:
    """`--ray` without an address is `--ray auto`: Typer knows no options whose value may be left out."""
    result: list[str] = []
    for k, argument in enumerate(arguments):
        result.append(argument)
        if argument == "--ray" and (k + 1 == len(arguments) or arguments[k + 1].startswith("-")):
            result.append("auto")
    return result


def _set_debug(wanted: bool) -> None:
    _state["debug"] = wanted


def debugging() -> bool:
    """True if --debug was given."""
    return _state["debug"]


Debug = Annotated[bool, typer.Option("--debug", callback=_set_debug, help="On an error, show the Python traceback.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that are there already.")]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1 …; auto takes a GPU if there is one.")]


def check_range(option: str, value: int | None, low: int, high: int) -> None:
    """Raises ValueError unless low ≤ value ≤ high (or it was not given)."""
    if value is not None and not low <= value <= high:
        raise ValueError(f"{option} must be from {low} to {high}, got {value}")


def check_target(path: Path, overwrite: bool) -> None:
    """Raises ValueError unless a file can be written there now."""
    from neuralpaint.files import WriteError, check_writable

    try:
        check_writable(path)
    except WriteError as error:
        raise ValueError(str(error)) from error
    if path.is_file() and not overwrite:
        raise ValueError(f"{path} is there already: name another file, or add --overwrite")


def check_targets(picture: Path, strokes: Path | None, overwrite: bool, photo: Path | None = None) -> None:
    """Raises ValueError unless a picture and, if wanted, its strokes can be written to these two files."""
    if strokes is not None and strokes.suffix.lower() == ".npz":
        raise ValueError(f"--save {strokes}: strokes are written as .safetensors, use that suffix")
    if strokes is not None and os.path.abspath(picture) == os.path.abspath(strokes):
        raise ValueError(f"{picture} is to be the picture and the strokes: name another file for --save")
    for target in filter(None, (picture, strokes)):
        if photo is not None and same_file(target, photo):
            raise ValueError(f"{target} is the photo itself: name another file")
        check_target(target, overwrite)


def same_file(a: Path, b: Path) -> bool:
    return os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b)


def resolve_brush(name: str) -> Brush:
    """A brush by its name, or one made of a picture file."""
    from neuralpaint.brushes import TexturedBrush, get_brush
    from neuralpaint.images import PHOTO_SUFFIXES

    if Path(name).suffix.lower() in PHOTO_SUFFIXES or os.sep in name:
        return TexturedBrush.from_image(name)
    return get_brush(name)
