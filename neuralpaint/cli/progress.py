"""Progress bars on stderr."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from neuralpaint.cli.console import say, warn
from neuralpaint.pipelines.reporter import Reporter
from neuralpaint.pipelines.summary import FAILED, Row, Summary

if TYPE_CHECKING:
    from neuralpaint.search import Progress

_EVERY = 60.0  # seconds
_P = TypeVar("_P")


@contextmanager
def bar_or_lines(
    describe: Callable[[_P], str], amounts: Callable[[_P], tuple[float, float, float]], *, final: bool = True
) -> Iterator[Callable[[_P], None]]:
    """A progress bar with a text; if stderr is not a terminal, one line per minute instead.

    Args:
        describe: turns a report into text.
        amounts: (done, total, elapsed seconds) of a report.
        final: whether the last report is always printed.
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
    """Formats seconds as 3:07 or 1:03:07; "?" if not finite."""
    if not math.isfinite(seconds):
        return "?"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


class Bars(Reporter):
    """Progress bars on stderr if it is a terminal; removed when done."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    def search(self, name: str) -> AbstractContextManager[Callable[[Progress], None] | None]:
        return search_bar(name) if _visible(self.quiet) else nullcontext()

    def drawing(self, engine: str) -> AbstractContextManager[Callable[[int, int], None] | None]:
        return drawing_bar(engine) if _visible(self.quiet) else nullcontext()


def _visible(quiet: bool = False) -> bool:
    return Console(stderr=True).is_terminal and not quiet


@contextmanager
def search_bar(title: str) -> Iterator[Callable[[Progress], None]]:
    """A progress bar for a search."""
    from rich import progress
    from rich.markup import escape

    columns = (
        progress.TextColumn(f"[bold]{escape(title)}[/bold] {{task.fields[stage]}}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[detail]}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("", total=None, stage="", detail="")

        def callback(p: Progress) -> None:
            detail = f"{p.strokes} strokes · {p.psnr:.1f} dB · {clock(p.remaining)} left"
            display.update(task, total=p.steps, completed=p.step, stage=escape(p.stage), detail=detail)

        yield callback


@contextmanager
def drawing_bar(engine: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for strokes drawn by an engine."""
    from rich import progress

    columns = (
        progress.TextColumn("strokes by {task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(engine, total=None)
        yield lambda done, total: display.update(task, total=total, completed=done)


def collect(rows: Iterable[Row], num_photos: int, summary: Summary, quiet: bool, shown: bool) -> int:
    """Prints rows as they arrive, with one bar if `shown`, and adds them to the summary. Returns the number of
    failures."""
    failures = 0
    try:
        with _photos_bar(num_photos) if shown and _visible() else nullcontext() as advance:
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


@contextmanager
def _photos_bar(num_photos: int) -> Iterator[Callable[[], None]]:
    """One progress bar for all photos."""
    from rich import progress

    columns = (
        progress.TextColumn("photos"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("", total=num_photos)
        yield lambda: display.advance(task)
