"""What a search tells of itself while it runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A report of a running search.

    Attributes:
        stage: what it is doing, for people.
        step, steps: gradient steps done, and in the whole search.
        strokes: painted so far.
        psnr: in dB, at the resolution the search works at now.
        seconds: since this run began.
        remaining: seconds it will probably take on.
    """

    stage: str
    step: int
    steps: int
    strokes: int
    psnr: float
    seconds: float
    remaining: float


@contextmanager
def bar(title: str = "") -> Iterator[Callable[[Progress], None]]:
    """Yields a callback that draws a progress bar on the standard error output; the bar vanishes at the end."""
    from rich import progress
    from rich.console import Console
    from rich.markup import escape

    columns = (
        progress.TextColumn(f"[bold]{escape(title)}[/bold] {{task.fields[stage]}}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[detail]}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None, stage="", detail="")

        def callback(p: Progress) -> None:
            detail = f"{p.strokes} strokes · {p.psnr:.1f} dB · {_clock(p.remaining)} left"
            shown.update(task, total=p.steps, completed=p.step, stage=escape(p.stage), detail=detail)

        yield callback


def _clock(seconds: float) -> str:
    """Minutes and seconds; "?" for what is not known."""
    if not math.isfinite(seconds):
        return "?"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
