"""Ctrl-C while a command still imports what it needs. This module itself imports next to nothing."""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130


def begin() -> None:
    """Until `ready`, Ctrl-C ends the process at once, with one line: nothing has been written yet, and an exception
    within an import may take any form."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # it is ignored in a background job
        signal.signal(signal.SIGINT, _stop)


def ready() -> None:
    """From now on, Ctrl-C raises KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is _stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end() -> None:
    """Nothing is left to do: Ctrl-C ends the process, without a word."""
    if signal.getsignal(signal.SIGINT) in (_stop, signal.default_int_handler):
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _stop(number: int, frame: object) -> None:
    try:
        os.write(2, b"neuralpaint: stopped\n")
    finally:
        os._exit(INTERRUPTED)
