"""Terminal messages, exit codes and signal handling."""

from __future__ import annotations

import importlib
import itertools
import os
import signal
import sys
import threading
from typing import Any, TextIO

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from neuralpaint.cli.streams import finish, of_stdout
from neuralpaint.utils import startup
from neuralpaint.utils.errors import FAILED, explain

INTERRUPTED, TERMINATED = startup.INTERRUPTED, 143
_GIVE = "name a file or a folder, or give a value"
_state = {"debug": False, "terminated": False, "on stderr": False}


def say(message: str) -> None:
    """Prints one line to stdout."""
    on_stderr = _state["on stderr"]
    stream = sys.stderr if on_stderr else sys.stdout
    Console(stderr=on_stderr).print(_printable(message, stream), markup=False, highlight=False, soft_wrap=True)


def say_on_stderr() -> None:
    """Makes `say` print to stderr for the rest of the command, because stdout is for data."""
    _state["on stderr"] = True


def warn(message: str) -> None:
    """Prints one line to stderr."""
    Console(stderr=True).print(
        _printable(f"neuralpaint: {message}", sys.stderr), markup=False, highlight=False, soft_wrap=True
    )


def _printable(message: str, stream: TextIO) -> str:
    """Replaces characters that the stream's encoding cannot represent (such as an arrow in ASCII) by "?"."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return message.encode(encoding, "replace").decode(encoding)


class _Command(TyperCommand):
    """A command that refuses empty arguments: the path of an unset variable of a shell would be the current folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for before, argument in itertools.pairwise(["", *args]):
            if not argument:
                raise ValueError(f"{before if before.startswith('-') else 'an argument'} is empty: {_GIVE}")
            if argument.startswith("--") and argument.endswith("=") and "=" not in argument[:-1]:
                raise ValueError(f"{argument[:-1]} is empty: {_GIVE}")
        return super().parse_args(ctx, args)


class Commands(TyperGroup):
    """Runs a command and turns exceptions into a one-line message and an exit code; --debug shows the traceback."""

    _lazy: dict[str, tuple[str, str]] = {}  # command: (module, one-line help)

    @classmethod
    def add_lazily(cls, name: str, module: str, line: str) -> None:
        """Registers a module's `command` function; the module is imported when the command or its help is used."""
        cls._lazy[name] = module, line

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self._lazy)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stub with the one-line help, for the list of commands."""
        if cmd_name not in self._lazy:
            return None
        return TyperCommand(cmd_name, help=self._lazy[cmd_name][1], rich_markup_mode="rich")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name in self._lazy:
            only = typer.Typer(rich_markup_mode="rich", add_completion=False, pretty_exceptions_enable=False)
            only.command(name, cls=_Command)(importlib.import_module(self._lazy[name][0]).command)
            command = typer.main.get_command(only)
        return name, command, rest

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_address(args))

    def invoke(self, ctx: Any) -> Any:
        _state["debug"] = _state["terminated"] = _state["on stderr"] = False
        _handle_termination()
        startup.ready()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            warn("stopped")
            raise typer.Exit(_interrupted()) from None
        except BrokenPipeError:
            # The reader (head, less) has closed the pipe: nobody is there to be told.
            raise typer.Exit(FAILED) from None
        except Exception as error:
            # Typer reports its own exceptions (a wrong option, an exit code).
            if isinstance(error, typer.Exit) and error.exit_code == INTERRUPTED:
                raise typer.Exit(_interrupted()) from None
            if isinstance(error, (typer.Exit, typer.Abort)) or hasattr(error, "exit_code") or _state["debug"]:
                raise
            if isinstance(error, OSError) and of_stdout(error):
                raise typer.Exit(finish(0, error)) from None
            message, code = explain(error)
            warn(message)
            raise typer.Exit(code) from None


def _handle_termination() -> None:
    """Makes SIGTERM and SIGHUP stop a command as Ctrl-C does, leaving no partial files."""
    if threading.current_thread() is not threading.main_thread():
        return
    process = os.getpid()

    def terminate(number: int, frame: object) -> None:
        if os.getpid() != process:  # a forked child, such as a data loader's: nothing to clean up
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
    """Expands `--ray` without an address to `--ray auto`: Typer has no options with optional values."""
    result: list[str] = []
    for k, argument in enumerate(arguments):
        result.append(argument)
        if argument == "--ray" and (k + 1 == len(arguments) or arguments[k + 1].startswith("-")):
            result.append("auto")
    return result


def set_debug(wanted: bool) -> None:
    """Sets whether errors show the Python traceback."""
    _state["debug"] = wanted


def debugging() -> bool:
    """True if --debug was given."""
    return _state["debug"]
