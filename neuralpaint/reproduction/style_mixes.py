"""Figure 7 of A Learned Representation for Artistic Style: the losses along the way from one style to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.losses.features import Features
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import square_photo
from neuralpaint.reproduction.sheets import Group, Plot, Row, sheet, top_of
from neuralpaint.styles.mixing import sweep_mixes
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.training.styles.dataset import load_style, style_name
from neuralpaint.training.styles.objective import StyleTable

FIRST = ("van-gogh-starry-night", "munch-scream", "hokusai-great-wave", "kandinsky-composition-vii")
"""Styles that are taken before others, two by two."""

_SHOWN = 5
_TOGETHER = 4  # photos in a batch


@dataclass(frozen=True)
class Sizes:
    """How much work it is: the network, pairs of styles, mixes of each, photos, and pixels along a photo."""

    network: str
    pairs: int
    mixes: int
    photos: int
    pixels: int


SIZES = {"small": Sizes("light", 2, 9, 3, 256), "paper": Sizes("paper", 2, 11, 32, 512)}


def choose_pairs(files: Sequence[Path], names: Sequence[str], count: int) -> list[tuple[Path, Path]]:
    """Up to `count` pairs of paintings whose styles the network has. ValueError if there are not even two."""
    known = {style_name(file): file for file in files if style_name(file) in names}
    if len(known) < 2:
        raise ValueError(
            f"--styles has {len(known)} of the paintings of the network's styles, and two are needed: name the files "
            f"after the styles, such as {FIRST[0]}.jpg (neuralpaint stylize --list names them)"
        )
    ordered = [known[name] for name in dict.fromkeys([*(name for name in FIRST if name in known), *known])]
    return list(zip(ordered[0::2], ordered[1::2], strict=False))[:count]


@torch.no_grad()
def mix_losses(network: StyleNetwork, table: StyleTable, photos: Tensor, mixes: Tensor) -> list[list[float]]:
    """The mean style loss over photos `[B, 3, H, W]` against each painting of the table, for each of `[M, N]` mixes."""
    found: list[list[float]] = [[] for _ in range(len(table))]
    for weights in mixes:
        losses = []
        for some in photos.split(_TOGETHER):
            seen = table.of(network(some, weights.expand(len(some), -1)))
            index = torch.zeros(len(some), dtype=torch.long, device=photos.device)
            losses.append(torch.stack([table.compare(seen, index + k) for k in range(len(table))], 1))
        for values, mean in zip(found, torch.cat(losses).mean(0).tolist(), strict=True):
            values.append(mean)
    return found


def run(request: Request) -> Outcome:
    """Pairs of styles of a bundled network, on the first photos."""
    assert request.features is not None
    sizes = SIZES[request.scale]
    network = load_style_network(sizes.network).to(request.device).eval()
    pairs = choose_pairs(request.styles, network.names, sizes.pairs)
    photos = torch.stack([square_photo(path, sizes.pixels, request.device) for path in request.photos[: sizes.photos]])
    features: Features = request.features.to(request.device)
    rows: list[dict[str, Any]] = []
    groups, curves, right = [], {}, 0
    for number, pair in enumerate(pairs):
        names = [style_name(path) for path in pair]
        table = StyleTable(features, [load_style(path).to(request.device) for path in pair])
        ends = torch.eye(len(network.names))[[network.names.index(name) for name in names]]
        mixes = sweep_mixes(ends[0], ends[1], sizes.mixes).to(request.device)
        losses = mix_losses(network, table, photos, mixes)
        for name, other, values, sign in zip(names, names[::-1], losses, (1, -1), strict=True):
            steps = [sign * (after - before) for before, after in pairwise(values)]
            rows.append(
                {
                    "loss against": name,
                    "in its own style": round(values[0 if sign > 0 else -1], 3),
                    "in the other": round(values[-1 if sign > 0 else 0], 3),
                    "the other": other,
                    "steps the right way": f"{sum(step >= 0 for step in steps)} of {len(steps)}",
                    "largest step the wrong way": round(max(0.0, -min(steps)), 4),
                }
            )
            right += min(steps) >= 0
            curves[f"{names[0]} to {names[1]}, against {name}"] = values
        groups.append(_group(network, photos[:1], mixes, names, losses))
        request.progress("mixes of two styles", number + 1, len(pairs))
    return Outcome(
        sheet(groups, "style loss against each painting"),
        _finding(rows, right, len(photos)),
        right == len(rows),
        rows,
        curves,
        {
            "network": sizes.network,
            "features": type(features).__name__,
            "photos": len(photos),
            "pixels": sizes.pixels,
            "mixes": sizes.mixes,
        },
    )


def _finding(rows: Sequence[Mapping[str, Any]], right: int, photos: int) -> str:
    found = f"{right} of {len(rows)} curves are monotonic, means over {photos} photos"
    if right == len(rows):
        return f"{found}."
    worst = max(rows, key=lambda row: row["largest step the wrong way"])
    return (
        f"{found}; the largest step the wrong way is {worst['largest step the wrong way']:g}, against "
        f"{worst['loss against']}, of a loss that goes from {worst['in its own style']:g} to {worst['in the other']:g}."
    )


@torch.no_grad()
def _group(network: StyleNetwork, photo: Tensor, mixes: Tensor, names: list[str], losses: list[list[float]]) -> Group:
    at = torch.linspace(0, len(mixes) - 1, _SHOWN).round().long().tolist()
    pictures = [to_pil(network(photo, mixes[k : k + 1])[0].cpu()) for k in at]
    captions = [f"{k / (len(mixes) - 1):.0%}" for k in at]
    captions[0], captions[-1] = names
    highest = top_of(value for values in losses for value in values)
    plot = Plot(dict(zip(names, losses, strict=True)), f"share of {names[1]}", 0, 1, highest)
    return Group(captions, [Row(["mixes"], pictures)], plot)
