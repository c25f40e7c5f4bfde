"""What the commands share that take `--engine`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from neuralpaint.engines import Engine


def get_engine(address: str, brush: str = "oil") -> Engine:
    """The engine at `package.module:function`. ValueError if `--brush` (by default oil) was given, too."""
    from neuralpaint.engines import load_engine

    if brush != "oil":
        raise ValueError(f"--brush {brush}: an engine brings its own brush, leave --brush or --engine out")
    return load_engine(address)


@contextmanager
def filling(what: str, shown: bool = True) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on the standard error output for strokes drawn by an engine, if a person can see it."""
    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield None
        return
    from rich import progress

    columns = (
        progress.TextColumn("strokes by {task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True) as display:
        task = display.add_task(what, total=None)
        yield lambda done, count: display.update(task, total=count, completed=done)
