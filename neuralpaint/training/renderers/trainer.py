"""Trainer for neural renderers."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.renderers.networks.registry import build_network
from neuralpaint.training.loop import TrainingLoop
from neuralpaint.training.renderers.metrics import quality
from neuralpaint.training.renderers.pictures import save_grid
from neuralpaint.training.renderers.settings import TrainingSettings
from neuralpaint.training.renderers.source import Batch, StrokeSource
from neuralpaint.utils import schema
from neuralpaint.utils.random import OwnRandom, generator_of

if TYPE_CHECKING:
    from accelerate import Accelerator

VALIDATION, _PICTURES = 256, 12  # strokes
_LOSS_KEY = 0x105E5


@dataclass(frozen=True)
class TrainingProgress:
    """Training progress: steps done and in total, last loss, last PSNR in dB, seconds elapsed and remaining."""

    step: int
    steps: int
    loss: float
    psnr: float
    seconds: float
    remaining: float


class _Objective(nn.Module):
    """The network and its loss as one module, so that wrappers (DDP, autocast) see a single forward pass."""

    def __init__(self, network: NetworkRenderer) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch, generator: torch.Generator, skip: int) -> Tensor:
        return self.network.loss(*batch, generator, skip)


class Trainer(TrainingLoop[TrainingSettings, NetworkRenderer, TrainingProgress]):
    """Trains a network to imitate a source of strokes.

    During training, the folder gets `training/` with `checkpoint.pt`, `curve.json`, sample images and TensorBoard logs.

    Args:
        settings: the training settings.
        source: draws the strokes; its brush and size must match the settings.
        folder: output folder.
        accelerator: devices, processes and precision; by default from the environment.
        network: the network to train; by default a new one according to the settings.
        resume: resume from the checkpoint in the folder, if it exists.

    Raises:
        ValueError: the settings are invalid, or the checkpoint is damaged or does not match.
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
        super().__init__(settings, folder, accelerator)
        self.source, self.folder = source, Path(folder)
        if settings.batch % self.accelerator.num_processes or settings.batch < 2 * self.accelerator.num_processes:
            raise ValueError(
                f"batch must be a multiple of the {self.accelerator.num_processes} processes, and at least two per "
                f"process, got {settings.batch}"
            )
        if network is None:
            with OwnRandom(settings.seed):
                network = build_network(settings.network, source.brush, settings.size)
        if network.size != source.size or network.brush != source.brush:
            raise ValueError("source must draw the network's brush at the network's size")
        self.average = copy.deepcopy(network).to(self.accelerator.device).requires_grad_(False).eval()
        optimizer = torch.optim.Adam(network.parameter_groups(settings.rate), fused=True)
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self.objective, self.optimizer = self.accelerator.prepare(_Objective(network), optimizer)
        self.source_seconds = 0.0
        self.losses: list[float] = []  # of the steps of this run
        if resume and self.checkpoint.exists():
            self._load()

    @property
    def network(self) -> NetworkRenderer:
        """The network being trained; the result is `average`."""
        return self.accelerator.unwrap_model(self.objective).network

    def _prepare(self) -> None:
        self._validation = self.source.validation(VALIDATION)

    def _step(self) -> Tensor:
        """One gradient step; returns the mean loss over all processes.

        Each process takes its share of the batch and of the random numbers of the loss, and DDP averages the gradients.
        So the step equals that of one process with the whole batch, except for rounding and for batch normalisation,
        whose statistics are per process.
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
        self.losses.append(float(loss)) if self.accelerator.device.type == "cpu" else None
        return loss

    def _evaluate(self, loss: Tensor, writer: Any) -> None:
        pieces = (Batch(*(part[k : k + 64] for part in self._validation)) for k in range(0, VALIDATION, 64))
        result = quality(self.average, pieces)
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
        self._save_curve()
        for name in point.keys() - {"step"}:
            writer.add_scalar(name, point[name], self.step)
        writer.flush()

    def _picture(self) -> None:
        few = Batch(*(part[:_PICTURES] for part in self._validation))
        save_grid(self.average, few, self.working / f"grid-{self.step:07d}.png")

    def _progress(self, loss: Tensor, remaining: float) -> TrainingProgress:
        psnr = self.curve[-1]["psnr"] if self.curve else float("nan")
        return TrainingProgress(self.step, self.settings.steps, float(loss), psnr, self.seconds, remaining)

    # ---- checkpoints -------------------------------------------------------------------------------------------------

    def _identity(self) -> dict[str, Any]:
        brush = self.source.brush.fingerprint
        return self.settings.identity() | {
            "fingerprint": brush,
            "options": self.network.options(),
            "zooms": list(self.source.zooms),
            **getattr(self.source, "identity", {}),  # an engine's
        }

    def _more_state(self) -> dict[str, Any]:
        return {"source_seconds": self.source_seconds}

    def _take_state(self, state: Mapping[str, Any]) -> None:
        schema.number(0, 1e12)(state["source_seconds"], "source_seconds")
        self.source_seconds = float(state["source_seconds"])
