"""Figure 11 of Stylized Neural Painting: photos as the pictures of an 8-bit game, of upright rectangles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.painting import Painting
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import bounded_psnr, paint_by_blocks, square_photo
from neuralpaint.reproduction.sheets import PANEL, Group, Row, sheet

BRUSH = "pixel"
_SAME = "of the painting drawn large, against itself"
_EQUAL = 30.0  # dB, from which on two drawings of a painting are taken as the same
LARGE = 2048  # pixels, at which a detail is shown
_DETAIL = (0.35, 0.35, 0.3)  # left, top, side, as shares of the picture


@dataclass(frozen=True)
class Sizes:
    """How much work it is: photos, strokes, blocks along the finest grid, pixels along a block, bits of a channel."""

    photos: int
    strokes: int
    stages: int
    block_pixels: int
    bits: int


SIZES = {"small": Sizes(2, 150, 4, 48, 2), "paper": Sizes(4, 500, 5, 128, 2)}


def posterised(photo: Tensor, bits: int) -> Tensor:
    """The photo with so many bits a channel: 2^bits equal steps from 0 to 1."""
    top = 2**bits - 1
    return (photo * top).round() / top


def tiles(photo: Tensor, count: int) -> Tensor:
    """A mosaic of at most so many equal square tiles, each of the mean colour: what so many rectangles do unplaced."""
    across = max(1, math.isqrt(count))
    return F.interpolate(F.adaptive_avg_pool2d(photo[None], across), size=photo.shape[1:], mode="nearest")[0]


def run(request: Request) -> Outcome:
    """The first photos: as they are, with few bits a channel, and that painted; and a detail of both."""
    sizes = SIZES[request.scale]
    pixels = sizes.stages * sizes.block_pixels
    rows: list[dict[str, Any]] = []
    lines = []
    for path in request.photos[: sizes.photos]:
        photo = square_photo(path, pixels, request.device)
        low = posterised(photo, sizes.bits)
        painted = paint_by_blocks(
            low,
            BRUSH,
            sizes.strokes,
            stages=sizes.stages,
            block_pixels=sizes.block_pixels,
            report=partial(request.progress, path.stem),
        )
        shown = painted.painting.render_tensor(pixels).to(photo.device)
        rows.append(
            {
                "photo": path.stem,
                "strokes": len(painted.painting),
                "PSNR of the posterised photo, dB": round(bounded_psnr(low, photo), 1),
                "of the painting against it": round(bounded_psnr(shown, low), 1),
                "of a mosaic of equal tiles": round(bounded_psnr(tiles(low, len(painted.painting)), low), 1),
                _SAME: round(bounded_psnr(_from_large(painted.painting, pixels), shown.cpu()), 1),
            }
        )
        left, top, side = (round(share * LARGE) for share in _DETAIL)
        detail = painted.painting.render(LARGE).crop((left, top, left + side, top + side))
        shares = [round(share * pixels) for share in _DETAIL]
        coarse = to_pil(low.cpu()).crop((shares[0], shares[1], shares[0] + shares[2], shares[1] + shares[2]))
        pictures = [to_pil(photo.cpu()), to_pil(low.cpu()), painted.painting.render(PANEL * 2)]
        lines.append(Row([path.stem], [*pictures, coarse.resize((PANEL, PANEL), 0), detail]))
    captions = [
        "photo",
        f"{sizes.bits} bits a channel",
        f"{sizes.strokes} strokes",
        "detail, pixels",
        "detail, strokes",
    ]
    return Outcome(
        sheet([Group(captions, lines)]),
        _finding(rows, sizes),
        all(_holds(row) for row in rows),
        rows,
        {},
        {"photos": len(rows), "pixels": pixels, "bits a channel": sizes.bits, "brush": BRUSH, "transport": 0.1},
    )


def _from_large(painting: Painting, pixels: int) -> Tensor:
    """The painting drawn at `LARGE` pixels and averaged to `pixels`."""
    return F.adaptive_avg_pool2d(painting.render_tensor(LARGE)[None], pixels)[0]


def _holds(row: Mapping[str, Any]) -> bool:
    """Rectangles that were placed show more than a mosaic, and the painting is the same at every size."""
    return row["of the painting against it"] > row["of a mosaic of equal tiles"] and row[_SAME] > _EQUAL


def _finding(rows: Sequence[Mapping[str, Any]], sizes: Sizes) -> str:
    each = "; ".join(
        f"{row['photo']} {row['of the painting against it']:g} dB, against {row['of a mosaic of equal tiles']:g} dB of "
        f"{math.isqrt(sizes.strokes) ** 2} equal tiles"
        for row in rows
    )
    same = min(row[_SAME] for row in rows)
    return (
        f"Of photos of {sizes.bits} bits a channel, {sizes.strokes} upright rectangles reach: {each}. Drawn at "
        f"{LARGE} pixels and averaged down, the paintings are the same within {same:g} dB. Whether they look like a "
        "game is for the eye to judge."
    )
