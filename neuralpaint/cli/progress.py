"""Progress of long work on the standard error output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from neuralpaint.cli.console import say, warn
from neuralpaint.pipelines.summary import FAILED, Row, Summary

if TYPE_CHECKING:
    from neuralpaint.search import Progress

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


def _progress(name: str, quiet: bool) -> AbstractContextManager[Callable[[Progress], None] | None]:
    """A bar on the standard error output, if a person can see it; gives the search's callback."""
    from neuralpaint.search.runner import bar

    return bar(name) if Console(stderr=True).is_terminal and not quiet else nullcontext()


def collect(rows: Iterable[Row], count: int, summary: Summary, quiet: bool, shown: bool) -> int:
    """Tells of the rows as they come, under one bar if `shown`, and keeps them. Returns how many failed."""
    failures = 0
    try:
        with _bar(count) if shown else nullcontext() as advance:
            for row in rows:
                summary.add(row)
                if row.status == FAILED:
                    failures += 1
                    warn(row.error if row.error.startswith(row.photo) else f"{row.photo}: {row.error}")
                elif not quiet:
                    say(row.line)
                if advance is not None:
                    advance()
    finally:
        summary.write()
    return failures


def _bar(count: int) -> AbstractContextManager[Callable[[], None] | None]:
    """One bar of the photos on the standard error output, if a person can see it."""
    from contextlib import contextmanager

    from rich import progress

    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext()

    @contextmanager
    def shown() -> Iterator[Callable[[], None]]:
        columns = (
            progress.TextColumn("photos"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
        )
        with progress.Progress(*columns, console=console, transient=True) as drawn:
            task = drawn.add_task("", total=count)
            yield lambda: drawn.advance(task)

    return shown()
