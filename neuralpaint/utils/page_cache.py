"""Keeping freed memory for the next tensor of its size."""

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
    """Within it, memory of large CPU tensors that are freed goes to the next ones instead of back to the system.

    The C library returns large blocks at once, and each new tensor's pages are then cleared and mapped anew: for a
    network whose layers take tens of MiB each, that is up to a third of its time. This changes settings of the whole
    process while it lasts, which only glibc has; elsewhere it does nothing.
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
