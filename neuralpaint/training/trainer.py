"""The training loop: on Accelerate, with checkpoints from which it goes on to the same losses."""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from neuralpaint.files import atomic_write, make_folder
from neuralpaint.renderers.network import NetworkRenderer, brush_fingerprint, build_network
from neuralpaint.training.checkpoints import read_checkpoint, write_checkpoint
from neuralpaint.training.metrics import quality
from neuralpaint.training.pictures import save_grid
from neuralpaint.training.schedule import TrainingSettings
from neuralpaint.training.source import Batch, StrokeSource, generator_of

if TYPE_CHECKING:
    from accelerate import Accelerator

_CHECKPOINT_SECONDS = 60.0
_REPORT_SECONDS = 0.5
VALIDATION, _PICTURES = 256, 12  # strokes
_LOSS_KEY = 0x105E5


@dataclass(frozen=True)
class TrainingProgress:
    """A report of a running training: steps done of all, last loss, last PSNR (dB), seconds spent and left."""

    step: int
    steps: int
    loss: float
    psnr: float
    seconds: float
    remaining: float


class _Objective(nn.Module):
    """The network and its loss as one module, so that what wraps it (DDP, autocast) sees one forward pass."""

    def __init__(self, network: NetworkRenderer) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch, generator: torch.Generator, skip: int) -> Tensor:
        return self.network.loss(*batch, generator, skip)


class Trainer:
    """Trains a network to imitate a source of strokes.

    The folder gets the trained network at the end, and `training/` while it runs: `checkpoint.pt`, `curve.json`,
    picture grids, TensorBoard events.

    Args:
        settings: what to train and how long.
        source: draws the strokes; its brush and size must be those of the settings.
        folder: for everything it writes.
        accelerator: devices, processes and precision; by default those of the environment.
        network: the network to train, by default a new one of the settings.
        resume: go on from the folder's checkpoint, if there is one.

    Raises:
        ValueError: the settings cannot be, or the checkpoint is damaged or belongs to other settings.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        source: StrokeSource,
        folder: str | os.PathLike,
        *,
        accelerator: Accelerator | None = None,
        network: NetworkRenderer | None = None,
        resume: bool = False,
    ) -> None:
        from accelerate import Accelerator

        self.settings, self.source = settings, source
        self.accelerator = accelerator or Accelerator()
        self.folder = Path(folder)
        self.working = self.folder / "training"
        if settings.batch % self.accelerator.num_processes or settings.batch < 2 * self.accelerator.num_processes:
            raise ValueError(
                f"batch must be a multiple of the {self.accelerator.num_processes} processes and at least two for each,"
                f" got {settings.batch}"
            )
        torch.manual_seed(settings.seed)
        network = network or build_network(settings.network, source.brush, settings.size)
        if network.size != source.size or network.brush != source.brush:
            raise ValueError("source must draw the network's brush at the network's size")
        self.average = copy.deepcopy(network).to(self.accelerator.device).requires_grad_(False).eval()
        optimizer = torch.optim.Adam(network.parameter_groups(settings.rate), fused=True)
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self.objective, self.optimizer = self.accelerator.prepare(_Objective(network), optimizer)
        self.step, self.seconds, self.source_seconds = 0, 0.0, 0.0
        self.curve: list[dict[str, float]] = []
        self.losses: list[float] = []  # of the steps of this run
        if resume and self.checkpoint.exists():
            self._load()

    @property
    def checkpoint(self) -> Path:
        return self.working / "checkpoint.pt"

    @property
    def network(self) -> NetworkRenderer:
        """The network that is being trained; `average` is the one to use."""
        return self.accelerator.unwrap_model(self.objective).network

    def run(self, callback: Callable[[TrainingProgress], None] | None = None) -> NetworkRenderer:
        """Trains to the last step and returns the averaged network. Stopped in between, it leaves a checkpoint."""
        main = self.accelerator.is_main_process
        writer = None
        if main:
            make_folder(self.working)
            writer = self._writer()
        validation = self.source.validation(VALIDATION)
        started, before = time.perf_counter(), self.step
        kept = reported = started
        earlier = self.seconds
        try:
            while self.step < self.settings.steps:
                loss = self._step()
                now = time.perf_counter()
                self.seconds = earlier + now - started
                last = self.step == self.settings.steps
                if main and (self._due(self.settings.eval_every) or last):
                    self._evaluate(validation, loss, writer)
                if main and self._due(self.settings.picture_every):
                    self._picture(validation)
                if callback is not None and (now - reported >= _REPORT_SECONDS or last):
                    reported = now
                    rate = (now - started) / (self.step - before)
                    psnr = self.curve[-1]["psnr"] if self.curve else float("nan")
                    left = rate * (self.settings.steps - self.step)
                    callback(TrainingProgress(self.step, self.settings.steps, float(loss), psnr, self.seconds, left))
                if main and (now - kept >= _CHECKPOINT_SECONDS or last):
                    self._keep()
                    kept = time.perf_counter()
        except KeyboardInterrupt:
            if main:
                self._keep()
            raise
        finally:
            if writer is not None:
                writer.close()
        self.accelerator.wait_for_everyone()
        return self.average

    def _step(self) -> Tensor:
        """One gradient step; returns the mean loss over all processes.

        Every process takes its share of one batch and of the loss's random numbers, and DDP averages the gradients, so
        that the step is that of one process with the whole batch, but for rounding (and for batch normalisation, whose
        statistics are each process's own).
        """
        settings, process, processes = self.settings, self.accelerator.process_index, self.accelerator.num_processes
        began = time.perf_counter()
        batch = self.source.batch(self.step, settings.batch, process, processes)
        self.source_seconds += time.perf_counter() - began
        factor = settings.factor(self.step)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self.objective.train()
        with self.accelerator.autocast():
            generator = generator_of(_LOSS_KEY, settings.seed, self.step)
            loss = self.objective(batch, generator, process * len(batch.strokes))
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.optimizer.step()
        self.step += 1
        self._follow()
        loss = self.accelerator.reduce(loss.detach(), "mean") if processes > 1 else loss.detach()
        if not self.step % 50 and not bool(torch.isfinite(loss)):  # rarely: it waits for the device
            raise RuntimeError(f"the loss is {float(loss)} at step {self.step}: try a smaller --learning-rate")
        self.losses.append(float(loss)) if self.accelerator.device.type == "cpu" else None
        return loss

    @torch.no_grad()
    def _follow(self) -> None:
        """Moves the average a little towards the network."""
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        mine, theirs = self.average.state_dict(), self.network.state_dict()
        moving = [name for name, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine[n] for n in moving], [theirs[n] for n in moving], 1 - decay)
        for name in mine.keys() - set(moving):
            mine[name].copy_(theirs[name])

    def _due(self, every: int) -> bool:
        return every > 0 and self.step % every == 0

    def _evaluate(self, validation: Batch, loss: Tensor, writer: Any) -> None:
        result = quality(self.average, (Batch(*(part[k : k + 64] for part in validation)) for k in range(0, 256, 64)))
        point = {
            "step": self.step,
            "seconds": round(self.seconds, 2),
            "loss": float(loss),
            "psnr": result.psnr,
            "psnr_foreground": result.foreground,
            "psnr_alpha": result.alpha,
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "source_share": round(self.source_seconds / max(1e-9, self.seconds), 4),
        }
        self.curve.append(point)
        with atomic_write(self.working / "curve.json") as file:
            file.write(json.dumps({"settings": self.settings.identity(), "curve": self.curve}, indent=1).encode())
        for name in point.keys() - {"step"}:
            writer.add_scalar(name, point[name], self.step)
        writer.flush()

    def _picture(self, validation: Batch) -> None:
        few = Batch(*(part[:_PICTURES] for part in validation))
        save_grid(self.average, few, self.working / f"grid-{self.step:07d}.png")

    def _writer(self) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.working), purge_step=self.step or None)

    # ---- checkpoints -------------------------------------------------------------------------------------------------

    def _identity(self) -> dict[str, Any]:
        brush = brush_fingerprint(self.source.brush)
        return self.settings.identity() | {
            "fingerprint": brush,
            "options": self.network.options(),
            "zooms": list(self.source.zooms),
            **getattr(self.source, "identity", {}),  # an engine's
        }

    def _keep(self) -> None:
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "source_seconds": self.source_seconds,
            "curve": json.dumps(self.curve),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        write_checkpoint(self.checkpoint, self._identity(), state)

    def _load(self) -> None:
        state = read_checkpoint(self.checkpoint, self._identity(), self.accelerator.device)
        self.curve = json.loads(state["curve"])
        self.step, self.seconds, self.source_seconds = state["step"], state["seconds"], state["source_seconds"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
