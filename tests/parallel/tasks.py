"""Tasks for the workers in tests."""

import atexit
import os
import time
from pathlib import Path

import torch

from neuralpaint.utils.files import atomic_write


def double(value):
    return 2 * value


def process():
    time.sleep(0.05)
    return os.getpid()


def slow_to_end():
    atexit.register(time.sleep, 0.8)
    return os.getpid()


def threads():
    return torch.get_num_threads()


def fail(value):
    raise ValueError(f"no {value}")


def die_once(folder, number):
    """Kills its process the first time."""
    mark = Path(folder) / str(number)
    if not mark.exists():
        mark.touch()
        os._exit(9)
    return number


def die(number):
    if number == 2:
        os._exit(9)
    return number


def write_slowly(path, seconds):
    with atomic_write(path) as file:
        file.write(b"half")
        file.flush()
        time.sleep(seconds)
