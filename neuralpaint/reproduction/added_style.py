"""Figure 6 of A Learned Representation for Artistic Style: a style that is added to a trained network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

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
    means,
    measure,
    schedule,
    spread,
    train,
)
from neuralpaint.reproduction.work import work_folder
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.training.styles.add import new_style
from neuralpaint.training.styles.dataset import load_style, style_name
from neuralpaint.training.styles.settings import StyleSettings

SHARE = 8
"""A style is added with one update of so many that a network for it alone has."""

_SHOWN = 256  # pixels of a picture
_AT_FIRST, _ADDED, _SOON, _SCRATCH = "as it is added", "added", "from scratch, as many updates", "from scratch"

# γ and β of one style see nothing but this style, and stand a far higher rate than all of a network.
_SHORT = {"small": {"warm_up": 0, "learning_rate": 0.02, "ema": 0.9}, "paper": {}}


@dataclass(frozen=True)
class Sizes:
    """How much work it is: the bundled network that styles are added to, how many styles at most, updates from scratch,
    pixels along a piece of a photo, held-out photos."""

    network: str
    styles: int
    updates: int
    pixels: int
    photos: int


SIZES = {"small": Sizes("light", 3, 600, 128, 32), "paper": Sizes("paper", 3, 40_000, 256, 32)}


class _Style(NamedTuple):
    """A painting that the network does not know: the style it begins as, and trainings and losses by what was trained
    and how many updates it had."""

    painting: Tensor
    begins_as: str
    trained: dict[tuple[str, int], Trained]
    losses: dict[tuple[str, int], Losses]

    @property
    def pair(self) -> tuple[Losses, Losses]:
        """Losses from scratch after all updates, and of the style that was added."""
        last = {what: losses for (what, _), losses in self.losses.items()}
        return last[_SCRATCH], last[_ADDED]


def unknown_paintings(files: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """The paintings whose styles a network does not have. ValueError if it has them all."""
    found = [file for file in files if style_name(file) not in names]
    if not found:
        raise ValueError(
            "--styles has only paintings of styles that the network has: add one of another style, under another name "
            "(neuralpaint stylize --list names those that it has)"
        )
    return found


def run(request: Request) -> Outcome:
    """The first paintings that the bundled network does not know: each added to it, and learned from scratch."""
    assert request.features is not None
    sizes = SIZES[request.scale]
    names = load_style_network(sizes.network).names
    files = unknown_paintings(request.styles, names)[: sizes.styles]
    updates = request.updates or sizes.updates
    photos = held_out(request.content, sizes.photos, sizes.pixels, request.device)
    with work_folder(request, "added-style") as folder:
        styles = {style_name(file): _add(request, file, updates, photos, folder) for file in files}
    above = means(style.pair for style in styles.values())
    return Outcome(
        _picture(request, styles),
        _finding(len(names), updates, styles),
        above.content <= MOST_CONTENT and above.style <= MOST_STYLE,
        [_row(name, *key, found) for name, style in styles.items() for key, found in style.losses.items()],
        {
            f"{name}, {what}, {count} updates": found.styles[name]
            for name, style in styles.items()
            for (what, count), found in style.trained.items()
        },
        {
            "network": sizes.network,
            "begin as": ", ".join(style.begins_as for style in styles.values()),
            "architecture from scratch": schedule(request.scale, updates, sizes.pixels).architecture,
            "photos an update": schedule(request.scale, updates, sizes.pixels).batch,
            "pixels": sizes.pixels,
            "features": type(request.features).__name__,
            "held-out photos": len(photos),
            "seconds of training": round(
                sum(one.seconds for style in styles.values() for one in style.trained.values())
            ),
        },
    )


def _add(request: Request, file: Path, updates: int, photos: Tensor, folder: Path) -> _Style:
    """Adds a painting's style to the network, and learns it from scratch, in as many updates and in all of them."""
    assert request.features is not None
    sizes, features = SIZES[request.scale], request.features
    name, painting, network = style_name(file), load_style(file), load_style_network(sizes.network)
    short = max(1, updates // SHARE)
    start = new_style(network, name, painting, features.to("cpu"), list(request.content))
    style = _Style(painting, start, {}, {(_AT_FIRST, 0): measure(network, name, painting, features, photos)})
    for what, count, base, changes in (
        (_ADDED, short, network.to("cpu"), _SHORT[request.scale]),
        (_SOON, short, None, {}),
        (_SCRATCH, updates, None, {}),
    ):
        settings = schedule(request.scale, count, sizes.pixels, **changes)
        there = folder / f"{name}-{'added' if base is not None else 'scratch'}-{count}"
        report = partial(request.progress, f"{name}: {what}, {count} updates")
        found = train(
            *(settings, {name: painting}, request.content, features, there, request.device),
            network=base,
            report=report,
        )
        style.trained[what, count] = found
        style.losses[what, count] = measure(found.network, name, painting, features, photos)
    return style


def _row(name: str, what: str, updates: int, losses: Losses) -> dict[str, Any]:
    return {
        "style": name,
        "network": what,
        "updates": updates,
        "content loss": round(losses.content, 3),
        "style loss": round(losses.style, 3),
    }


def _finding(known: int, updates: int, styles: Mapping[str, _Style]) -> str:
    pairs = [style.pair for style in styles.values()]
    short = max(1, updates // SHARE)
    soon = [(style.pair[0], style.losses[_SOON, short]) for style in styles.values()]
    many = "One painting" if len(styles) == 1 else f"{len(styles)} paintings"
    return (
        f"{many}, new to a network of {known} styles, added in {short} updates: from the losses of networks that have "
        f"had {updates} updates from scratch, style differs by {spread(pairs, 'style')} and content by "
        f"{spread(pairs, 'content')}; the sum that is minimised by {_of_sums(pairs):+.0%}. After {short} updates from "
        f"scratch, style differs by {spread(soon, 'style')} and content by {spread(soon, 'content')}."
    )


def _of_sums(pairs: Sequence[tuple[Losses, Losses]]) -> float:
    """How far the weighted sums of the second losses of each pair are above those of the first, as a mean share."""
    weight = StyleSettings().style_weight
    sums = [[losses.content + weight * losses.style for losses in pair] for pair in pairs]
    return round(sum(other / one - 1 for one, other in sums) / len(sums), 2) + 0.0  # no −0 %


def _picture(request: Request, styles: Mapping[str, _Style]) -> Any:
    photo = square_photo(request.photos[0], _SHOWN, request.device)
    every = [one for style in styles.values() for one in style.trained.values()]
    highest = top_of(value for one in every for some in one.styles.values() for value in some)
    groups = []
    for name, style in styles.items():
        pictures = [photo.cpu(), middle_square(style.painting)]
        pictures += [in_style(found.network, name, photo) for found in style.trained.values()]
        captions = ["photo", "painting"]
        captions += [f"{'added' if what == _ADDED else 'scratch'}, {count} updates" for what, count in style.trained]
        curves, places = {}, {}
        for (what, count), found in style.trained.items():
            label = f"{'added' if what == _ADDED else 'scratch'}, {count}"
            curves[label], places[label] = found.styles[name], [float(step) for step in found.steps]
        last = max(step for steps in places.values() for step in steps)
        plot = Plot(curves, "updates", 0, last, highest, at=places)
        groups.append(Group(captions, [Row(name.split("-"), [to_pil(p) for p in pictures])], plot))
    return sheet(groups, "style loss on held-out photos")
