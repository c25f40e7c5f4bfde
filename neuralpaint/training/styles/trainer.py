"""Trainer for style networks."""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader

from neuralpaint.images.io import to_pil
from neuralpaint.losses.features import Features
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.styles.sheets import style_sheet
from neuralpaint.training.loop import TrainingLoop
from neuralpaint.training.styles.dataset import ContentPhotos
from neuralpaint.training.styles.objective import StyleObjective, StyleTable, roughness
from neuralpaint.training.styles.settings import StyleSettings
from neuralpaint.training.styles.teacher import LessonLoss, Lessons
from neuralpaint.utils.children import for_loader
from neuralpaint.utils.files import atomic_write
from neuralpaint.utils.random import OwnRandom, generator_of

if TYPE_CHECKING:
    from accelerate import Accelerator

HELD_OUT = 32  # maximum number of held-out photos; also at most a tenth of all
_MEAN_OF = 100  # reported losses are running means over about this many steps
_SEEN = 2  # held-out photos used for evaluation during training and for sample sheets
_ORDER_KEY, _SPLIT_KEY = 0x571E, 0x5711


@dataclass(frozen=True)
class StyleProgress:
    """Training progress: steps done and in total, running means of the losses, seconds elapsed and remaining."""

    step: int
    steps: int
    content: float
    style: float
    seconds: float
    remaining: float


class StyleTrainer(TrainingLoop[StyleSettings, StyleNetwork, StyleProgress]):
    """Trains a style network, or a style added to one.

    During training, the folder gets `training/` with `checkpoint.pt`, `curve.json` with the losses of each style,
    sample sheets and TensorBoard logs.

    Args:
        settings: the training settings.
        paintings: `[3, H, W]` in [0, 1], by style name.
        photos: training photos; some are held out for evaluation.
        features: feature network of the losses.
        folder: output folder.
        network: if given, train only γ and β of its last style, whose painting must be the only one in `paintings`;
            by default, train a new network on all paintings.
        start: a network of the same architecture whose filters, and γ and β of styles of the same names, the new
            network begins with.
        accelerator: devices, processes and precision; by default from the environment.
        workers: processes that read photos; 0 reads them in the main process.
        resume: resume from the checkpoint in the folder, if it exists.

    Raises:
        ValueError: the settings are invalid, or the checkpoint is damaged or does not match.
    """

    def __init__(
        self,
        settings: StyleSettings,
        paintings: Mapping[str, Tensor],
        photos: Sequence[Path],
        features: Features,
        folder: str | os.PathLike,
        *,
        network: StyleNetwork | None = None,
        start: StyleNetwork | None = None,
        accelerator: Accelerator | None = None,
        workers: int = 0,
        resume: bool = False,
    ) -> None:
        super().__init__(settings, folder, accelerator)
        processes = self.accelerator.num_processes
        if settings.batch % processes:
            raise ValueError(f"batch must be a multiple of the {processes} processes, got {settings.batch}")
        device = self.accelerator.device
        self.adding = network is not None
        if network is None:
            with OwnRandom(settings.seed):
                network = StyleNetwork(list(paintings), settings.architecture)
            if start is not None:
                begin_with(network, start)
        self.names = [network.names[-1]] if self.adding else network.names
        if list(paintings) != self.names:
            raise ValueError(f"paintings must be for the styles {self.names}, got {list(paintings)}")
        self._first = len(network.names) - len(self.names)  # index in the network of the first style being trained
        self.paintings = dict(paintings)
        self.train_files, self.held_out = split(photos)
        self.data = ContentPhotos(self.train_files, settings.size, settings.seed)
        self.workers = workers
        features = features.to(device)
        table = StyleTable(features, [painting.to(device) for painting in paintings.values()], kind=settings.statistics)
        self.objective = StyleObjective(table).to(device)
        self.average = copy.deepcopy(network).to(device).requires_grad_(False).eval()
        if self.adding:
            _train_last_style_only(network)
        self.lessons: Lessons | None = None
        if settings.lessons and not self.adding:
            self.lessons = Lessons(self.data, list(paintings.values()), settings.lesson_photos, settings.seed)
            self.lesson_loss = LessonLoss([painting.to(device) for painting in paintings.values()]).to(device)
        optimizer = torch.optim.Adam(_groups(network, settings.affine_rate), settings.learning_rate)
        self.model, self.optimizer = self.accelerator.prepare(network, optimizer)
        self._means = torch.full((2, len(self.names)), float("nan"), device=device)
        self.losses: list[tuple[float, float]] = []  # (content, style) of the steps of this run, on a CPU
        if resume and self.checkpoint.exists():
            self._load()

    @property
    def network(self) -> StyleNetwork:
        """The network being trained; the result is `average`."""
        return self.accelerator.unwrap_model(self.model)

    def _prepare(self) -> None:
        self._batches: Iterator[Tensor] = iter(self._loader())

    def _loader(self) -> DataLoader:
        """This process's share of the crops for all remaining steps but lessons, which have crops of their own."""
        batch, processes = self.settings.batch, self.accelerator.num_processes
        items = [
            list(range(step * batch + self.accelerator.process_index, (step + 1) * batch, processes))
            for step in range(self.step, self.settings.steps)
            if not self._is_lesson(step)
        ]
        return DataLoader(
            self.data,
            batch_sampler=items,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            worker_init_fn=for_loader(),
        )

    def _step(self) -> Tensor:
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate(self.step) * group["factor"]
        self.model.train()
        losses: Tensor | None
        if self.lessons is not None and self._is_lesson(self.step):
            loss, losses, styles = self._lesson(self.lessons)
        else:
            loss, losses, styles = self._practice()
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.optimizer.step()
        self.step += 1
        self._follow()
        if losses is not None:
            self._note(styles.tolist(), losses.detach().float())
        return loss.detach()

    def _is_lesson(self, step: int) -> bool:
        return self.lessons is not None and 0 <= step - self.settings.warm_up < self.settings.lessons

    def _lesson(self, lessons: Lessons) -> tuple[Tensor, Tensor, Tensor]:
        """(loss, differences and style losses `[2, B]`, styles) of a step that learns from the teacher's pictures."""
        processes, process = self.accelerator.num_processes, self.accelerator.process_index
        first = self.step * self.settings.batch
        photo, picture, styles = lessons.batch(range(first + process, first + self.settings.batch, processes))
        photo, picture, index = (x.to(self.accelerator.device) for x in (photo, picture, styles))
        with self.accelerator.autocast():
            painting = self.model(photo, self._mix(styles).to(photo))
        painting = painting.float()
        losses = torch.stack(self.lesson_loss(painting, picture, index))
        return self._total(losses, painting), losses, styles

    def _practice(self) -> tuple[Tensor, Tensor | None, Tensor]:
        """(loss, content and style losses `[2, B]`, styles) of a step; before the end of `warm_up` None for losses."""
        settings, device = self.settings, self.accelerator.device
        photo = next(self._batches).to(device, torch.float32) / 255
        styles = self._styles(len(photo))
        with self.accelerator.autocast():
            painting = self.model(photo, self._mix(styles).to(photo))
        painting = painting.float()
        if self.step < settings.warm_up:
            return (painting - photo).square().mean(), None, styles
        losses = torch.stack(self.objective(photo, painting, styles.to(device)))
        return self._total(losses, painting), losses, styles

    def _total(self, losses: Tensor, painting: Tensor) -> Tensor:
        settings = self.settings
        weighted = settings.content_weight * losses[0] + settings.style_weight * losses[1]
        return (weighted + settings.smoothness * roughness(painting)).mean()

    def _mix(self, styles: Tensor) -> Tensor:
        return F.one_hot(self._first + styles, len(self.network.names))

    def _styles(self, count: int) -> Tensor:
        """`[count]`: the styles for this process's photos in this step. Cycles through all styles in a new order each
        time."""
        process, processes = self.accelerator.process_index, self.accelerator.num_processes
        numbers = [self.step * count * processes + process + k * processes for k in range(count)]
        turns = {number // len(self.names) for number in numbers}
        orders = {
            turn: torch.randperm(len(self.names), generator=generator_of(_ORDER_KEY, self.settings.seed, turn))
            for turn in turns
        }
        return torch.tensor([int(orders[n // len(self.names)][n % len(self.names)]) for n in numbers])

    def _note(self, styles: list[int], losses: Tensor) -> None:
        """Updates the running mean losses of each style, without synchronizing with the device."""
        weight = min(1.0, 1 / (_MEAN_OF * self.settings.batch / len(self.names)))
        for k, style in enumerate(styles):
            old = self._means[:, style]
            self._means[:, style] = torch.where(old.isnan(), losses[:, k], old + weight * (losses[:, k] - old))
        if losses.device.type == "cpu":
            self.losses.append((float(losses[0].mean()), float(losses[1].mean())))

    def _evaluate(self, loss: Tensor, writer: Any) -> None:
        """Appends to the curve: losses of `average` on a few held-out photos, and the running means."""
        held = held_out_losses(self.average, self.objective, self._seen, self._first)
        point: dict[str, Any] = {"step": self.step, "seconds": round(self.seconds, 1)}
        for k, kind in enumerate(("content", "style")):
            point[kind] = float(held[k].mean())
            point[f"{kind}_by_style"] = [round(value, 5) for value in held[k].tolist()]
            point[f"{kind}_training"] = float(self._means[k].nanmean())
            writer.add_scalar(kind, point[kind], self.step)
            writer.add_scalar(f"{kind}_training", point[f"{kind}_training"], self.step)
            for name, value in zip(self.names, held[k].tolist(), strict=True):
                writer.add_scalar(f"{kind}/{name}", value, self.step)
        writer.flush()
        self.curve.append(point)
        self._save_curve(styles=self.names)

    @functools.cached_property
    def _seen(self) -> Tensor:
        """The held-out photos for evaluation during training."""
        files = self.held_out[:_SEEN]
        return held_out_pieces(files, self.settings.size).to(self.accelerator.device)

    def _picture(self) -> None:
        photo = self._seen[:1]
        count = len(self.names)
        with torch.no_grad():
            mixes = torch.eye(len(self.average.names), device=photo.device)[self._first :]
            pictures = torch.cat([self.average(photo, mix[None]) for mix in mixes])
        shown = [to_pil(picture) for picture in (photo[0], *pictures)]
        sheet = style_sheet(shown, min(8, count + 1), ["photo", *self.names])
        with atomic_write(self.working / f"sheet-{self.step:06d}.png") as file:
            sheet.save(file, format="PNG")

    def _progress(self, loss: Tensor, remaining: float) -> StyleProgress:
        content, style = self._means.nanmean(1).tolist()
        return StyleProgress(self.step, self.settings.steps, content, style, self.seconds, remaining)

    def _identity(self) -> dict[str, Any]:
        return self.settings.identity() | {"styles": self.names, "features": self.objective.table.features.name}

    def _more_state(self) -> dict[str, Any]:
        return {"means": self._means}

    def _take_state(self, state: Mapping[str, Any]) -> None:
        means = state["means"]
        if not isinstance(means, Tensor) or means.shape != self._means.shape or means.dtype != self._means.dtype:
            raise ValueError(f"means must be {self._means.dtype} {list(self._means.shape)}")
        self._means = means


def split(photos: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """(training photos, held-out photos): holds out a tenth of the photos, at most 32, independent of the seed."""
    photos = sorted(photos, key=lambda file: file.name)
    count = min(HELD_OUT, max(1, len(photos) // 10))
    order = torch.randperm(len(photos), generator=generator_of(_SPLIT_KEY)).tolist()
    held = set(order[:count])
    return [photos[k] for k in range(len(photos)) if k not in held], [photos[k] for k in order[:count]]


def held_out_pieces(files: Sequence[Path], size: int) -> Tensor:
    """`[B, 3, size, size]`: the central square of each photo."""
    from neuralpaint.images.io import load_image
    from neuralpaint.images.resample import resize

    pieces = []
    for file in files:
        photo = load_image(file)
        side = min(photo.shape[1:])
        top, left = (photo.shape[1] - side) // 2, (photo.shape[2] - side) // 2
        pieces.append(resize(photo[:, top : top + side, left : left + side], size, size))
    return torch.stack(pieces)


@torch.no_grad()
def held_out_losses(network: StyleNetwork, objective: StyleObjective, photos: Tensor, first: int = 0) -> Tensor:
    """`[2, S]`: mean content and style loss over photos `[B, 3, H, W]`, for each style from index `first` on."""
    network.eval()
    found = []
    for style in range(first, len(network.names)):
        mix = torch.eye(len(network.names), device=photos.device)[style : style + 1]
        losses = []
        for photo in photos.split(4):
            painting = network(photo, mix.expand(len(photo), -1))
            index = torch.full((len(photo),), style - first, device=photo.device)
            losses.append(torch.stack(objective(photo, painting, index)))
        found.append(torch.cat(losses, 1).mean(1))
    return torch.stack(found, 1).cpu()


def _groups(network: StyleNetwork, affine_rate: float) -> list[dict[str, Any]]:
    """Adam's groups of the parameters to train, with the factor of the learning rate of each."""
    affine = {id(parameter) for norm in network.norms() for parameter in norm.parameters()}
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    parts = [
        ([p for p in trained if (id(p) in affine) is own], factor)
        for own, factor in ((False, 1.0), (True, affine_rate))
    ]
    return [{"params": part, "factor": factor} for part, factor in parts if part]


@torch.no_grad()
def begin_with(network: StyleNetwork, start: StyleNetwork) -> None:
    """Copies the filters of another network, and γ and β of its styles; new styles begin with the mean of all.

    Raises:
        ValueError: the architectures differ.
    """
    if start.architecture != network.architecture:
        raise ValueError(
            f"start must have the architecture {network.architecture.name!r}, got {start.architecture.name!r}"
        )
    for mine, theirs in zip(network.filters(), start.filters(), strict=True):
        mine.copy_(theirs)
    known = {name: start.names.index(name) for name in network.names if name in start.names}
    for new, old in zip(network.norms(), start.norms(), strict=True):
        for mine, theirs in ((new.gamma, old.gamma), (new.beta, old.beta)):
            mine.copy_(theirs.mean(0, keepdim=True).expand_as(mine))
            for k, name in enumerate(network.names):
                if name in known:
                    mine[k] = theirs[known[name]]


def _train_last_style_only(network: StyleNetwork) -> None:
    """Freezes everything except γ and β of the last style."""
    network.requires_grad_(False)
    for norm in network.norms():
        for parameter in (norm.gamma, norm.beta):
            parameter.requires_grad_(True)
            parameter.register_hook(_last_row)


def _last_row(gradient: Tensor) -> Tensor:
    kept = torch.zeros_like(gradient)
    kept[-1] = gradient[-1]
    return kept
