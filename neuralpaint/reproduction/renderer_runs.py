"""Trained renderers for the ablation: those of a folder, or trained here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.renderers.pretrained import CARD, CONFIG, load_network
from neuralpaint.training.renderers.report import finish
from neuralpaint.training.renderers.settings import TrainingSettings
from neuralpaint.training.renderers.source import BrushSource
from neuralpaint.training.renderers.trainer import Trainer, TrainingProgress
from neuralpaint.utils import schema
from neuralpaint.utils.loading import MAX_JSON, check_length, parse_json, reading

NETWORKS = {
    "coordinate": "ours",
    "dual-pathway": "dual pathway",
    "unet": "UNet",
    "dcgan": "DCGAN-G",
    "shading-only": "shading only",
    "pixelshuffle": "PixelShuffle",
    "rasterization-only": "rasterization only",
}
"""Networks by the names that a figure has for them; all but the first are those of Stylized Neural Painting."""

_PSNR = schema.number(-1000, 1000)
_TRAINING = schema.fields(
    {
        "steps": schema.whole(1, 10**12),
        "batch": schema.whole(1, 10**9),
        "schedule": schema.text(),
        "seconds": schema.number(0, 1e12),
        "psnr": _PSNR,
        "psnr_foreground": _PSNR,
        "psnr_alpha": _PSNR,
    }
)
_POINT = schema.fields({"step": schema.whole(0, 10**12), "psnr": _PSNR})
_CURVE = schema.fields({"curve": schema.listed(_POINT, 1, 10**6)})


@dataclass(frozen=True)
class Run:
    """A renderer that has been trained.

    Attributes:
        brush: the brush's name.
        network: one of `NETWORKS`.
        renderer: the network itself.
        training: how it was trained, and its PSNR on held-out strokes.
        curve: (step, PSNR in dB) of each evaluation.
    """

    brush: str
    network: str
    renderer: NetworkRenderer
    training: Mapping[str, Any]
    curve: Sequence[tuple[int, float]]


def finished(folder: Path, brushes: Sequence[str]) -> list[Run]:
    """The renderers of a folder whose training is done, in folders BRUSH-NETWORK, brush by brush.

    Raises:
        ValueError: there are none, or the files of one are damaged.
    """
    named = [(brush, network) for brush in brushes for network in NETWORKS]
    found = [
        _read(brush, network, folder / f"{brush}-{network}")
        for brush, network in named
        if (folder / f"{brush}-{network}" / CARD).is_file()
    ]
    if not found:
        raise ValueError(
            f"{folder} has no renderer whose training is done: it needs folders named BRUSH-NETWORK, such as "
            f"{brushes[0]}-dual-pathway, made by neuralpaint train-renderer"
        )
    return found


def trained(settings: TrainingSettings, folder: Path, device: torch.device, report: Callable[[int, int], None]) -> Run:
    """Trains a renderer in a folder, continues it, or reads it if it is done. ValueError if another is there."""
    there = folder / f"{settings.brush}-{settings.network}"
    if not (there / CARD).is_file():
        accelerator = Accelerator(cpu=device.type == "cpu")
        source = BrushSource(settings.brush, settings.size, settings.seed, accelerator.device)
        trainer = Trainer(settings, source, there, accelerator=accelerator, resume=True)
        trainer.run(functools.partial(_tell, report))
        finish(trainer, there)
    return _read(settings.brush, settings.network, there)


def _tell(report: Callable[[int, int], None], progress: TrainingProgress) -> None:
    report(progress.step, progress.steps)


def _read(brush: str, network: str, folder: Path) -> Run:
    renderer = load_network(folder, brush=brush)
    if renderer.network != network:
        raise ValueError(f"{folder} holds a renderer {renderer.network!r}, not {network!r} as its name says")
    path = folder / "training" / "curve.json"
    with reading(path, "is not the curve of a training", "train it again"):
        with open(path, "rb") as file:
            text = file.read(MAX_JSON + 1)
        check_length(len(text), MAX_JSON)
        value = parse_json(text)
        _CURVE(value, "")
    with reading(folder / CONFIG, "does not say how the renderer was trained", "train it again"):
        _TRAINING(renderer.trained, "training")
    return Run(brush, network, renderer, renderer.trained, [(point["step"], point["psnr"]) for point in value["curve"]])
