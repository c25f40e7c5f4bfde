"""Messages, exit codes and how a command ends."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from typing import Any, TextIO

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from neuralpaint.utils.errors import FAILED, explain

INTERRUPTED, TERMINATED = 130, 143
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


class Commands(TyperGroup):
    """Runs a command; what it raises becomes one line and an exit code, unless --debug asks for the traceback."""

    _lazy: dict[str, tuple[str, str]] = {}  # of each command: module, one line of help

    @classmethod
    def add_lazily(cls, name: str, module: str, line: str) -> None:
        """Adds the function `command` of a module, which is imported when the command is run or its help is read."""
        cls._lazy[name] = module, line

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self._lazy)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Enough for the list of commands."""
        if cmd_name not in self._lazy:
            return None
        return TyperCommand(cmd_name, help=self._lazy[cmd_name][1], rich_markup_mode="rich")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name in self._lazy:
            only = typer.Typer(rich_markup_mode="rich", add_completion=False, pretty_exceptions_enable=False)
            only.command(name)(importlib.import_module(self._lazy[name][0]).command)
            command = typer.main.get_command(only)
        return name, command, rest

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


def set_debug(wanted: bool) -> None:
    _state["debug"] = wanted


def debugging() -> bool:
    """True if --debug was given."""
    return _state["debug"]
