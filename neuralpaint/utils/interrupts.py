"""Interrupts that wait for the end of a step: what is saved then is never in the middle of a change."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Interrupts:
    """What arrived since `deferred` began.

    Attributes:
        twice: whether a signal has come a second time, which interrupts at once; save nothing then.
    """

    def __init__(self) -> None:
        self.twice = False
        self._process = os.getpid()
        self._before: dict[int, Any] = {}
        self._seen: set[int] = set()
        self._waiting: tuple[int, FrameType | None] | None = None

    def check(self) -> None:
        """Hands on a signal that has come: raises KeyboardInterrupt, or does what its handler does."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._hand_on(*waiting)

    def take(self, number: int) -> None:
        """Defers a signal, unless it is ignored, or handled by what is not Python."""
        before = signal.getsignal(number)
        ends = before == signal.SIG_DFL and number in (signal.SIGINT, signal.SIGTERM)
        if ends or callable(before):
            self._before[number] = before
            signal.signal(number, self._note)

    def release(self) -> None:
        """Gives all signals back to their handlers."""
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a forked child, such as a data loader's: the parent sees to Ctrl-C
            if number != signal.SIGINT:
                os._exit(128 + number)
        elif number in self._seen:
            self.twice, self._waiting = True, None
            self._hand_on(number, frame)
        else:  # another kind of signal, as launchers add to Ctrl-C, is no second one
            self._seen.add(number)
            self._waiting = self._waiting or (number, frame)

    def _hand_on(self, number: int, frame: FrameType | None) -> None:
        handler = self._before[number]
        if not callable(handler):
            raise KeyboardInterrupt
        handler(number, frame)
        self._seen.clear()  # the host goes on
        self.twice = False


@contextmanager
def deferred() -> Iterator[Interrupts]:
    """Makes Ctrl-C, SIGTERM and SIGHUP wait until `check` is called or the block ends; a second one interrupts at once.

    Does nothing in threads other than the main one, where no signal arrives.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    try:
        for name in _NAMES:
            if hasattr(signal, name):
                interrupts.take(getattr(signal, name))
        yield interrupts
    finally:
        interrupts.release()
        interrupts.check()
