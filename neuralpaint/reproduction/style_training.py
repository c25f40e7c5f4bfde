"""Trains style networks for the figures, and measures them on photos that no training sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor

from neuralpaint.losses.features import Features
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.training.styles.objective import StyleObjective, StyleTable
from neuralpaint.training.styles.settings import PRESETS, StyleSettings
from neuralpaint.training.styles.trainer import StyleProgress, StyleTrainer, held_out_pieces, split

POINTS = 12
"""Evaluations in a training: its curve has as many points."""

_WARM_UP = 75  # updates at most, an eighth of all, in which a small network learns to give back the photo
_TOGETHER = 4  # photos in a batch

# The paper's loss in the small preset too, in place of lessons.
_LOSS_OF_THE_PAPER = {
    name: getattr(StyleSettings(), name) for name in ("lessons", "statistics", "style_weight", "smoothness")
}


class Losses(NamedTuple):
    """Means over photos."""

    content: float
    style: float


def shares(pairs: Iterable[tuple[Losses, Losses]]) -> list[Losses]:
    """How far the second losses of each pair are above the first, as shares of the first."""
    return [Losses(*(theirs / mine - 1 for mine, theirs in zip(one, other, strict=True))) for one, other in pairs]


def means(pairs: Iterable[tuple[Losses, Losses]]) -> Losses:
    """`shares`, means over the pairs."""
    content, style = zip(*shares(pairs), strict=True)
    return Losses(sum(content) / len(content), sum(style) / len(style))


def spread(pairs: Sequence[tuple[Losses, Losses]], kind: str) -> str:
    """`shares` of "content" or "style" in words: the mean, and from where to where."""
    found = [getattr(share, kind) for share in shares(pairs)]
    return f"{getattr(means(pairs), kind):+.0%} ({min(found):+.0%} to {max(found):+.0%})"


class Trained(NamedTuple):
    """A network, what each evaluation of its training found, on a few held-out photos: the update, and the losses of
    each style; and how many seconds the training took, over all runs."""

    network: StyleNetwork
    steps: list[int]
    contents: dict[str, list[float]]
    styles: dict[str, list[float]]
    seconds: float


def schedule(scale: str, updates: int, pixels: int, **changes: object) -> StyleSettings:
    """The preset of a scale for so many updates on pieces of so many pixels, always by the paper's loss."""
    chosen = PRESETS[scale] | {
        "steps": updates,
        "size": pixels,
        "eval_every": max(1, updates // POINTS),
        "picture_every": 0,
    }
    if scale == "small":
        chosen |= _LOSS_OF_THE_PAPER | {"warm_up": min(_WARM_UP, updates // 8)}
    return StyleSettings(**(chosen | changes))


def train(
    settings: StyleSettings,
    paintings: Mapping[str, Tensor],
    photos: Sequence[Path],
    features: Features,
    folder: Path,
    device: torch.device,
    *,
    network: StyleNetwork | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Trained:
    """Trains, or continues what the folder holds.

    Args:
        network: if given, the scale and shift of its last style are trained, and nothing else.
        report: called with the updates done and their number.

    Raises:
        ValueError: too few photos, or the folder holds another training.
    """
    accelerator = Accelerator(cpu=device.type == "cpu")
    trainer = StyleTrainer(
        settings, paintings, photos, features, folder, network=network, accelerator=accelerator, resume=True
    )

    def tell(progress: StyleProgress) -> None:
        report(progress.step, progress.steps)

    if trainer.step < settings.steps:
        trainer.run(tell)
    steps = [point["step"] for point in trainer.curve]
    contents, styles = (
        {name: [point[f"{kind}_by_style"][k] for point in trainer.curve] for k, name in enumerate(trainer.names)}
        for kind in ("content", "style")
    )
    return Trained(trainer.average, steps, contents, styles, trainer.seconds)


def held_out(photos: Sequence[Path], count: int, pixels: int, device: torch.device) -> Tensor:
    """`[B, 3, pixels, pixels]`: up to `count` of the photos that trainings on these photos leave out."""
    return held_out_pieces(split(photos)[1][:count], pixels).to(device)


@torch.no_grad()
def measure(network: StyleNetwork, name: str, painting: Tensor, features: Features, photos: Tensor) -> Losses:
    """The losses of photos `[B, 3, H, W]` in one of a network's styles, against its painting, on the photos' device."""
    device = photos.device
    objective = StyleObjective(StyleTable(features.to(device), [painting.to(device)]))
    network = network.to(device).eval()
    mix = torch.eye(len(network.names), device=device)[network.names.index(name)]
    found = []
    for some in photos.split(_TOGETHER):
        first = torch.zeros(len(some), dtype=torch.long, device=device)
        found.append(torch.stack(objective(some, network(some, mix.expand(len(some), -1)), first)))
    return Losses(*torch.cat(found, 1).mean(1).tolist())


@torch.no_grad()
def in_style(network: StyleNetwork, name: str, photo: Tensor) -> Tensor:
    """A photo `[3, H, W]` in a style of a network, on the CPU."""
    mix = torch.eye(len(network.names), device=photo.device)[network.names.index(name)]
    return network.to(photo.device).eval()(photo[None], mix[None])[0].cpu()
