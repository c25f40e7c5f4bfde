"""Builds the kernels with AddressSanitizer and UndefinedBehaviorSanitizer and runs tests with them, level by level.

    python -m tools.sanitize [--level x86-64-v3]... [--workers 2] [--calls 5000]

For each level: the C++ unit tests (the emulated CUDA kernels too, once), tests/ops, and the fuzz of the ops. A process
ends at its first fault, with a report. Exit status 1 if anything failed. The build is in build/sanitize.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from neuralpaint import _C
from tools.each_level import X86

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/sanitize"
LEAVE_OUT = ("--ignore=tests/ops/test_first_use.py", "-k", "not opcheck and not compile")  # which trace, slowly
# Python itself leaks by design, and its allocator would hide faults of small blocks.
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:abort_on_error=1:detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "PYTHONMALLOC": "malloc",
    "OMP_NUM_THREADS": "2",
}


def run(*command: str | Path, **environment: str) -> bool:
    print("---", *map(str, command), flush=True)
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=os.environ | environment).returncode == 0


def runtimes() -> str:
    """The sanitizers' libraries, which must be loaded before Python's own: it was built without them."""
    compiler = os.environ.get("CXX") or "c++"
    names = ("libasan.so", "libubsan.so", "libstdc++.so")
    found = [
        subprocess.run(
            [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in names
    ]
    if not all(Path(path).is_absolute() for path in found):
        sys.exit(f"sanitize: {compiler} has no {', '.join(names)}: use GCC and install its sanitizers, or set CXX")
    return ":".join(found)


def build(level: str, workers: int) -> bool:
    torch = importlib.util.find_spec("torch")
    assert torch is not None and torch.submodule_search_locations
    folder = BUILD / level
    options = {
        "NEURALPAINT_SANITIZE": "ON",
        "NEURALPAINT_LEVELS": level,
        "NEURALPAINT_TORCH": torch.submodule_search_locations[0],
    }
    defines = [f"-D{name}={value}" for name, value in options.items()]
    return run("cmake", "-G", "Ninja", "-S", ROOT, "-B", folder, *defines) and run(
        "cmake", "--build", folder, "--parallel", str(workers)
    )


def check(level: str, workers: int, calls: int) -> list[str]:
    """What failed at a level."""
    if not build(level, workers):
        return [f"{level}: build"]
    ctest = ("ctest", "--test-dir", BUILD / level, "--output-on-failure", "--parallel", str(workers))
    environment = OPTIONS | {
        "LD_PRELOAD": runtimes(),
        "NEURALPAINT_LIB": str(BUILD / level / "lib"),
        "ATEN_CPU_CAPABILITY": X86[level][0] if level in X86 else "",
        "PYTHONPATH": str(ROOT),
    }
    failed = [] if run(*ctest, **OPTIONS) else [f"{level}: unit tests"]
    # --capture=sys: a report is written to the descriptor, and would go with the process.
    pytest = (sys.executable, "-m", "pytest", "--capture=sys", "-q", "-x", "-p", "no:cacheprovider")
    if not run(*pytest, "tests/ops", *LEAVE_OUT, **environment):
        failed.append(f"{level}: tests/ops")
    if not run(sys.executable, "-m", "tools.fuzz.ops", "--calls", str(calls), **environment):
        failed.append(f"{level}: fuzz")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--level", action="append", choices=_C.levels, help="default: all that this processor has")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--calls", type=int, default=5000, help="calls of the fuzz, at each level")
    options = parser.parse_args()
    failed: list[str] = []
    for level in options.level or [level for level in _C.levels if not _C.missing(level)]:
        failed += check(level, options.workers, options.calls)
    for what in failed:
        print(f"failed: {what}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
