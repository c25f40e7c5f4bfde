"""Runs a search to completion, with progress reports, checkpoints and the torch modes it needs."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

from neuralpaint.search.base import Search
from neuralpaint.search.checkpoint import Checkpoint
from neuralpaint.utils.interrupts import deferred
from neuralpaint.utils.locks import folder_lock
from neuralpaint.utils.profiling import span

_REPORT_SECONDS = 0.1
_CHECKPOINT_SECONDS = 2.0
_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True)
class Progress:
    """Progress of a running search.

    Attributes:
        stage: description of the current stage.
        step, steps: gradient steps done, and in total.
        strokes: number of strokes so far.
        psnr: in dB, at the current working resolution.
        seconds: elapsed in this run.
        remaining: estimated seconds left.
        found: `[N, P]`, the strokes so far, in the brush's order; not to be changed.
    """

    stage: str
    step: int
    steps: int
    strokes: int
    psnr: float
    seconds: float
    remaining: float
    found: Tensor | None = field(default=None, repr=False, compare=False)

    @property
    def loss(self) -> float:
        """The mean squared error that `psnr` stands for."""
        return 10 ** (-self.psnr / 10)


class SearchPaused(Exception):
    """Raised by a callback to end a search whose checkpoint goes on from this very step."""


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr or in a notebook; yields the callback that updates it."""
    from tqdm.auto import tqdm

    with tqdm(unit="step", leave=False) as bar:

        def callback(p: Progress) -> None:
            bar.total = p.steps
            bar.set_description(p.stage, refresh=False)
            bar.set_postfix_str(f"{p.strokes} strokes, {p.psnr:.1f} dB", refresh=False)
            bar.update(p.step - bar.n)

        yield callback


def own_modes(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorator: runs a function with gradients enabled and autocast disabled, whatever the caller has set.

    These modes belong to the thread. Defaults that belong to the process, of dtype and device, are neither read nor
    set: all tensors here are made with both.
    """

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        cpu, cuda = (torch.autocast(device, enabled=False) for device in ("cpu", "cuda"))
        with torch.inference_mode(False), torch.enable_grad(), cpu, cuda:
            return function(*args, **kwargs)

    return run


def run_search(
    search: Search, checkpoint: Checkpoint | None, listeners: Sequence[Callable[[Progress], None]], resume: bool = False
) -> None:
    """Steps a search until it is finished; periodically calls the listeners and writes a checkpoint, whose folder is
    locked meanwhile."""
    with nullcontext() if checkpoint is None else folder_lock(checkpoint.path.parent):
        _run(search, checkpoint, listeners, resume)


def _run(
    search: Search, checkpoint: Checkpoint | None, listeners: Sequence[Callable[[Progress], None]], resume: bool
) -> None:
    if resume and checkpoint is not None and checkpoint.exists():
        state = checkpoint.read()
        with checkpoint.reading():
            search.load_state_dict(state)
    start = reported = saved = time.perf_counter()
    before = search.work()[0]
    if checkpoint is not None:
        _save(search, checkpoint)
    while not search.finished:
        with span("search step"):
            search.step()
        now = time.perf_counter()
        if listeners and (now - reported >= _REPORT_SECONDS or search.finished):
            reported = now
            with span("report"):
                event = _event(search, now - start, before)
                try:
                    for listener in listeners:
                        listener(event)
                except SearchPaused:
                    if checkpoint is not None:
                        _save(search, checkpoint)
                    raise
        if checkpoint is not None and (now - saved >= _CHECKPOINT_SECONDS or search.finished):
            saved = now
            with span("checkpoint"):
                _save(search, checkpoint)


def _save(search: Search, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint; an interrupt waits for it. One during a step, which may be long, does not wait, and nothing
    is saved after it."""
    with deferred():
        checkpoint.write(search.state_dict())


def _event(search: Search, seconds: float, before: float) -> Progress:
    error = float(search.mean_square)
    psnr = -10 * math.log10(error) if error > 0 else math.inf
    done, total = search.work()
    remaining = seconds * (total - done) / max(1e-9, done - before)
    strokes = search.strokes
    return Progress(search.stage, search.steps_done, search.step_count, len(strokes), psnr, seconds, remaining, strokes)
