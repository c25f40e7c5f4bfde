"""Kills or interrupts long commands at random moments, resumes them, and compares what they leave with a run that
nothing disturbed: the same bytes, no process left, no file too many.

    python -m tools.fuzz.kills --count 100                  # SIGKILL, 100 a command
    python -m tools.fuzz.kills --count 100 --signals INT TERM
    python -m tools.fuzz.kills --only strokes-tar --seed 7
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from tests.ops.fork_server import Child, ForkServer

# States are saved every 30 or 60 seconds; these runs take few seconds.
_RUN = """
import os, sys
os.setsid()
try:
    import neuralpaint.search.runner, neuralpaint.training.loop
    from neuralpaint.cli import main
    neuralpaint.search.runner._CHECKPOINT_SECONDS = neuralpaint.training.loop.CHECKPOINT_SECONDS = 0.15
except KeyboardInterrupt:  # before what is tested has begun
    sys.exit(130)
main()
"""
_IMPORTED = ("torch", "accelerate", "torch.utils.tensorboard", "torch._dynamo", "rich.progress")
_GONE = 5.0  # seconds after which no process may be left
_PATIENCE = 600.0
_ROUND = 6  # disturbances of one run at most, so that it ends


@dataclass
class Tally:
    sent: Counter = field(default_factory=Counter)
    runs: int = 0
    resumed: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Command:
    """A command to disturb.

    Attributes:
        line: the arguments, with {out} for the folder to write to and {in} for the folder of inputs.
        results: names of the files in that folder that must be the same to the byte. What else there is (curves with
            seconds, logs) must only have the same names.
    """

    name: str
    line: str
    results: tuple[str, ...]

    def arguments(self, out: Path, inputs: Path) -> list[str]:
        return [word.format_map({"out": out, "in": inputs}) for word in self.line.split()]


_PAINT = "--preset fast --strokes 60 --size 96 --quiet --checkpoint {out}/state"
_VGG = "--features vgg19 --vgg {in}/vgg.safetensors"
COMMANDS = (
    Command("paint", f"paint {{in}}/a.png -o {{out}}/a.png --save {{out}}/a.safetensors {_PAINT}", ("a.*",)),
    Command(
        "paint-jobs",
        f"paint {{in}}/a.png {{in}}/b.png {{in}}/c.png -o {{out}}/p --save {{out}}/s --jobs 2 {_PAINT}",
        ("p/*.png", "s/*.safetensors"),
    ),
    Command(
        "paint-blocks",
        "paint {in}/a.png -o {out}/a.png --preset paper --grids 2 --strokes 30 --size 48 --quiet "
        "--checkpoint {out}/state",
        ("a.png",),
    ),
    Command(
        "restyle",
        f"paint {{in}}/a.png -o {{out}}/a.png --style-image {{in}}/b.png --style-steps 12 {_VGG} {_PAINT}",
        ("a.png",),
    ),
    Command("strokes-vector", "strokes --count 3000000 --shard-size 100000 --out {out}/d", ("d/*",)),
    Command(
        "strokes-tar",
        "strokes --count 3000 --size 32 --shard-size 200 --format webdataset --workers 1 --out {out}/d",
        ("d/*",),
    ),
    Command(
        "train-renderer",
        "train-renderer --brush tape --network coordinate --size 16 --batch 8 --steps 40 --eval-every 20 "
        "--picture-every 20 --cpu --out {out}/r",
        ("r/*.safetensors",),
    ),
    Command(
        "train-styles",
        "train-styles --content {in}/content --styles {in}/styles --preset small --network light --steps 16 --size 64 "
        f"--batch 2 --style-size 64 {_VGG} --cpu --out {{out}}/n",
        ("n/*.safetensors",),
    ),
)


def make_inputs(folder: Path) -> None:
    """Small smooth pictures, and a few layers of an untrained VGG-19."""
    import torch
    from safetensors.torch import save_file

    generator = np.random.default_rng(0)
    names = ["a", "b", "c", *(f"content/{k}" for k in range(12)), "styles/one", "styles/two"]
    for name in names:
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(generator.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        small.resize((128, 96), Image.Resampling.BICUBIC).save(path)
    state, before = {}, 3
    for index, width in ((0, 64), (2, 64), (5, 128), (7, 128), (10, 256)):
        state[f"features.{index}.weight"] = torch.randn(width, before, 3, 3) * (2 / (9 * before)) ** 0.5
        state[f"features.{index}.bias"] = torch.zeros(width)
        before = width
    save_file(state, folder / "vgg.safetensors")


def digests(command: Command, folder: Path) -> dict[str, str]:
    """SHA-256 of each result."""
    paths = [path for pattern in command.results for path in sorted(folder.glob(pattern)) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def names(folder: Path) -> set[str]:
    """All files, but for TensorBoard's, of which each run has its own."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in files if "tfevents" not in path.name}


def session_members(session: int) -> Iterator[int]:
    """The processes of a session that still run."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = path.read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(after[3]) == session and after[0] != "Z":
            yield int(path.parent.name)


class Disturber:
    def __init__(self, server: ForkServer, work: Path, inputs: Path, chance: random.Random) -> None:
        self.server, self.work, self.inputs, self.chance = server, work, inputs, chance

    def start(self, command: Command, folder: Path, again: bool) -> Child:
        arguments = command.arguments(folder, self.inputs) + (["--resume"] if again else [])
        return self.server.start(_RUN, *arguments, cwd=self.work)

    def undisturbed(self, command: Command) -> tuple[dict[str, str], set[str], float]:
        """What the command leaves, and the seconds that it takes."""
        for attempt in range(2):  # the first is slower: nothing is in the page cache
            folder = self.work / f"{command.name}-whole{attempt}"
            folder.mkdir()
            began = time.monotonic()
            child = self.start(command, folder, False).wait(_PATIENCE)
            seconds = time.monotonic() - began
            if child.poll() != 0:
                raise SystemExit(f"{command.name} fails without being disturbed: {child.err}")
        return digests(command, folder), names(folder), seconds

    def run(self, command: Command, signals: list[str], count: int, tally: Tally) -> None:
        """Adds to the tally until so many signals were sent."""
        whole, left, seconds = self.undisturbed(command)
        if not whole:
            raise SystemExit(f"{command.name} has no results")
        while sum(tally.sent.values()) < count:
            folder = self.work / f"{command.name}-{tally.runs}"
            folder.mkdir()
            self._one(command, folder, signals, seconds, tally)
            tally.runs += 1
            here = f"run {tally.runs}"
            if digests(command, folder) != whole:
                tally.faults.append(f"{here}: other results in {folder}")
            elif extra := names(folder) ^ left:
                tally.faults.append(f"{here}: {', '.join(sorted(extra))}")
            else:
                shutil.rmtree(folder)

    def _one(self, command: Command, folder: Path, signals: list[str], seconds: float, tally: Tally) -> None:
        """Runs a command to its end, disturbed a few times on its way."""
        for turn in range(_ROUND + 1):
            child = self.start(command, folder, turn > 0)
            tally.resumed += turn > 0
            name = self.chance.choice(signals)
            moment = self.chance.uniform(0, seconds) if turn < _ROUND else _PATIENCE
            deadline = time.monotonic() + moment
            while child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            if child.poll() is None:
                self._send(child, name, tally)
            self._wait_for_none(command, child, tally)
            if child.poll() == 0:
                return
            self._check_end(command, child, name, tally)

    def _send(self, child: Child, name: str, tally: Tally) -> None:
        number = getattr(signal, f"SIG{name}")
        child.kill(number)
        tally.sent[name] += 1
        if name != "KILL" and self.chance.random() < 0.2:  # impatient
            time.sleep(0.05)
            if child.poll() is None:
                child.kill(number)
        child.wait(_PATIENCE)

    def _wait_for_none(self, command: Command, child: Child, tally: Tally) -> None:
        deadline = time.monotonic() + _GONE
        while (left := list(session_members(child.pid))) and time.monotonic() < deadline:
            time.sleep(0.02)
        for pid in left:
            tally.faults.append(f"process {pid} left {_GONE:g} s after {command.name} has ended")

    def _check_end(self, command: Command, child: Child, name: str, tally: Tally) -> None:
        usual = {"KILL": (-9,), "INT": (130,), "TERM": (130, 143, -15)}[name]
        if child.poll() not in usual or "Traceback" in child.err:
            words = child.err.split()
            first = words.index("Traceback") if "Traceback" in words else 0
            text = " ".join(words[first:])
            tally.faults.append(f"exit status {child.poll()} after SIG{name}: {text[:1500]} … {text[-300:]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="signals to send to each command")
    parser.add_argument("--signals", nargs="+", choices=["KILL", "INT", "TERM"], default=["KILL"])
    parser.add_argument("--only", nargs="+", choices=[command.name for command in COMMANDS])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    faults = 0
    work = Path(tempfile.mkdtemp(prefix="neuralpaint-kills-"))
    inputs = work / "inputs"
    make_inputs(inputs)
    server = ForkServer(_IMPORTED)
    print("command          signals             runs  resumed  faults", flush=True)
    for command in COMMANDS:
        if given.only and command.name not in given.only:
            continue
        disturber = Disturber(server, work, inputs, random.Random(f"{given.seed} {command.name}"))
        tally, stopped = Tally(), False
        try:
            disturber.run(command, given.signals, given.count, tally)
        except KeyboardInterrupt:
            stopped = True
        sent = " ".join(f"{number} {name}" for name, number in sorted(tally.sent.items()))
        print(f"{command.name:<16} {sent:<18} {tally.runs:>5} {tally.resumed:>8} {len(tally.faults):>7}", flush=True)
        for fault in tally.faults[:5]:
            print(f"    {fault}", flush=True)
        faults += len(tally.faults)
        if stopped:
            break
    server.close()
    if not faults:
        shutil.rmtree(work)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
