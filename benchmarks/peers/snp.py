"""SNP in a subprocess: starting it, asking it, giving up on it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.timing import Timer

RENDERERS = {"oil": "oilpaintbrush", "watercolor": "watercolor", "marker": "markerpen", "tape": "rectangle"}
"""Our brushes' names: SNP's."""

_FILES = ("renderer.py", "networks.py", "loss.py", "pytorch_batch_sinkhorn.py", "demo_prog.py", "brushes")
_WORKER = Path(__file__).with_name("snp_worker.py")


class SNPError(RuntimeError):
    """SNP failed, or took longer than it may."""


def check_checkout(folder: Path) -> Path:
    """The folder's absolute path. Raises ValueError, one clear line, if it is no checkout of SNP."""
    if not folder.is_dir():
        raise ValueError(f"--snp: there is no folder {folder}")
    missing = [name for name in _FILES if not (folder / name).exists()]
    if missing:
        raise ValueError(
            f"--snp: {folder} is not a checkout of github.com/jiupinjia/stylized-neural-painting: no {missing[0]} in it"
        )
    return folder.resolve()


class SNP:
    """A subprocess that does SNP's part of the work, on `threads` cores. Use as a context manager."""

    def __init__(self, folder: Path, threads: int, device: str = "cpu", timeout: float = 120) -> None:
        self.folder, self.threads, self.device, self.timeout = folder, threads, device, timeout
        self.versions: dict[str, Any] = {}
        self._process: subprocess.Popen | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="peers-")
        self.scratch = Path(self._scratch.name)

    def __enter__(self) -> SNP:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._scratch.cleanup()

    def timer(self, case: str, **arguments: Any) -> Timer:
        """A timer of a case of `snp_worker.CASES`; it is set up at the first call."""
        prepared: list[subprocess.Popen | None] = [None]

        def run(calls: int) -> float:
            if prepared[0] is None or prepared[0] is not self._process:
                self.prepare(case, **arguments)
                prepared[0] = self._process
            return self._ask({"time": calls})["seconds"]

        return run

    def prepare(self, case: str, **arguments: Any) -> None:
        if self._process is None:
            self._start()
        self._ask({"prepare": case, **arguments})

    def run(self, script: str, arguments: Sequence[str], timeout: float) -> Iterator[tuple[float, str]]:
        """Runs one of SNP's scripts; yields (time, line) as it prints. Ends it when the caller stops listening."""
        process = self._popen([script, *arguments], stdin=subprocess.DEVNULL)
        end = time.monotonic() + timeout
        try:
            for line in _lines(process, lambda: end - time.monotonic()):
                yield time.perf_counter(), line
            if process.wait():
                raise SNPError(f"{script} ended with exit code {process.returncode}: {self._complaint()}")
        finally:
            process.kill()
            process.wait()

    def _start(self) -> None:
        self._process = self._popen([], stdin=subprocess.PIPE)
        self.versions = self._read()

    def _popen(self, script: Sequence[str], stdin: int) -> subprocess.Popen:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(self.threads),
            "MPLBACKEND": "Agg",
            "PYTHONDONTWRITEBYTECODE": "1",  # leaves the checkout as it is
            "PYTHONUNBUFFERED": "1",
        }
        if self.device == "cpu":
            environment["CUDA_VISIBLE_DEVICES"] = ""
        with open(self.scratch / "stderr", "wb") as stderr:
            return subprocess.Popen(
                [sys.executable, str(_WORKER), str(self.folder), str(self.threads), *script],
                cwd=self.folder,
                env=environment,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None or self._process.stdin is None:
            raise SNPError("SNP is not running")
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._stop()
            raise SNPError(f"SNP's process ended: {self._complaint()}") from None
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process is not None
        end = time.monotonic() + self.timeout
        try:
            line = next(_lines(self._process, lambda: end - time.monotonic()), None)
        except SNPError:
            self._stop()
            raise
        if line is None:
            self._stop()
            raise SNPError(f"SNP's process ended: {self._complaint()}")
        reply = json.loads(line)
        if "error" in reply:
            raise SNPError(reply["error"])
        return reply

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _complaint(self) -> str:
        """The last line that it wrote to stderr."""
        lines = (self.scratch / "stderr").read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "no message"


def _lines(process: subprocess.Popen, seconds_left: Callable[[], float]) -> Iterator[str]:
    """Lines that a process prints, read from the descriptor itself: select knows nothing of Python's buffers."""
    assert process.stdout is not None
    descriptor, pending = process.stdout.fileno(), b""
    while True:
        left = seconds_left()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise SNPError("SNP took longer than it may (--timeout, --painting-timeout)")
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return
        pending += chunk
        *whole, pending = pending.split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
