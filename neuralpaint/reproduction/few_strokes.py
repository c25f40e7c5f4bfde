"""Figure 8 of Stylized Neural Painting: highly abstract paintings, of a few strokes of tape or marker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.losses.features import Features
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import bounded_psnr, paint_by_blocks, square_photo
from neuralpaint.reproduction.sheets import PANEL, Group, Row, sheet

BRUSHES = ("tape", "marker")

KNOWN = 0.9
"""Share of the paintings that must be nearest to their own photo, for the figure to agree."""

_TOGETHER = 16  # photos in a batch


@dataclass(frozen=True)
class Sizes:
    """How much work it is: photos, numbers of strokes, blocks along the finest grid, pixels along a block, other photos
    that a painting is compared with, pixels at which they are."""

    photos: int
    strokes: tuple[int, ...]
    stages: int
    block_pixels: int
    others: int
    compared: int


SIZES = {"small": Sizes(3, (20, 60), 2, 32, 400, 64), "paper": Sizes(8, (30, 100), 4, 128, 400, 128)}


@torch.no_grad()
def descriptions(pictures: Tensor, features: Features) -> Tensor:
    """`[B, D]`: what the features see in pictures `[B, 3, S, S]`, of unit length; in grey, for colours alone would tell
    most photos."""
    layer = features.content_layer
    pictures = pictures.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    found = torch.cat([features(some, (layer,))[layer].flatten(1) for some in pictures.split(_TOGETHER)])
    return torch.nn.functional.normalize(found, dim=1)


def rank(painting: Tensor, photos: Tensor, own: int) -> int:
    """Of descriptions `[D]` and `[N, D]`: the place, from 1, of photo `own` among those nearest to the painting."""
    nearness = photos @ painting
    return 1 + int((nearness > nearness[own]).sum())


def run(request: Request) -> Outcome:
    """The first photos in few strokes; each painting is compared with its photo and with all others."""
    assert request.features is not None
    sizes = SIZES[request.scale]
    features = request.features.to(request.device)
    mine = request.photos[: sizes.photos]
    candidates = [*mine, *request.content[: sizes.others]]
    everything = torch.stack([square_photo(path, sizes.compared, request.device) for path in candidates])
    known = descriptions(everything, features)
    pixels = sizes.stages * sizes.block_pixels
    rows: list[dict[str, Any]] = []
    lines = []
    for own, path in enumerate(mine):
        photo = square_photo(path, pixels, request.device)
        pictures: list[Image.Image] = [to_pil(square_photo(path, 2 * PANEL, torch.device("cpu")))]
        for brush in BRUSHES:
            for count in sizes.strokes:
                painting = paint_by_blocks(
                    photo,
                    brush,
                    count,
                    stages=sizes.stages,
                    block_pixels=sizes.block_pixels,
                    report=partial(request.progress, f"{path.stem}, {brush}"),
                ).painting
                small = painting.render_tensor(sizes.compared).to(request.device)
                rows.append(
                    {
                        "photo": path.stem,
                        "brush": brush,
                        "strokes": len(painting),
                        "PSNR, dB": round(bounded_psnr(painting.render_tensor(pixels), photo.cpu()), 1),
                        "its photo's place among the nearest": rank(descriptions(small[None], features)[0], known, own),
                        "of photos": len(candidates),
                    }
                )
                pictures.append(painting.render(2 * PANEL))
        lines.append(Row([path.stem], pictures))
    captions = ["photo", *(f"{brush}, {count} strokes" for brush in BRUSHES for count in sizes.strokes)]
    return Outcome(
        sheet([Group(captions, lines)]),
        _finding(rows),
        _told(rows) >= KNOWN * len(rows),
        rows,
        {},
        {
            "photos": len(mine),
            "pixels": pixels,
            "grid": f"{sizes.stages}×{sizes.stages}",
            "transport": 0.1,
            "features": type(request.features).__name__,
            "compared at": f"{sizes.compared}×{sizes.compared} pixels",
        },
    )


def _told(rows: Sequence[dict[str, Any]]) -> int:
    return sum(row["its photo's place among the nearest"] == 1 for row in rows)


def _finding(rows: Sequence[dict[str, Any]]) -> str:
    parts = []
    for count in dict.fromkeys(row["strokes"] for row in rows):
        some = [row for row in rows if row["strokes"] == count]
        psnr = sum(row["PSNR, dB"] for row in some) / len(some)
        parts.append(f"with {count} strokes {_told(some)} of {len(some)} (mean PSNR {psnr:.1f} dB)")
    return (
        "By what the features see in grey, paintings are nearer to their own photo than to any of "
        f"{rows[0]['of photos'] - 1} others: {', '.join(parts)}."
    )
