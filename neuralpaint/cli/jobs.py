"""Painting many photos: one after another, in several processes, or on a Ray cluster."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from neuralpaint.cli.common import debugging, explain, say, warn
from neuralpaint.cli.summary import FAILED, SKIPPED, Row, Summary

if TYPE_CHECKING:
    from neuralpaint.workers import Workers


@dataclass(frozen=True)
class Job:
    """One photo and where its results go."""

    photo: Path
    output: Path
    strokes: Path | None
    checkpoint: Path | None


def skipped(job: Job) -> Row:
    return Row(str(job.photo), str(job.output), SKIPPED)


def failed(job: Job, error: BaseException, seconds: float) -> Row:
    message = explain(error)[0].removeprefix(f"{job.photo}: ")
    return Row(str(job.photo), str(job.output), FAILED, seconds=seconds, error=message)


def paint_serially(jobs: Sequence[Job], paint_one: Callable[[Job], Row]) -> Iterator[Row]:
    """Paints one photo after another; among several, one that fails is told of and the others go on."""
    for job in jobs:
        started = time.perf_counter()
        try:
            row = paint_one(job)
        except Exception as error:
            if debugging() or len(jobs) == 1:
                raise
            row = failed(job, error, time.perf_counter() - started)
        yield row


def paint_by_processes(jobs: Sequence[Job], search: dict[str, Any], resume: bool, workers: Workers) -> Iterator[Row]:
    """As `paint_serially`, several at a time; first come, first served."""
    shared = workers.share(search)
    for number, row in workers.run(_paint_here, ((job, shared, resume) for job in jobs)):
        yield row if isinstance(row, Row) else failed(jobs[number], row, 0.0)


def paint_by_cluster(jobs: Sequence[Job], search: dict[str, Any], workers: Workers) -> Iterator[Row]:
    """As `paint_by_processes`, on machines that may have no disk in common with this one: photos and paintings travel
    with the tasks, and are written here."""
    from neuralpaint.files import atomic_write

    shared = workers.share(search)
    unread: dict[int, Exception] = {}

    def tasks() -> Iterator[tuple]:
        for number, job in enumerate(jobs):
            try:
                data = job.photo.read_bytes()
            except OSError as error:
                data, unread[number] = b"", ValueError(f"{job.photo} cannot be read: {error.strerror}")
            yield data, job.photo.name, job.output.suffix, job.strokes is not None, shared

    for number, answer in workers.run(_paint_there, tasks()):
        job = jobs[number]
        if number in unread or isinstance(answer, BaseException):
            yield failed(job, unread.get(number, answer), 0.0)
            continue
        values, picture, strokes = answer
        row = Row(str(job.photo), str(job.output), **values)
        try:
            if row.status != FAILED:
                for target, data in ((job.strokes, strokes), (job.output, picture)):
                    if target is not None:
                        with atomic_write(target) as file:
                            file.write(data)
        except OSError as error:
            row = failed(job, error, row.seconds)
        yield row


def _paint_here(job: Job, search: dict[str, Any], resume: bool) -> Row:
    from neuralpaint.cli.paint import paint_photo

    started = time.perf_counter()
    try:
        return paint_photo(job, search, resume, quiet=True)
    except Exception as error:
        return failed(job, error, time.perf_counter() - started)


def _paint_there(
    data: bytes, name: str, suffix: str, keep_strokes: bool, search: dict[str, Any]
) -> tuple[dict[str, Any], bytes, bytes]:
    """(the row's values, the picture's bytes, the stroke file's)."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        photo, output, strokes = place / "in" / name, place / f"painting{suffix}", place / "painting.safetensors"
        photo.parent.mkdir()
        photo.write_bytes(data)
        row = _paint_here(Job(photo, output, strokes if keep_strokes else None, None), search, False)
        error = row.error.replace(str(photo), name)
        values = {
            "status": row.status,
            "psnr": row.psnr,
            "seconds": row.seconds,
            "strokes": row.strokes,
            "error": error,
            "note": row.note,
        }
        if row.status == FAILED:
            return values, b"", b""
        return values, output.read_bytes(), strokes.read_bytes() if keep_strokes else b""


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
