"""The training loop shared by all trainers: steps, progress, evaluation, and exactly resumable checkpoints."""

from __future__ import annotations

import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from neuralpaint.training.checkpoints import check_finite, read_checkpoint, resuming, write_checkpoint
from neuralpaint.utils import schema
from neuralpaint.utils.files import atomic_write
from neuralpaint.utils.interrupts import Interrupts, deferred
from neuralpaint.utils.loading import parse_json
from neuralpaint.utils.locks import folder_lock

if TYPE_CHECKING:
    from accelerate import Accelerator

CHECKPOINT_SECONDS = 60.0
_REPORT_SECONDS = 0.5
_PROGRESS = schema.fields({"step": schema.whole(0, 2**63), "seconds": schema.number(0, 1e12)})
_CURVE = schema.listed(schema.items, 0, 10**9)
_FINITE = 50  # steps between checks that the loss is finite, each of which synchronizes with the device


class LoopSettings(Protocol):
    """The settings that the loop needs."""

    @property
    def steps(self) -> int: ...
    @property
    def eval_every(self) -> int: ...
    @property
    def picture_every(self) -> int: ...
    @property
    def ema(self) -> float: ...
    def identity(self) -> dict[str, Any]: ...


Settings = TypeVar("Settings", bound=LoopSettings)
Network = TypeVar("Network", bound=nn.Module)
Progress = TypeVar("Progress")


class TrainingLoop(ABC, Generic[Settings, Network, Progress]):
    """A training run on Accelerate. Writes `checkpoint.pt`, `curve.json`, sample images and TensorBoard logs to
    `training/` in its folder.

    Attributes:
        working: the folder `training/`.
        average: the network with exponentially averaged weights, which is the result.
        optimizer: the optimizer; saved in checkpoints.
        step, seconds: progress so far.
        curve: one point per evaluation.
    """

    average: Network
    optimizer: Any

    def __init__(self, settings: Settings, folder: str | os.PathLike, accelerator: Accelerator | None) -> None:
        from accelerate import Accelerator

        self.settings = settings
        self.accelerator = accelerator or Accelerator()
        self.working = Path(folder) / "training"
        self.step, self.seconds = 0, 0.0
        self.curve: list[dict[str, Any]] = []

    @property
    def checkpoint(self) -> Path:
        return self.working / "checkpoint.pt"

    @property
    @abstractmethod
    def network(self) -> Network:
        """The network being trained; the result is `average`."""

    def run(self, callback: Callable[[Progress], None] | None = None) -> Network:
        """Trains to the last step and returns the averaged network.

        Ctrl-C and SIGTERM wait for the end of the step; then a checkpoint is written and KeyboardInterrupt raised. A
        second Ctrl-C raises it at once and writes none.

        Raises:
            RuntimeError: the loss is not finite.
            ValueError: another run is writing to the folder.
        """
        main = self.accelerator.is_main_process
        with folder_lock(self.working) if main else nullcontext(), self._writer() if main else nullcontext() as writer:
            self._prepare()
            with deferred() as interrupts:
                self._train(callback, writer, interrupts)
        self.accelerator.wait_for_everyone()
        return self.average

    def _train(self, callback: Callable[[Progress], None] | None, writer: Any, interrupts: Interrupts) -> None:
        main = self.accelerator.is_main_process
        started, before, earlier = time.perf_counter(), self.step, self.seconds
        saved = reported = started
        between = True  # nothing is half done, so the state may be saved
        try:
            while self.step < self.settings.steps:
                between = False
                loss = self._step()
                self._check(loss)
                now = time.perf_counter()
                self.seconds = earlier + now - started
                last = self.step == self.settings.steps
                if main and (self._due(self.settings.eval_every) or last):
                    self._evaluate(loss, writer)
                if main and (self._due(self.settings.picture_every) or last):
                    self._picture()
                between = True
                if callback is not None and (now - reported >= _REPORT_SECONDS or last):
                    reported = now
                    rate = (now - started) / (self.step - before)
                    callback(self._progress(loss, rate * (self.settings.steps - self.step)))
                if main and (now - saved >= CHECKPOINT_SECONDS or last):
                    self._save()
                    saved = time.perf_counter()
                interrupts.check()
        except KeyboardInterrupt:
            if main and between and not interrupts.twice:
                self._save()
            raise

    # ---- for subclasses ----------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Called before the first step of a run."""

    @abstractmethod
    def _step(self) -> Tensor:
        """Takes one gradient step, increments `step` and returns the loss."""

    @abstractmethod
    def _evaluate(self, loss: Tensor, writer: Any) -> None:
        """Adds a point to the curve and to TensorBoard."""

    @abstractmethod
    def _picture(self) -> None:
        """Writes a sample image of the current network."""

    @abstractmethod
    def _progress(self, loss: Tensor, remaining: float) -> Progress:
        """The progress for the callback; `remaining` in seconds."""

    @abstractmethod
    def _identity(self) -> dict[str, Any]:
        """Settings that a checkpoint must match."""

    def _more_state(self) -> dict[str, Any]:
        """Additional state for checkpoints."""
        return {}

    def _take_state(self, state: Mapping[str, Any]) -> None:
        """Restores `_more_state`."""

    # ---- shared ------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _follow(self) -> None:
        """Updates the exponential average of the weights."""
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        mine, theirs = self.average.state_dict(), self.network.state_dict()
        moving = [name for name, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine[n] for n in moving], [theirs[n] for n in moving], 1 - decay)
        for name in mine.keys() - set(moving):
            mine[name].copy_(theirs[name])

    def _due(self, every: int) -> bool:
        return every > 0 and self.step % every == 0

    def _check(self, loss: Tensor) -> None:
        if not self.step % _FINITE and not bool(torch.isfinite(loss)):
            raise RuntimeError(f"the loss is {float(loss)} at step {self.step}: try a smaller --learning-rate")

    def _writer(self) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.working), purge_step=self.step or None)

    def _save_curve(self, **more: Any) -> None:
        with atomic_write(self.working / "curve.json") as file:
            content = {"settings": self.settings.identity(), **more, "curve": self.curve}
            file.write(json.dumps(content, indent=1).encode())

    def _save(self) -> None:
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "curve": json.dumps(self.curve),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        write_checkpoint(self.checkpoint, self._identity(), state | self._more_state())

    def _load(self) -> None:
        """Resumes from the checkpoint. ValueError if it is damaged or belongs to another run."""
        own = ("step", "seconds", "curve", "network", "average", "optimizer")
        names = (*own, *self._more_state())
        state = read_checkpoint(self.checkpoint, self._identity(), self.accelerator.device, names)
        with resuming(self.checkpoint):
            _PROGRESS({name: state[name] for name in ("step", "seconds")}, "")
            if state["step"] > self.settings.steps:
                raise ValueError(f"step is {state['step']:,} of {self.settings.steps:,}")
            for name in ("network", "average", "optimizer"):
                check_finite(state[name], name)
            self.curve = parse_json(state["curve"])
            _CURVE(self.curve, "curve")
            self.step, self.seconds = state["step"], float(state["seconds"])
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self._take_state(state)
