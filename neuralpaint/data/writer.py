"""Writes a stroke set shard by shard; can be interrupted at any time."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from neuralpaint.data.shards import INDEX, SUFFIXES, TEXTURE, DamagedShard, StrokeSet, read_shard, write_shard
from neuralpaint.data.webdataset import (
    SUMS,
    Files,
    bytes_per_stroke,
    check_tar,
    read_sums,
    samples,
    write_sums,
    write_tar,
)
from neuralpaint.utils.checksums import file_digest
from neuralpaint.utils.files import atomic_write
from neuralpaint.utils.interrupts import deferred
from neuralpaint.utils.locks import folder_lock
from neuralpaint.utils.machine import processors

_SHARD = re.compile(rf"strokes-\d+({'|'.join(map(re.escape, SUFFIXES.values()))})")
_OVERHEAD = 4096  # bytes of a vector shard in addition to its strokes
_RESERVE = 1.02  # safety factor for the disk space
_FEW = 4000  # below this many images, starting worker processes does not pay off


@dataclass(frozen=True)
class WritingProgress:
    """Progress: strokes written so far (including the current shard), total, written by an earlier run, and elapsed
    seconds of this run."""

    done: int
    count: int
    before: int
    seconds: float

    @property
    def rate(self) -> float:
        """Strokes per second in this run."""
        return (self.done - self.before) / max(1e-9, self.seconds)

    @property
    def remaining(self) -> float:
        """Estimated seconds left."""
        return (self.count - self.done) / self.rate if self.done > self.before else float("inf")


def write_set(
    folder: Path,
    plan: StrokeSet,
    *,
    resume: bool = False,
    overwrite: bool = False,
    callback: Callable[[WritingProgress], None] | None = None,
    warn: Callable[[str], None] | None = None,
    workers: int | None = None,
) -> int:
    """Writes the shards and the index of a set. Files are written atomically, so an interruption leaves none partial.

    Args:
        folder: created if missing.
        plan: the set to write.
        resume: keep existing shards of this set; write those that are missing or damaged.
        overwrite: delete any existing set.
        callback: called with the progress.
        warn: called with a message for each damaged shard that is rewritten.
        workers: processes that draw and compress images, 0 for none; by default one per core, up to 8.

    Returns:
        the number of strokes that already existed.

    Raises:
        ValueError: the folder has a set and neither `resume` nor `overwrite` is given; it has a different set; or there
            is not enough disk space; or another run is writing to the folder.
        WriteError: a file cannot be written; finished shards are kept.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, but must be a folder")
    if not folder.exists():
        _check_space(folder, plan, range(plan.shards))  # before it is made
    with folder_lock(folder):
        missing = _missing(folder, plan, resume, overwrite, warn or (lambda line: None))
        _check_space(folder, plan, missing)
        with deferred():
            if not (folder / INDEX).exists():
                plan.save(folder)
        return _write_shards(folder, plan, missing, callback, workers)


def _missing(
    folder: Path, plan: StrokeSet, resume: bool, overwrite: bool, warn: Callable[[str], None]
) -> Sequence[int]:
    """The shards to write. Deletes an existing set with `overwrite`."""
    found = [path for path in folder.iterdir() if _SHARD.fullmatch(path.name)]
    if (folder / INDEX).exists() or found:
        if overwrite:
            _check_space(folder, plan, range(plan.shards), sum(path.stat().st_size for path in found))
            with deferred():
                for path in (*found, folder / TEXTURE, folder / SUMS, folder / INDEX):
                    path.unlink(missing_ok=True)
        elif resume:
            if difference := plan.difference(StrokeSet.load(folder)):
                raise ValueError(
                    f"{folder} contains another set ({difference}): choose another folder, or add --overwrite"
                )
        else:
            raise ValueError(f"{folder} contains strokes: add --resume to continue, or --overwrite to start again")
    if found and not overwrite:
        sums = read_sums(folder) if plan.layout == "webdataset" else {}
        missing = [k for k in range(plan.shards) if not _finished(folder, plan, k, sums, warn)]
        if plan.layout == "webdataset":
            _note_sums(folder, sums, {plan.name(k) for k in range(plan.shards)} - {plan.name(k) for k in missing})
        return missing
    return range(plan.shards)


def _write_shards(
    folder: Path,
    plan: StrokeSet,
    missing: Sequence[int],
    callback: Callable[[WritingProgress], None] | None,
    workers: int | None,
) -> int:
    """Writes these shards; an interrupt waits for the shard of vectors, or for one image. Returns the number of strokes
    that already existed."""
    before = plan.count - _count(plan, missing)
    started, done = time.perf_counter(), before
    if workers is None:
        workers = 0 if plan.count - before < _FEW else min(8, processors())

    def report(more: int) -> None:
        nonlocal done
        done += more
        if callback is not None:
            callback(WritingProgress(done, plan.count, before, time.perf_counter() - started))
        interrupts.check()

    with deferred() as interrupts:
        if plan.layout == "vector":
            for number in missing:
                write_shard(folder / plan.name(number), plan, number)
                report(len(plan.strokes(number)))
        else:
            encoded = samples(plan, map(plan.strokes, missing), workers)
            sums = read_sums(folder)
            for number in missing:
                path = folder / plan.name(number)
                with atomic_write(path, follow=False) as file:
                    write_tar(file, _reporting(islice(encoded, len(plan.strokes(number))), report))
                sums[path.name] = file_digest(path)
                write_sums(folder, sums)
    return before


def _finished(folder: Path, plan: StrokeSet, number: int, sums: Mapping[str, str], warn: Callable[[str], None]) -> bool:
    """Whether a shard exists and is intact. ValueError if it belongs to another set."""
    if not (folder / plan.name(number)).exists():
        return False
    try:
        if plan.layout == "vector":
            read_shard(folder, plan, number)
        else:
            check_tar(folder, plan, number, sums.get(plan.name(number)))
    except DamagedShard as error:
        warn(f"{error}: rewriting it")
        return False
    return True


def _note_sums(folder: Path, sums: dict[str, str], finished: set[str]) -> None:
    """Notes the checksums of finished shards of which none is noted yet."""
    if new := {name: file_digest(folder / name) for name in finished - set(sums)}:
        write_sums(folder, sums | new)


def _reporting(found: Iterator[tuple[int, Files]], report: Callable[[int], None]) -> Iterator[tuple[int, Files]]:
    for sample in found:
        yield sample
        report(1)


def _count(plan: StrokeSet, shards: Sequence[int]) -> int:
    """Strokes in these shards."""
    return plan.count if len(shards) == plan.shards else sum(len(plan.strokes(number)) for number in shards)


def _check_space(folder: Path, plan: StrokeSet, missing: Sequence[int], freed: int = 0) -> None:
    """Raises ValueError if there is not enough disk space for the missing shards."""
    count = _count(plan, missing)
    if not count:
        return
    each = 4.0 * plan.brush.num_parameters if plan.layout == "vector" else bytes_per_stroke(plan)
    needed = round((count * each + len(missing) * _OVERHEAD) * _RESERVE)
    above = folder.resolve()
    while not above.exists():
        above = above.parent
    free = shutil.disk_usage(above).free + freed
    if needed > free:
        raise ValueError(
            f"{count:,} strokes need {in_bytes(needed)}, but {above} has {in_bytes(free)} free: lower --count, or use "
            "a folder on a larger disk"
        )


def in_bytes(count: float) -> str:
    """Formats a number of bytes with decimal units, such as "48.0 MB"."""
    units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
    while count >= 999.5 and len(units) > 1:
        count /= 1000
        del units[0]
    unit = units[0]
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
