"""Figure 9 of Stylized Neural Painting: strokes that are moved towards the style of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.losses.features import Features
from neuralpaint.losses.style import MODES, StyleLoss
from neuralpaint.metrics.structural import ssim
from neuralpaint.painting import Painting
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import middle_square, square_photo
from neuralpaint.reproduction.sheets import PANEL, Group, Row, sheet
from neuralpaint.reproduction.style_mixes import FIRST
from neuralpaint.search.paint import paint
from neuralpaint.search.restyle import WEIGHT, restyle
from neuralpaint.training.styles.dataset import load_style, style_name

BRUSH = "oil"

FALL, KEPT = 0.5, 0.75
"""Each style loss must fall by so much, and the mean likeness to the photos (SSIM in grey) stay above such a share of
what it was, for the figure to agree."""


@dataclass(frozen=True)
class Sizes:
    """How much work it is: photos, pictures of styles, strokes, the preset that paints, pixels along a photo, gradient
    steps of a restyling, pixels along the canvas that the style loss sees."""

    photos: int
    styles: int
    strokes: int
    preset: str
    pixels: int
    steps: int
    judged: int


SIZES = {
    "small": Sizes(3, 4, 700, "fast", 256, 80, 96),
    "paper": Sizes(3, 4, 1000, "paper", 512, 200, 192),
}


@dataclass(frozen=True)
class Restyled:
    """A painting moved towards a style, and how far: (before, after) of the style loss and of SSIM in grey."""

    painting: Painting
    style: tuple[float, float]
    likeness: tuple[float, float]
    same_shapes: bool


def choose_styles(files: Sequence[Path], count: int) -> list[Path]:
    """Up to `count` paintings, those of `FIRST` before others."""
    known = {style_name(file): file for file in files}
    return [known[name] for name in dict.fromkeys([*(name for name in FIRST if name in known), *known])][:count]


def run(request: Request) -> Outcome:
    """The first photos, painted, and restyled by each picture in both modes."""
    assert request.features is not None
    sizes = SIZES[request.scale]
    files = choose_styles(request.styles, sizes.styles)
    photos = {path.stem: square_photo(path, sizes.pixels, request.device) for path in request.photos[: sizes.photos]}
    paintings: dict[str, Painting] = {}
    found: dict[tuple[str, str, str], Restyled] = {}
    total = len(photos) * (1 + len(files) * len(MODES))
    for photo, pixels in photos.items():
        paintings[photo] = paint(pixels, BRUSH, sizes.strokes, sizes.preset, device=request.device)
        request.progress(photo, len(paintings) + len(found), total)
        for path in files:
            style = load_style(path)
            for mode in MODES:
                found[photo, style_name(path), mode] = _restyle(
                    paintings[photo], pixels, style, mode, request.features, sizes, request.device
                )
                request.progress(f"{photo}, {style_name(path)}", len(paintings) + len(found), total)
    rows = [_row(found, style_name(path), mode) for path in files for mode in MODES]
    return Outcome(
        _picture(photos, paintings, files, found),
        _finding(found),
        agrees(list(found.values())),
        rows,
        {},
        {
            "photos": len(photos),
            "brush": BRUSH,
            "strokes": sizes.strokes,
            "preset": sizes.preset,
            "style weight": WEIGHT,
            "steps": sizes.steps,
            "canvas judged at": f"{sizes.judged}×{sizes.judged} pixels",
            "features": type(request.features).__name__,
        },
    )


def _restyle(
    painting: Painting,
    photo: Tensor,
    style: Tensor,
    mode: Any,
    features: Features,
    sizes: Sizes,
    device: torch.device,
) -> Restyled:
    """Both modes are judged by the loss of color+texture."""
    judge = StyleLoss(style, features=features, size=sizes.judged, device=device)
    loss = (
        judge
        if mode == judge.mode
        else StyleLoss(style, mode=mode, features=features, size=sizes.judged, device=device)
    )
    moved = restyle(painting, photo, loss, steps=sizes.steps, device=device)
    shape = painting.brush.shape
    styles, likenesses = [], []
    for some in (painting, moved):
        with torch.no_grad():
            styles.append(float(judge(some.render_tensor(sizes.judged).to(device)[None])))
        grey = [_grey(picture) for picture in (some.render_tensor(photo.shape[1]), photo.cpu())]
        likenesses.append(ssim(*grey))
    return Restyled(
        moved,
        (styles[0], styles[1]),
        (likenesses[0], likenesses[1]),
        bool((painting.strokes[:, shape] == moved.strokes[:, shape]).all()),
    )


def _grey(picture: Tensor) -> Tensor:
    return picture.mean(0, keepdim=True).expand(3, -1, -1)[None]


def agrees(found: Sequence[Restyled]) -> bool:
    """Whether the style loss falls by `FALL` everywhere, and likeness stays, on the average."""
    before, after = (sum(one.likeness[k] for one in found) for k in (0, 1))
    return all(one.style[1] <= (1 - FALL) * one.style[0] for one in found) and after >= KEPT * before


def _row(found: Mapping[tuple[str, str, str], Restyled], style: str, mode: str) -> dict[str, Any]:
    mine = [one for (_, name, how), one in found.items() if (name, how) == (style, mode)]

    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values)

    before, after = (mean([one.style[k] for one in mine]) for k in (0, 1))
    return {
        "style": style,
        "mode": mode,
        "photos": len(mine),
        "style loss of the painting": round(before, 3),
        "restyled": round(after, 3),
        "change": f"{after / before - 1:+.0%}",
        "SSIM to the photo, in grey": round(mean([one.likeness[0] for one in mine]), 2),
        "of the restyled": round(mean([one.likeness[1] for one in mine]), 2),
    }


def _finding(found: Mapping[tuple[str, str, str], Restyled]) -> str:
    parts = []
    for mode in MODES:
        mine = [one for (*_, how), one in found.items() if how == mode]
        falls = [1 - one.style[1] / one.style[0] for one in mine]
        before, after = (sum(one.likeness[k] for one in mine) / len(mine) for k in (0, 1))
        same = sum(one.same_shapes for one in mine)
        parts.append(
            f"in mode {mode} the style loss falls by {min(falls):.0%} to {max(falls):.0%}, SSIM to the photo in grey "
            f"goes from {before:.2f} to {after:.2f}, and {same} of {len(mine)} paintings keep all shapes of strokes"
        )
    return f"Of {len(found)} restyled paintings: {'; '.join(parts)}."


def _picture(
    photos: Mapping[str, Tensor],
    paintings: Mapping[str, Painting],
    files: Sequence[Path],
    found: Mapping[tuple[str, str, str], Restyled],
) -> Image.Image:
    white = Image.new("RGB", (PANEL, PANEL), "white")
    rows = [Row(["styles"], [white, *(to_pil(middle_square(load_style(path))) for path in files)])]
    for photo, pixels in photos.items():
        first = {MODES[0]: to_pil(pixels.cpu()), MODES[1]: paintings[photo].render(2 * PANEL)}
        for mode in MODES:
            shown = [found[photo, style_name(path), mode].painting.render(2 * PANEL) for path in files]
            rows.append(Row([photo, mode], [first[mode], *shown]))
    return sheet([Group(["photo, strokes", *(style_name(path) for path in files)], rows)])
