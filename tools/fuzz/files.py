"""Damages files of all kinds that neuralpaint reads, and loads them.

`python -m tools.fuzz.files --files 100000 --seed 0`

Each file is loaded in a child process. It must be refused with a ValueError of one line, or load; and where it has a
checksum, what loads must be what was written. Failures are crashes, other exceptions, more than 10 s, more than 1 GB of
memory, and other contents. They are saved below --out with the reason; `--repeat KIND:NUMBER` loads one again, with its
traceback.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuralpaint.utils.checksums import digest
from tools.fuzz.loaders import LOADERS, Loader
from tools.fuzz.mutations import mutate

MEMORY = 2**30  # bytes that loading a file may take
SECONDS = 10  # that it may take
_BATCH = 400  # files per child
_LEFT_OUT = ("README.md",)  # not read


@dataclass
class Count:
    """What became of the files of one kind."""

    refused: int = 0
    same: int = 0
    other: int = 0  # loaded with other contents, which only a checksum would tell
    failures: list[tuple[int, str]] = field(default_factory=list)

    @property
    def files(self) -> int:
        return self.refused + self.same + self.other + len(self.failures)


def plain(value: Any) -> Any:
    """The same with tensors in place of arrays."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def damage(loader: Loader, good: Path, seed: int, number: int, target: Path) -> Path:
    """Writes the damaged files of a number. Returns the good ones that they come from."""
    rng = random.Random(f"{seed}/{loader.name}/{number}")
    source = rng.choice(sorted(good.iterdir()))
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    path = rng.choice(sorted(path for path in target.rglob("*") if path.is_file() and path.name not in _LEFT_OUT))
    path.write_bytes(mutate(path.name, path.read_bytes(), rng))
    return source


def outcome(loader: Loader, folder: Path, wanted: str) -> str:
    """ "refused", "same", "other", or why it is a failure."""
    try:
        found = digest(plain(loader.load(folder)))
    except ValueError as error:
        text = str(error)
        if "\n" in text or len(text) > 2000:
            return f"a message of several lines: {text[:300]!r}"
        # Not that a file would take too much, which is refused in time, nor libheif's limits, which it words so.
        if ("alloc" in text or "out of memory" in text) and "limit" not in text:
            return f"memory: {text[:300]}"
        return "refused"
    except BaseException as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if found == wanted:
        return "same"
    return "loads with other contents" if loader.checked else "other"


def prepare() -> None:
    """Settings of a child process."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    os.environ["VIPS_CONCURRENCY"] = "1"
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    os.dup2(sys.stderr.fileno(), 2)  # libraries in C warn there
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def child(loader: Loader, good: Path, seed: int, numbers: range, target: Path, pipe: int) -> None:
    """Loads the files of these numbers; writes a line before and after each."""
    prepare()
    wanted = {source: digest(plain(loader.load(_copy(source, target)))) for source in sorted(good.iterdir())}
    with os.fdopen(pipe, "w", buffering=1) as lines:
        for number in numbers:
            source = damage(loader, good, seed, number, target)
            lines.write(f"{number}\n")
            lines.write(f"{outcome(loader, target, wanted[source])}\n")


def _copy(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(source, target))


def _state(process: int) -> tuple[str, float]:
    """The state of a process, such as R for running, and the seconds of processors that it has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_batch(loader: Loader, good: Path, seed: int, numbers: range, target: Path, count: Count) -> int:
    """Loads files of these numbers in a child until all are done, or one ends the child. Returns the next number."""
    begin, end = os.pipe()
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.close(begin)
            child(loader, good, seed, numbers, target, end)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(end)
    number, text, buffer, had = None, None, b"", 0.0
    try:
        while True:
            if not select.select([begin], [], [], 60 if number is None else SECONDS)[0]:
                state, seconds = _state(process)
                if state == "R" and seconds - had < SECONDS:
                    continue  # the machine is busy with other things
                text = f"more than {SECONDS} s"
                break
            data = os.read(begin, 65536)
            if not data:
                break
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                if number is None:
                    number, had = int(line), _state(process)[1]
                else:
                    _add(count, number, line.decode(errors="replace"))
                    numbers, number = range(number + 1, numbers.stop), None
    finally:
        os.close(begin)
        if text is not None:
            os.kill(process, signal.SIGKILL)
        status = os.waitpid(process, 0)[1]
    if number is None and numbers:
        raise RuntimeError(
            f"{loader.name}: the child failed before {numbers.start} ({status}): its good files do not load"
        )
    if number is not None:
        _add(count, number, text or f"the process ended: {os.waitstatus_to_exitcode(status)}")
        return number + 1
    return numbers.stop


def _add(count: Count, number: int, text: str) -> None:
    if text in ("refused", "same", "other"):
        setattr(count, text, getattr(count, text) + 1)
    else:
        count.failures.append((number, text))


def run(files: int, seed: int, kinds: list[str], out: Path) -> dict[str, Count]:
    """Loads about this many damaged files of these kinds. Failing ones are saved below `out`."""
    shares = sum(LOADERS[name].share for name in kinds)
    counts: dict[str, Count] = {}
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as scratch:
        for name in kinds:
            loader, count, began = LOADERS[name], Count(), time.monotonic()
            good = Path(scratch) / "good" / _slug(name)
            good.mkdir(parents=True)
            loader.make(good)
            number, total = 0, -(-files * loader.share // shares)
            while number < total:
                batch = range(number, min(total, number + _BATCH))
                number = run_batch(loader, good, seed, batch, Path(scratch) / "case", count)
            for failed, text in count.failures:
                _save(loader, good, seed, failed, text, out)
            counts[name] = count
            print(_row(name, count, time.monotonic() - began), flush=True)
    return counts


def _save(loader: Loader, good: Path, seed: int, number: int, text: str, out: Path) -> None:
    folder = out / f"{_slug(loader.name)}-{seed}-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    damage(loader, good, seed, number, folder / "files")
    again = f"python -m tools.fuzz.files --seed {seed} --repeat '{loader.name}:{number}'"
    (folder / "reason.txt").write_text(f"{text}\n{again}\n")


def repeat(case: str, seed: int) -> None:
    """Loads one file again in this process, under the same limit of memory."""
    name, _, number = case.rpartition(":")
    loader = LOADERS[name]
    with tempfile.TemporaryDirectory() as scratch:
        good, target = Path(scratch) / "good", Path(scratch) / "case"
        good.mkdir()
        loader.make(good)
        source = damage(loader, good, seed, int(number), target)
        print(f"{name}: {source.name} damaged, {', '.join(path.name for path in target.iterdir())}")
        torch.set_num_threads(1)
        before = digest(plain(loader.load(_copy(source, Path(scratch) / "copy"))))
        try:
            print("same" if digest(plain(loader.load(target))) == before else "other contents")
        except Exception:
            traceback.print_exc()


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def _row(name: str, count: Count, seconds: float | None = None) -> str:
    cells = (count.files, count.refused, count.same, count.other, len(count.failures))
    return f"{name:28}" + "".join(f"{cell:>10,}" for cell in cells) + (f"{seconds:>8.0f} s" if seconds else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000, help="damaged files in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append", choices=sorted(LOADERS), help="only this kind; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("out/fuzz-files"), help="folder for files that fail")
    parser.add_argument("--repeat", metavar="KIND:NUMBER", help="load one file again")
    options = parser.parse_args()
    if options.repeat:
        repeat(options.repeat, options.seed)
        return 0
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    columns = ("files", "refused", "same", "other", "failures")
    print(f"{'kind':28}" + "".join(f"{name:>10}" for name in columns))
    counts = run(options.files, options.seed, options.kind or list(LOADERS), options.out)
    total = Count(*(sum(getattr(count, name) for count in counts.values()) for name in ("refused", "same", "other")))
    total.failures = [failure for count in counts.values() for failure in count.failures]
    print(_row("all", total))
    for text, number in collections.Counter(text for _, text in total.failures).most_common(20):
        print(f"{number:>6} × {text}")
    if total.failures:
        print(f"the files are in {options.out}")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
