"""Progress of long work on the standard error output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console

_EVERY = 60.0  # seconds
_P = TypeVar("_P")


@contextmanager
def bar_or_lines(
    describe: Callable[[_P], str], amounts: Callable[[_P], tuple[float, float, float]], *, final: bool = True
) -> Iterator[Callable[[_P], None]]:
    """A bar with a text; where nobody looks at it, a line a minute.

    Args:
        describe: a report, in words.
        amounts: (done, all, seconds so far) of a report.
        final: whether the end gets a line, however soon it comes.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        last = [0.0]

        def line(report: _P) -> None:
            done, total, seconds = amounts(report)
            if seconds - last[0] >= _EVERY or (final and done == total):
                last[0] = seconds
                print(describe(report), file=console.file, flush=True)

        yield line
        return
    from rich import progress

    columns = (progress.BarColumn(), progress.TextColumn("{task.fields[detail]}"))
    with progress.Progress(*columns, console=console, transient=True) as display:
        task = display.add_task("", total=None, detail="")

        def draw(report: _P) -> None:
            done, total, _ = amounts(report)
            display.update(task, total=total, completed=done, detail=describe(report))

        yield draw


def clock(seconds: float) -> str:
    """Such as 3:07 or 1:03:07."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
