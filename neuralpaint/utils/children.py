"""What processes that we start do first: they leave Ctrl-C to their parent, and end when it ends, however it does."""

from __future__ import annotations

import ctypes
import functools
import multiprocessing as mp
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

from neuralpaint.utils.interrupts import deferred

_SECONDS = 0.5  # between looks at the parent
_PR_SET_PDEATHSIG = 1
_WAITING = {signal.SIGINT, signal.SIGTERM}


def in_main_thread() -> bool:
    """Asked in the parent, for `follow_parent`."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def starting() -> Iterator[None]:
    """While a process is started: signals wait, in the parent until it has told the child all, in the child until
    `follow_parent`. Between, either would end with a traceback."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    with deferred():  # blocked in this thread alone, a signal would come through another
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITING)  # which the child inherits
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def follow_parent(signalled: bool) -> None:
    """Called first in a child process: from now on it ignores Ctrl-C, and ends a second after its parent at the latest.

    Args:
        signalled: let Linux kill it at once, even in a call that never returns. Only for children of a main thread: the
            system takes the end of the thread that started a process for the end of its parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITING)
    parent = os.getppid()
    if signalled and sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        except (OSError, AttributeError):
            pass  # the watch below does
    threading.Thread(target=_watch, args=(parent,), name="follow parent", daemon=True).start()


def for_loader() -> Callable[[int], None]:
    """`worker_init_fn` of a DataLoader whose workers follow their parent."""
    return functools.partial(_begin, in_main_thread())


def _begin(signalled: bool, worker: int) -> None:
    follow_parent(signalled)


def _watch(parent: int) -> None:
    # Forked processes may hold the other end of the pipe themselves, so the parent's number is looked at too.
    started = mp.parent_process()
    pipes = [] if started is None else [started.sentinel]
    while os.getppid() == parent and not wait(pipes, _SECONDS):
        pass
    os._exit(1)
