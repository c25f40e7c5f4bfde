"""Progress bars on stderr."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from neuralpaint.cli.console import say, warn
from neuralpaint.pipelines.reporter import Reporter
from neuralpaint.pipelines.summary import FAILED, Row, Summary

if TYPE_CHECKING:
    from neuralpaint.search import Progress

_EVERY = 60.0  # seconds
_P = TypeVar("_P")


def visible(quiet: bool = False) -> bool:
    """Whether to show progress bars: stderr is a terminal, and not `quiet`."""
    return Console(stderr=True).is_terminal and not quiet


@contextmanager
def bar(title: str = "", *, timed: bool = True) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr, removed when done.

    Yields a function that updates it: `completed`, `total`, `description` and `detail`, the text after the bar.

    Args:
        timed: whether the bar estimates the time left; otherwise `detail` may say it.
    """
    from rich import progress

    columns: list[progress.ProgressColumn] = [
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[detail]}", markup=False),
    ]
    if timed:
        columns.append(progress.TimeRemainingColumn(elapsed_when_finished=True))
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(title, total=None, detail="")
        yield functools.partial(display.update, task)


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
    if visible():
        with bar(timed=False) as update:

            def draw(report: _P) -> None:
                done, total, _ = amounts(report)
                update(total=total, completed=done, detail=describe(report))

            yield draw
        return
    last = 0.0

    def line(report: _P) -> None:
        nonlocal last
        done, total, seconds = amounts(report)
        if seconds - last >= _EVERY or (final and done == total):
            last = seconds
            print(describe(report), file=sys.stderr, flush=True)

    yield line


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

    @contextmanager
    def search(self, name: str) -> Iterator[Callable[[Progress], None] | None]:
        if not visible(self.quiet):
            yield None
            return
        with bar(name, timed=False) as update:

            def callback(p: Progress) -> None:
                detail = f"{p.strokes} strokes · {p.psnr:.1f} dB · {clock(p.remaining)} left"
                update(total=p.steps, completed=p.step, description=f"{name} {p.stage}", detail=detail)

            yield callback

    @contextmanager
    def drawing(self, engine: str) -> Iterator[Callable[[int, int], None] | None]:
        if not visible(self.quiet):
            yield None
            return
        with bar(f"strokes by {engine}") as update:
            yield lambda done, total: update(total=total, completed=done, detail=f"{done}/{total}")

    @contextmanager
    def writing(self, name: str) -> Iterator[Callable[[int, int], None] | None]:
        if not visible(self.quiet):
            yield None
            return
        with bar(f"{name}, frames") as update:
            yield lambda done, total: update(total=total, completed=done, detail=f"{done}/{total}")


def collect(rows: Iterable[Row], num_photos: int, summary: Summary, quiet: bool, shown: bool) -> int:
    """Prints rows as they arrive, with one bar if `shown`, and adds them to the summary. Returns the number of
    failures."""
    failures = 0
    try:
        with bar("photos") if shown and visible() else nullcontext() as update:
            for done, row in enumerate(rows, 1):
                summary.add(row)
                if row.status == FAILED:
                    failures += 1
                    warn(row.error if row.error.startswith(row.photo) else f"{row.photo}: {row.error}")
                elif not quiet:
                    say(row.line)
                if update is not None:
                    update(total=num_photos, completed=done, detail=f"{done}/{num_photos}")
    finally:
        summary.write()
    return failures
