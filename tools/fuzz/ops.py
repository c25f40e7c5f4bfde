"""Calls the operators with random and hostile arguments, by their Python functions and directly.

    python -m tools.fuzz.ops [--calls 100000] [--seed 0] [--seconds 600]
    python -m tools.fuzz.ops --seed 0 --case 1234      one case again, with what it does

A call must give a result of the right form, finite where its arguments are ordinary, or raise an error meant for
people. Calls run in child processes: one that dies or hangs is reported with its number. Exit status 1 if anything
failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

BATCH = 20_000
PATIENCE = 120.0  # seconds that one call may take
INTERNAL = ("INTERNAL ASSERT", "std::", "bad_alloc", "vector", "Segmentation", "data pointer")


def outcome(case: Any) -> tuple[str, str]:
    """What a case does: a word for the counts, and what is wrong with it, or ""."""
    try:
        results = case.function(**case.arguments)
        found = results if isinstance(results, tuple) else (results,)
        if results is None and case.name == "projected_adam_":  # in place
            found = tuple(case.arguments[name] for name in ("parameters", "values", "points", "mean", "square", "age"))
        leaves = [tensor for tensor in case.tensors() if tensor.is_leaf and tensor.requires_grad]
        outputs = [part for part in found if part.requires_grad]
        if outputs:
            sum(part.double().sum() for part in outputs).backward()
        found = (*found, *(leaf.grad for leaf in leaves if leaf.grad is not None))
    except Exception as error:
        return type(error).__name__, wrong_error(case, error)
    return "result", wrong_result(case, found)


def wrong_error(case: Any, error: Exception) -> str:
    good: tuple[type[Exception], ...] = (ValueError, TypeError, NotImplementedError)
    if case.direct:
        good = (*good, RuntimeError)
    text = str(error)
    if not isinstance(error, good) or any(word in text for word in INTERNAL):
        return f"{type(error).__name__}: {text[:300]}"
    if not case.changes:
        return f"a good call raised {type(error).__name__}: {text[:300]}"
    if not case.direct and ("\n" in text or len(text) > 400) and not isinstance(error, NotImplementedError):
        return f"a message of more than a line: {text[:300]}"
    return ""


def wrong_result(case: Any, found: tuple[Any, ...]) -> str:
    import torch

    tensors = case.tensors()
    if not all(isinstance(part, torch.Tensor) for part in found):
        return f"results that are no tensors: {found!r}"[:300]
    if any(tensor.is_meta for tensor in tensors):
        return ""
    if any(part.device.type != "cpu" for part in found):
        return "results on another device"
    ordinary = all(
        bool(tensor.isfinite().all())
        and (
            name == "strokes" or tensor.numel() == 0 or float(tensor.detach().abs().max()) < 1e4 or name == "potentials"
        )
        for name, tensor in case.arguments.items()
        if isinstance(tensor, torch.Tensor) and tensor.is_floating_point()
    )
    numbers = [value for value in case.arguments.values() if isinstance(value, float)]
    if not ordinary or any(abs(value) > 1e6 for value in numbers) or "potentials" in str(case.changes):
        return ""
    if not all(bool(part.isfinite().all()) for part in found if part.is_floating_point()):
        return "NaN or infinity of finite arguments"
    return ""


def run_cases(seed: int, first: int, count: int, place: Path) -> int:
    """The child: runs cases, notes the number of the one it is at, and prints what it found as JSON."""
    import torch

    from tools.fuzz.cases import Maker

    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    failures = []
    with place.open("wb", buffering=0) as note:
        for number in range(first, first + count):
            os.pwrite(note.fileno(), b"%12d" % number, 0)
            case = Maker(seed, number).make()
            word, wrong = outcome(case)
            counts[f"{'torch.ops' if case.direct else 'ops'} {case.name}: {word}"] += 1
            if wrong:
                failures.append((number, f"{wrong} | {case}"))
    print(json.dumps({"counts": counts, "failures": failures}))
    return 0


def run_batch(seed: int, first: int, count: int) -> tuple[Counter[str], list[tuple[int, str]], int]:
    """Counts, failures and the number of calls made; fewer than asked for where the child died."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "case"
        command = [sys.executable, "-m", "tools.fuzz.ops", "--seed", str(seed), "--child", f"{first}:{count}:{place}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            try:
                output, errors = child.communicate(timeout=PATIENCE + count * 0.05)
                reason = f"ended with status {child.returncode}: {errors[-1500:]}"
            except subprocess.TimeoutExpired:
                child.kill()
                output, reason = "", f"took more than {PATIENCE + count * 0.05:.0f} s"
        if child.returncode == 0 and output:
            found = json.loads(output.splitlines()[-1])
            return Counter(found["counts"]), [tuple(pair) for pair in found["failures"]], count
        at = int(place.read_bytes()) if place.exists() and place.stat().st_size else first
        return Counter({"died": 1}), [(at, f"the process {reason}")], at - first + 1


def fuzz(seed: int, calls: int, seconds: float) -> tuple[Counter[str], list[tuple[int, str]]]:
    counts: Counter[str] = Counter()
    failures: list[tuple[int, str]] = []
    number, end = 0, time.monotonic() + seconds
    while number < calls and time.monotonic() < end:
        part, wrong, made = run_batch(seed, number, min(BATCH, calls - number))
        counts += part
        failures += wrong
        number += made
    return counts, failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--case", type=int, help="run this one alone, and say what it does")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        first, count, place = options.child.split(":", 2)
        return run_cases(options.seed, int(first), int(count), Path(place))
    if options.case is not None:
        from tools.fuzz.cases import Maker

        case = Maker(options.seed, options.case).make()
        print(case, flush=True)
        word, wrong = outcome(case)
        print(word, wrong)
        return int(bool(wrong))
    counts, failures = fuzz(options.seed, options.calls, options.seconds)
    for what, count in sorted(counts.items()):
        print(f"{count:8}  {what}")
    for number, wrong in failures:
        print(f"case {number}: {wrong}\n  again: python -m tools.fuzz.ops --seed {options.seed} --case {number}")
    print(f"{sum(counts.values())} calls, {len(failures)} failures (seed {options.seed})")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
