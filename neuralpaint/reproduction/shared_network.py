"""Figure 5 of A Learned Representation for Artistic Style: one network of many styles beside a network for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import middle_square, square_photo
from neuralpaint.reproduction.sheets import COLORS, Group, Plot, Row, sheet, top_of
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
from neuralpaint.training.styles.dataset import load_style, style_name

MOST_CONTENT, MOST_STYLE = 0.15, 0.10
"""How far the mean losses of the shared network may be above those of networks of one style. The paper (section 3.2)
has contents 8.7 % above and styles 8.9 % below, with standard deviations of 3.9 and 16.5 %."""

_SHOWN = 256  # pixels of a picture
_ALONE, _SHARED = "alone", "one of several"


@dataclass(frozen=True)
class Sizes:
    """How much work it is: styles, updates of each training, pixels along a piece of a photo, held-out photos."""

    styles: int
    updates: int
    pixels: int
    photos: int


SIZES = {"small": Sizes(3, 900, 96, 32), "paper": Sizes(16, 40_000, 256, 32)}


def run(request: Request) -> Outcome:
    """The first paintings: one network of all, and one of each, trained alike."""
    assert request.features is not None
    sizes = SIZES[request.scale]
    paintings = {style_name(path): load_style(path) for path in request.styles[: sizes.styles]}
    if len(paintings) < 2:
        raise ValueError(f"--styles has {len(paintings)} painting, and two are needed: one network is to learn both")
    settings = schedule(request.scale, request.updates or sizes.updates, sizes.pixels)
    photos = held_out(request.content, sizes.photos, sizes.pixels, request.device)
    alone: dict[str, Trained] = {}
    with work_folder(request, "shared-network") as folder:

        def trained(name: str, some: Mapping[str, Tensor]) -> Trained:
            report = partial(request.progress, name)
            assert request.features is not None
            return train(
                settings, some, request.content, request.features, folder / name, request.device, report=report
            )

        shared = trained("together", paintings)
        for name, painting in paintings.items():
            alone[name] = trained(f"alone-{name}", {name: painting})
    losses: dict[str, tuple[Losses, Losses]] = {
        name: (
            measure(alone[name].network, name, painting, request.features, photos),
            measure(shared.network, name, painting, request.features, photos),
        )
        for name, painting in paintings.items()
    }
    rows = [_row(name, *pair) for name, pair in losses.items()]
    above = means(losses.values())
    curves: dict[str, list[float]] = {}
    for name in paintings:
        curves |= {f"{name}, {_ALONE}": alone[name].styles[name], f"{name}, {_SHARED}": shared.styles[name]}
    return Outcome(
        _picture(request, paintings, alone, shared),
        _finding([*losses.values()], _photo_for_photo(alone, shared)),
        above.content <= MOST_CONTENT and above.style <= MOST_STYLE,
        rows,
        curves,
        {
            "architecture": settings.architecture,
            "styles": len(paintings),
            "updates": settings.steps,
            "photos an update": settings.batch,
            "pixels": sizes.pixels,
            "features": type(request.features).__name__,
            "held-out photos": len(photos),
            "seconds of training": round(sum(found.seconds for found in (shared, *alone.values()))),
        },
    )


def _row(name: str, alone: Losses, shared: Losses) -> dict[str, Any]:
    row: dict[str, Any] = {"style": name}
    for kind in Losses._fields:
        one, many = getattr(alone, kind), getattr(shared, kind)
        row |= {f"{kind} loss, {_ALONE}": round(one, 3), f"{kind} loss, {_SHARED}": round(many, 3)}
        row[f"{kind}: difference"] = f"{many / one - 1:+.0%}"
    return row


def _photo_for_photo(alone: Mapping[str, Trained], shared: Trained) -> float:
    """How far the style loss of the shared network is above the others' when those have had as many photos of the
    style: the mean over the styles, as a share."""
    found = []
    for name, one in alone.items():
        after = shared.steps[-1] / len(alone)
        nearest = min(range(len(one.steps)), key=lambda k: abs(one.steps[k] - after))
        found.append(shared.styles[name][-1] / one.styles[name][nearest] - 1)
    return sum(found) / len(found)


def _finding(pairs: Sequence[tuple[Losses, Losses]], photo_for_photo: float) -> str:
    return (
        f"After as many updates the content losses of the network of {len(pairs)} styles differ by "
        f"{spread(pairs, 'content')} from those of networks of one style, and its style losses by "
        f"{spread(pairs, 'style')}; from the style losses of networks that have had as many photos of their style, "
        f"which takes 1/{len(pairs)} of the updates, they differ by {photo_for_photo:+.0%}."
    )


def _picture(request: Request, paintings: Mapping[str, Tensor], alone: Mapping[str, Trained], shared: Trained) -> Any:
    photo = square_photo(request.photos[0], _SHOWN, request.device)
    groups = []
    highest = top_of(
        value for trained in (shared, *alone.values()) for some in trained.styles.values() for value in some
    )
    for name, painting in paintings.items():
        mine = alone[name]
        pictures = [photo.cpu(), middle_square(painting), in_style(mine.network, name, photo)]
        pictures.append(in_style(shared.network, name, photo))
        plot = Plot(
            {_ALONE: mine.styles[name], _SHARED: shared.styles[name]},
            "updates",
            0,
            shared.steps[-1],
            highest,
            at={_ALONE: mine.steps, _SHARED: shared.steps},
        )
        captions = ["photo", "painting", "network of this style", f"network of {len(paintings)}"]
        groups.append(Group(captions, [Row(name.split("-"), [to_pil(p) for p in pictures], COLORS[6])], plot))
    return sheet(groups, "style loss on held-out photos")
