"""Engines for tests: a working one, and one for each way to fail."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from neuralpaint.engines import BEZIER, BOX, ONE_COLOR, EngineSpec

SPEC = EngineSpec("fake-box", (*BOX, "wetness", *ONE_COLOR, "a"), "box", held={"a": 1.0}, ranges={"w": (0.2, 0.8)})


def box(params, size):
    """A flat, hard rectangle; `wetness` fades it."""
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    xc, yc, w, h, theta, wetness = (params[:, k, None, None] for k in range(6))
    dx, dy = place[None, None, :] - xc, place[None, :, None] - yc
    cos, sin = np.cos(np.pi * theta), np.sin(np.pi * theta)
    inside = (np.abs(dx * cos - dy * sin) <= w / 2) & (np.abs(dx * sin + dy * cos) <= h / 2)
    alpha = (inside * (1 - wetness / 2))[:, None].astype(np.float32)
    return np.where(alpha > 0, params[:, 6:9, None, None], 0).astype(np.float32), alpha


good = SPEC(lambda params, size: box(params, size))


@SPEC
def counted(params, size):
    """Appends a byte to a file for each stroke drawn."""
    with open(os.environ["FAKE_ENGINE_COUNT"], "ab") as file:
        file.write(b"x" * len(params))
    return box(params, size)


def _when(params, limit=0.9):
    """Whether the failing engines fail for these strokes."""
    return (params[:, 0] > limit).any()


@SPEC
def raises(params, size):
    if _when(params):
        raise RuntimeError("out\nof ink")
    return box(params, size)


@SPEC
def shape(params, size):
    foreground, alpha = box(params, size)
    return foreground.transpose(0, 2, 3, 1), alpha


@SPEC
def nan(params, size):
    foreground, alpha = box(params, size)
    return foreground, np.where(_when(params), np.nan, alpha).astype(np.float32)


@SPEC
def outside(params, size):
    foreground, alpha = box(params, size)
    return foreground * (255 if _when(params) else 1), alpha


@SPEC
def bytes_(params, size):
    foreground, alpha = box(params, size)
    return (foreground * 255).astype(np.uint8), alpha


@SPEC
def nothing(params, size):
    return None


@SPEC
def hangs(params, size):
    """Records the process in which it runs."""
    if _when(params):
        Path(os.environ["FAKE_ENGINE_COUNT"]).write_text(f"{os.getpid()}\n")
        time.sleep(600)
    return box(params, size)


@SPEC
def hangs_once(params, size):
    """Hangs in the first process that calls it."""
    mark = Path(os.environ["FAKE_ENGINE_COUNT"])
    if not mark.exists():
        mark.touch()
        time.sleep(600)
    return box(params, size)


@SPEC
def crashes(params, size):
    if _when(params):
        os.kill(os.getpid(), 11)
    return box(params, size)


def no_spec(params, size):
    return box(params, size)


def bad_spec(params, size):
    return box(params, size)


bad_spec.spec = {"name": "bad", "parameters": ["x", "y"], "geometry": "box"}


@EngineSpec("fake-unknown", ("seed", "mood", *ONE_COLOR, "a"))
def unknown(params, size):
    alpha = np.broadcast_to(params[:, 1, None, None, None], (len(params), 1, size, size)).astype(np.float32)
    return np.broadcast_to(params[:, 2:5, None, None], (len(params), 3, size, size)).astype(np.float32), alpha


@EngineSpec("fake-curve", (*BEZIER, *ONE_COLOR, "a"), "bezier")
def curve(params, size):
    """Discs along the chord."""
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    alpha = np.zeros((len(params), size, size), np.float32)
    for t in np.linspace(0, 1, 17):
        x, y = (params[:, k] + t * (params[:, k + 4] - params[:, k]) for k in (0, 1))
        radius = (params[:, 6] + t * (params[:, 7] - params[:, 6])) / 4
        square = (place[None, None] - x[:, None, None]) ** 2 + (place[None, :, None] - y[:, None, None]) ** 2
        alpha = np.maximum(alpha, square < radius[:, None, None] ** 2)
    alpha = alpha[:, None]
    return np.where(alpha > 0, params[:, 8:11, None, None], 0).astype(np.float32), alpha * params[
        :, 11, None, None, None
    ]


# Engines that must be called in a process of their own.


@SPEC
def exits(params, size):
    os._exit(0)


@SPEC
def interrupts(params, size):
    raise KeyboardInterrupt


class Nameless(BaseException):
    def __str__(self):
        raise Nameless


@SPEC
def nameless(params, size):
    raise Nameless


@SPEC
def talks(params, size):
    raise RuntimeError("word " * 2_000_000)


@SPEC
def masked(params, size):
    foreground, alpha = box(params, size)
    return foreground, np.ma.masked_array(alpha, alpha > 0.5)


@SPEC
def objects(params, size):
    foreground, alpha = box(params, size)
    return foreground.astype(object), alpha


@SPEC
def infinite(params, size):
    foreground, alpha = box(params, size)
    return foreground, alpha + np.float32(np.inf)


@SPEC
def signals(params, size):
    """Ends all of its group."""
    os.kill(0, 15)
    time.sleep(600)


@SPEC
def leaves(params, size):
    """Leaves a process behind that holds all files open, and ends."""
    child = os.fork()
    if not child:
        time.sleep(600)
    Path(os.environ["FAKE_ENGINE_COUNT"]).write_text(f"{child}\n")
    os._exit(3)


@SPEC
def careless(params, size):
    """Draws, but leaves its process in disorder."""
    print("x" * 5_000_000)
    os.closerange(0, 3)
    os.chdir("/")
    for number in (2, 15):
        signal.signal(number, signal.SIG_IGN)
    return box(params, size)


def scalars(params, size):
    return box(params, size)


scalars.spec = {
    "name": np.str_("fake-scalars"),
    "parameters": np.array([*BOX, *ONE_COLOR, "a"]),
    "geometry": "box",
    "held": {"a": np.float32(1)},
    "ranges": {np.str_("w"): np.array([0, 1])},
}


def huge(params, size):
    return box(params, size)


huge.spec = {"name": "huge", "parameters": [f"p{k}" for k in range(1_000_000)]}
