"""Standard streams that are closed, full, or lead to a reader that has gone: one line, and an exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import NoReturn

from neuralpaint.utils.errors import FAILED

_REASONS = {errno.ENOSPC: "no space left on the disk", errno.EBADF: "it is closed"}


class _Closed(io.TextIOBase):
    """Takes the place of a closed stdout, for which Python has None."""

    encoding = "utf-8"

    def write(self, text: str) -> NoReturn:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def occupy() -> None:
    """Opens closed standard streams, so that no file of ours gets their numbers."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def of_stdout(error: OSError) -> bool:
    """Whether an error is one of writing to stdout: those of files name them."""
    return type(error) is OSError and error.filename is None and error.errno in _REASONS


def finish(code: int, error: OSError | None = None) -> int:
    """Writes out stdout, of which nothing is left to write at exit. Returns the exit code, 1 if that fails.

    Args:
        code: the exit code so far; if it is not 0, the user has been told why.
        error: what has already gone wrong in writing to stdout.
    """
    try:
        if error is None:
            sys.stdout.flush()
            return code
    except OSError as found:
        error = found
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
    if not code and not isinstance(error, BrokenPipeError):
        reason = _REASONS.get(error.errno or 0, str(error.strerror or error).lower())
        print(f"neuralpaint: cannot write to standard output: {reason}", file=sys.stderr)
    return code or FAILED
