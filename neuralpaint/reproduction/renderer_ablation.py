"""Table 1 and figures 13 and 14 of Stylized Neural Painting: networks that imitate a brush, trained alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from neuralpaint import ops
from neuralpaint.images.io import to_pil
from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.renderer_runs import NETWORKS, Run, finished, trained
from neuralpaint.reproduction.sheets import COLORS, Group, Plot, Row, sheet
from neuralpaint.reproduction.work import work_folder
from neuralpaint.training.renderers.settings import PAPER_STEPS, TrainingSettings
from neuralpaint.utils.random import generator_of

BRUSHES = ("oil", "watercolor")
PAPER = {"dual-pathway": (26.98, 31.39), "rasterization-only": (24.02, 25.77), "shading-only": (26.05, 29.05)}
"""PSNR in dB in table 1, brush by brush: at 128², after 20 million strokes, of the paper's own brushes."""

OURS, DUAL = "coordinate", "dual-pathway"

_POINTS = 12  # of a curve
_ROOM = 1.4  # of a plot's height for the names of the curves
_SHOWN, _COMPARED = 5, 64  # strokes
_SHOWN_KEY, _COMPARED_KEY = 0xAB1A7E, 0xC0101


@dataclass(frozen=True)
class Sizes:
    """How much work it is: pixels along a picture of a stroke, steps, strokes a step, the schedule."""

    pixels: int
    steps: int
    batch: int
    schedule: str


SIZES = {"small": Sizes(32, 1000, 16, "fast"), "paper": Sizes(128, PAPER_STEPS, 64, "paper")}


def run(request: Request) -> Outcome:
    """All networks of both brushes, trained here; or those of a folder that are there."""
    runs = finished(request.renderers, BRUSHES) if request.renderers is not None else _train_all(request)
    for run in runs:
        run.renderer.to(request.device)
    rows = [_row(run) for run in runs]
    order = {brush: _order(runs, brush) for brush in BRUSHES if any(run.brush == brush for run in runs)}
    return Outcome(
        sheet([_group([run for run in runs if run.brush == brush]) for brush in order], "PSNR on held-out strokes, dB"),
        " ".join(filter(None, (_length(runs), _finding(order), _coupled(runs)))),
        all(_leads(best) for best in order.values()),
        rows,
        {f"{run.brush}, {run.network}": [psnr for _, psnr in run.curve] for run in runs},
        _settings(runs) | {"renderers": "trained here" if request.renderers is None else "of --renderers"},
    )


def _train_all(request: Request) -> list[Run]:
    sizes = SIZES[request.scale]
    steps = request.updates or sizes.steps
    runs = []
    with work_folder(request, "renderer-ablation") as folder:
        for brush in BRUSHES:
            for network in NETWORKS:
                settings = TrainingSettings(
                    network=network,
                    brush=brush,
                    size=sizes.pixels,
                    steps=steps,
                    batch=sizes.batch,
                    schedule=sizes.schedule,
                    eval_every=max(1, steps // _POINTS),
                    picture_every=0,
                )
                runs.append(trained(settings, folder, request.device, partial(request.progress, f"{brush} {network}")))
    return runs


def _settings(runs: Sequence[Run]) -> dict[str, Any]:
    """What the trainings have in common, or all values where they differ."""
    values = {
        "pixels": [run.renderer.size for run in runs],
        "steps": [run.training["steps"] for run in runs],
        "strokes a step": [run.training["batch"] for run in runs],
        "schedule": [run.training["schedule"] for run in runs],
    }
    found = {name: list(dict.fromkeys(some)) for name, some in values.items()}
    return {name: some[0] if len(some) == 1 else some for name, some in found.items()}


def _row(run: Run) -> dict[str, Any]:
    of_paper = PAPER.get(run.network)
    return {
        "brush": run.brush,
        "network": NETWORKS[run.network],
        "PSNR, dB": round(run.training["psnr"], 2),
        "foreground": round(run.training["psnr_foreground"], 2),
        "alpha": round(run.training["psnr_alpha"], 2),
        "the paper's PSNR": "–" if of_paper is None else of_paper[BRUSHES.index(run.brush)],
        "alpha's change with the colour": f"{coupling(run.renderer):.1%}",
        "minutes": round(run.training["seconds"] / 60, 1),
    }


@torch.no_grad()
def coupling(renderer: NetworkRenderer, count: int = _COMPARED) -> float:
    """How far a stroke's alpha depends on its colour, where it should not at all: the mean absolute change of alpha
    when strokes get the colours of others, as a share of the mean alpha."""
    renderer.eval()
    device = next(renderer.parameters()).device
    strokes = renderer.brush.sample(count, generator_of(_COMPARED_KEY)).to(device)
    other = strokes.clone()
    first = renderer.brush.shape.stop
    last = first + 3 * len(renderer.brush.colors)
    other[:, first:last] = strokes[:, first:last].roll(1, 0)
    (_, alpha), (_, moved) = renderer(strokes), renderer(other)
    return float((alpha.clamp(0, 1) - moved.clamp(0, 1)).abs().mean() / alpha.clamp(0, 1).mean().clamp_min(1e-9))


def _order(runs: Sequence[Run], brush: str) -> dict[str, float]:
    """PSNR by network, best first."""
    scores = {run.network: float(run.training["psnr"]) for run in runs if run.brush == brush}
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _leads(scores: Mapping[str, float]) -> bool:
    """Whether the dual pathway is the best of the paper's networks."""
    rivals = [psnr for network, psnr in scores.items() if network not in (OURS, DUAL)]
    return DUAL in scores and bool(rivals) and scores[DUAL] > max(rivals)


def _as_in_table(scores: Mapping[str, float]) -> bool:
    """Whether the networks of table 1 come in its order."""
    order = sorted(PAPER, key=lambda network: -PAPER[network][0])
    return all(network in scores for network in order) and [n for n in scores if n in PAPER] == order


def _length(runs: Sequence[Run]) -> str:
    """How long the networks were trained, for that decides what the order says."""
    strokes = sorted({run.training["steps"] * run.training["batch"] for run in runs})
    sizes = sorted({run.renderer.size for run in runs})
    count = " to ".join(dict.fromkeys([f"{strokes[0]:,}", f"{strokes[-1]:,}"]))
    return (
        f"Networks for {' and '.join(f'{size}²' for size in sizes)} after {count} strokes (the paper's had 20 million)."
    )


def _coupled(runs: Sequence[Run]) -> str:
    """How far alpha changes with the colour, in the dual pathway and in the paper's other networks."""
    found = {
        dual: [coupling(run.renderer) for run in runs if run.network != OURS and (run.network == DUAL) == dual]
        for dual in (True, False)
    }
    if not all(found.values()):
        return ""
    return (
        f"When strokes get other colours, alpha changes by {max(found[True]):.0%} in the dual pathway and by "
        f"{min(found[False]):.0%} to {max(found[False]):.0%} in the others."
    )


def _finding(order: Mapping[str, Mapping[str, float]]) -> str:
    parts = []
    for brush, scores in order.items():
        rivals = {network: psnr for network, psnr in scores.items() if network != OURS}
        best = " > ".join(f"{NETWORKS[network]} {psnr:.2f}" for network, psnr in rivals.items())
        parts.append(f"PSNR in dB for {brush}: {best}")
        if OURS in scores:
            parts[-1] += f" ({NETWORKS[OURS]}, which is not the paper's, {scores[OURS]:.2f})"
    leads = sum(_leads(scores) for scores in order.values())
    table = sum(_as_in_table(scores) for scores in order.values())
    return (
        f"{'. '.join(parts)}. The dual pathway is the best of the paper's networks for {leads} of {len(order)} "
        f"brush{'es' if len(order) != 1 else ''}, and the order of table 1 (dual pathway, shading only, rasterization "
        f"only) is found for {table}."
    )


@torch.no_grad()
def _group(runs: Sequence[Run]) -> Group:
    """The same strokes as the brush draws them and as each network does; the curves of their trainings."""
    first = runs[0].renderer
    device = next(first.parameters()).device
    strokes = first.brush.sample(_SHOWN, generator_of(_SHOWN_KEY)).to(device)
    size = first.size
    brush = first.brush
    rows = [Row([brush.name, "as the brush", "draws it"], _on_white(*ops.rasterize(strokes, brush, size, size)))]
    ours = [run for run in runs if run.network == OURS]
    rivals = sorted((run for run in runs if run.network != OURS), key=lambda run: -run.training["psnr"])
    for run, color in zip([*rivals, *ours], COLORS, strict=False):
        run.renderer.eval()
        drawn = [part.float().clamp(0, 1) for part in run.renderer(strokes)]
        words = [*NETWORKS[run.network].split(), f"{run.training['psnr']:.2f} dB"]
        rows.append(Row(["", *words], _on_white(*drawn), color))
    plot = _plot(rivals or ours)
    return Group([f"stroke {k + 1}" for k in range(_SHOWN)], rows, plot)


def _plot(runs: Sequence[Run]) -> Plot:
    """The curves of trainings. Callers leave ours out beside others: it is so far above that they could not be told
    apart."""
    curves = {NETWORKS[run.network]: [psnr for _, psnr in run.curve] for run in runs}
    at = {NETWORKS[run.network]: [float(step) for step, _ in run.curve] for run in runs}
    values = [value for curve in curves.values() for value in curve]
    low = math.floor(min(values))
    high = low + 4 * math.ceil((max(values) - low) * _ROOM / 4)
    last = max(step for places in at.values() for step in places)
    return Plot(curves, f"steps of {runs[0].training['batch']} strokes", 0, last, high, lowest=low, at=at)


def _on_white(foreground: Tensor, alpha: Tensor) -> list[Image.Image]:
    return [to_pil(picture.cpu()) for picture in foreground * alpha + 1 - alpha]
