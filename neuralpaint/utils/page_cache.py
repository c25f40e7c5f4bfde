"""Keeps freed memory in the process for reuse by later tensors."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of glibc's mallopt and their usual values.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_USUAL = {_TRIM_THRESHOLD: 128 << 10, _MMAP_MAX: 65536}
_KEEPING = {_TRIM_THRESHOLD: (1 << 31) - 1, _MMAP_MAX: 0}
_lock = threading.Lock()
_users = 0


@contextmanager
def keep_pages() -> Iterator[None]:
    """Context manager in which memory of freed large CPU tensors is reused instead of returned to the system.

    By default, the C library returns large blocks immediately, and the pages of each new tensor must be mapped and
    cleared again. For a network whose layers take tens of MiB each, this is up to a third of the time. Changes
    process-wide settings of glibc while active; does nothing with other C libraries.
    """
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            _set(_KEEPING)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _set(_USUAL)


def _set(values: dict[int, int]) -> None:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not glibc
        return
    for parameter, value in values.items():
        mallopt(parameter, value)
