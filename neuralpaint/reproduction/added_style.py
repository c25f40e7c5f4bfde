"""Figure 6 of A Learned Representation for Artistic Style: a style that is added to a trained network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import middle_square, square_photo
from neuralpaint.reproduction.shared_network import MOST_CONTENT, MOST_STYLE
from neuralpaint.reproduction.sheets import Group, Plot, Row, sheet, top_of
from neuralpaint.reproduction.style_training import (
    Losses,
    Trained,
    held_out,
    in_style,
    measure,
    schedule,
    train,
)
from neuralpaint.reproduction.work import work_folder
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.training.styles.add import new_style
from neuralpaint.training.styles.dataset import load_style, style_name

SHARE = 8
"""A style is added with one update of so many that a network for it alone has."""

_SHOWN = 256  # pixels of a picture
_AT_FIRST, _ADDED, _SOON, _SCRATCH = "as it is added", "added", "from scratch, as many updates", "from scratch"

# γ and β of one style see nothing but this style, and stand a far higher rate than all of a network.
_SHORT = {"small": {"warm_up": 0, "learning_rate": 0.02, "ema": 0.9}, "paper": {}}


@dataclass(frozen=True)
class Sizes:
    """How much work it is: the bundled network that a style is added to, updates from scratch, pixels along a piece of
    a photo, held-out photos."""

    network: str
    updates: int
    pixels: int
    photos: int


SIZES = {"small": Sizes("light", 600, 128, 32), "paper": Sizes("paper", 40_000, 256, 32)}


def unknown_painting(files: Sequence[Path], names: Sequence[str]) -> Path:
    """The first painting whose style a network does not have. ValueError if it has them all."""
    for file in files:
        if style_name(file) not in names:
            return file
    raise ValueError(
        "--styles has only paintings of styles that the network has: add one of another style, under another name "
        "(neuralpaint stylize --list names those that it has)"
    )


def run(request: Request) -> Outcome:
    """The first painting that the bundled network does not know: added to it, and learned from scratch."""
    assert request.features is not None
    sizes, features = SIZES[request.scale], request.features
    network = load_style_network(sizes.network)
    file = unknown_painting(request.styles, network.names)
    name, painting = style_name(file), load_style(file)
    updates = request.updates or sizes.updates
    short = max(1, updates // SHARE)
    photos = held_out(request.content, sizes.photos, sizes.pixels, request.device)
    start = new_style(network, name, painting, features.to("cpu"), list(request.content))
    losses = {(_AT_FIRST, 0): measure(network, name, painting, features, photos)}
    trained: dict[tuple[str, int], Trained] = {}
    with work_folder(request, "added-style") as folder:
        for what, count, base, changes in (
            (_ADDED, short, network.to("cpu"), _SHORT[request.scale]),
            (_SOON, short, None, {}),
            (_SCRATCH, updates, None, {}),
        ):
            settings = schedule(request.scale, count, sizes.pixels, **changes)
            there = folder / f"{'added' if base is not None else 'scratch'}-{count}"
            report = partial(request.progress, f"{what}, {count} updates")
            found = train(
                *(settings, {name: painting}, request.content, features, there, request.device),
                network=base,
                report=report,
            )
            trained[what, count] = found
            losses[what, count] = measure(found.network, name, painting, features, photos)
    added, scratch = losses[_ADDED, short], losses[_SCRATCH, updates]
    return Outcome(
        _picture(request, name, painting, trained),
        _finding(name, len(network.names) - 1, losses),
        added.content <= (1 + MOST_CONTENT) * scratch.content and added.style <= (1 + MOST_STYLE) * scratch.style,
        [_row(name, *key, found) for key, found in losses.items()],
        {f"{what}, {count} updates": found.styles[name] for (what, count), found in trained.items()},
        {
            "network": sizes.network,
            "begins as": start,
            "architecture from scratch": schedule(request.scale, updates, sizes.pixels).architecture,
            "photos an update": schedule(request.scale, updates, sizes.pixels).batch,
            "pixels": sizes.pixels,
            "features": type(features).__name__,
            "held-out photos": len(photos),
            "seconds of training": round(sum(found.seconds for found in trained.values())),
        },
    )


def _row(name: str, what: str, updates: int, losses: Losses) -> dict[str, Any]:
    return {
        "style": name,
        "network": what,
        "updates": updates,
        "content loss": round(losses.content, 3),
        "style loss": round(losses.style, 3),
    }


def _finding(name: str, known: int, losses: Mapping[tuple[str, int], Losses]) -> str:
    words = []
    for (what, updates), found in losses.items():
        after = f" after {updates} updates" if updates else ""
        words.append(f"{what}{after} {found.style:.3f} and {found.content:.3f}")
    (_, short), (_, long) = [key for key in losses if key[0] in (_ADDED, _SCRATCH)]
    added, scratch = losses[_ADDED, short], losses[_SCRATCH, long]
    return (
        f"{name}, new to a network of {known} styles, has style and content losses: {'; '.join(words)}. So an added "
        f"style differs from one that has had {long / short:g} times the updates by "
        f"{added.style / scratch.style - 1:+.0%} in style and {added.content / scratch.content - 1:+.0%} in content."
    )


def _picture(request: Request, name: str, painting: Tensor, trained: Mapping[tuple[str, int], Trained]) -> Any:
    rows = []
    for path in request.photos[:2]:
        photo = square_photo(path, _SHOWN, request.device)
        pictures = [to_pil(photo.cpu()), to_pil(middle_square(painting))]
        pictures += [to_pil(in_style(found.network, name, photo)) for found in trained.values()]
        rows.append(Row([path.stem], pictures))
    captions = ["photo", "painting"]
    captions += [f"{'added' if what == _ADDED else 'scratch'}, {count} updates" for what, count in trained]
    curves, places = {}, {}
    for (what, count), found in trained.items():
        label = f"{'added' if what == _ADDED else 'scratch'}, {count}"
        curves[label], places[label] = found.styles[name], [float(step) for step in found.steps]
    last = max(step for steps in places.values() for step in steps)
    plot = Plot(curves, "updates", 0, last, top_of(value for values in curves.values() for value in values), at=places)
    return sheet([Group(captions, rows, plot)], "style loss on held-out photos")
