"""Writing a set of strokes, shard by shard, so that it can be stopped at any time."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from neuralpaint.data.shards import INDEX, SUFFIXES, TEXTURE, DamagedShard, StrokeSet, read_shard, write_shard
from neuralpaint.data.webdataset import Files, bytes_per_stroke, check_tar, samples, write_tar
from neuralpaint.utils.files import atomic_write, make_folder
from neuralpaint.utils.machine import processors

_SHARD = re.compile(rf"strokes-\d+({'|'.join(map(re.escape, SUFFIXES.values()))})")
_LEFT_OVER = re.compile(rf"\.({_SHARD.pattern}|{re.escape(INDEX)})\.[0-9a-f]{{8}}\.tmp")
_OVERHEAD = 4096  # bytes of a vector shard besides its strokes
_RESERVE = 1.02  # of the disk
_FEW = 4000  # pictures for which starting processes does not pay


@dataclass(frozen=True)
class WritingProgress:
    """A report: strokes on the disk (or in the shard that is being written), of all, those of an earlier run, seconds
    of this run."""

    done: int
    count: int
    before: int
    seconds: float

    @property
    def rate(self) -> float:
        """Strokes a second in this run."""
        return (self.done - self.before) / max(1e-9, self.seconds)

    @property
    def remaining(self) -> float:
        """Seconds that it will probably take on."""
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
    """Writes the shards of a set and its index. Each is whole or not there, whenever it is stopped.

    Args:
        folder: to be created, unless it is there.
        plan: what to write.
        resume: keep the shards of this set that are there, write those that are missing or damaged.
        overwrite: delete the set that is there, whatever it is.
        callback: is told how far it is.
        warn: is told of shards that are written anew because they were damaged.
        workers: processes that draw and compress pictures, 0 for none; by default one a processor, up to 8.

    Returns:
        how many strokes were there already.

    Raises:
        ValueError: the folder holds a set and neither `resume` nor `overwrite` says what to do; or another set than
            this; or the disk has too little room.
        WriteError: a file cannot be written; shards that were finished stay.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: name a folder")
    found = [path for path in folder.iterdir() if _SHARD.fullmatch(path.name)] if folder.exists() else []
    if (folder / INDEX).exists() or found:
        if overwrite:
            _check_space(folder, plan, range(plan.shards), sum(path.stat().st_size for path in found))
            for path in (*found, folder / TEXTURE, folder / INDEX):
                path.unlink(missing_ok=True)
        elif resume:
            if difference := plan.difference(StrokeSet.load(folder)):
                raise ValueError(f"{folder} holds another set ({difference}): name another folder, or --overwrite it")
        else:
            raise ValueError(f"{folder} holds strokes: add --resume to go on, or --overwrite to start anew")
    missing: Sequence[int] = range(plan.shards)
    if found and not overwrite:
        missing = [k for k in missing if not _finished(folder, plan, k, warn or (lambda line: None))]
    _check_space(folder, plan, missing)
    make_folder(folder)
    for path in folder.iterdir():
        if _LEFT_OVER.fullmatch(path.name):
            path.unlink(missing_ok=True)  # of a run that was killed
    if not (folder / INDEX).exists():
        plan.save(folder)
    before = plan.count - _count(plan, missing)
    started, done = time.perf_counter(), before

    def report(more: int) -> None:
        nonlocal done
        done += more
        if callback is not None:
            callback(WritingProgress(done, plan.count, before, time.perf_counter() - started))

    if plan.layout == "vector":
        for number in missing:
            write_shard(folder / plan.name(number), plan, number)
            report(len(plan.strokes(number)))
    else:
        if workers is None:
            workers = 0 if plan.count - before < _FEW else min(8, processors())
        made = samples(plan, map(plan.strokes, missing), workers)
        for number in missing:
            with atomic_write(folder / plan.name(number)) as file:
                write_tar(file, _told(islice(made, len(plan.strokes(number))), report))
    return before


def _finished(folder: Path, plan: StrokeSet, number: int, warn: Callable[[str], None]) -> bool:
    """Whether a shard is there and whole. ValueError if it is there but not of this set."""
    if not (folder / plan.name(number)).exists():
        return False
    try:
        (read_shard if plan.layout == "vector" else check_tar)(folder, plan, number)
    except DamagedShard as error:
        warn(f"{error}: it is written anew")
        return False
    return True


def _told(found: Iterator[tuple[int, Files]], report: Callable[[int], None]) -> Iterator[tuple[int, Files]]:
    for sample in found:
        yield sample
        report(1)


def _count(plan: StrokeSet, shards: Sequence[int]) -> int:
    """Strokes in these shards."""
    return plan.count if len(shards) == plan.shards else sum(len(plan.strokes(number)) for number in shards)


def _check_space(folder: Path, plan: StrokeSet, missing: Sequence[int], freed: int = 0) -> None:
    """Raises ValueError if the missing shards do not fit the disk."""
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
            f"{count:,} strokes need {in_bytes(needed)}, but {above} has {in_bytes(free)} free: lower --count, or name "
            "a folder on a larger disk"
        )


def in_bytes(count: float) -> str:
    """ "48.0 MB" and the like, in powers of a thousand."""
    units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
    while count >= 999.5 and len(units) > 1:
        count /= 1000
        del units[0]
    unit = units[0]
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
