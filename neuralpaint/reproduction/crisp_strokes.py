"""Figure 10 of Stylized Neural Painting: 400 strokes, which the paper shows beside those of Learning to Paint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from PIL import ImageFilter
from torch import Tensor

from neuralpaint.images.io import load_image, to_pil
from neuralpaint.metrics.structural import ssim
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import bounded_psnr, paint_by_blocks, square_photo
from neuralpaint.reproduction.sheets import PANEL, Group, Row, sheet

BRUSH, STROKES = "oil", 400
_WIDEST = 0.25  # of a blur, as a share of the picture
_HALVINGS = 14
_SHARP, _BLURRED = "sharpness, of the photo's", "of a blur of the same PSNR"


@dataclass(frozen=True)
class Sizes:
    """How much work it is: photos, strokes, blocks along the finest grid, pixels along a block."""

    photos: int
    strokes: int
    stages: int
    block_pixels: int


SIZES = {"small": Sizes(2, STROKES, 5, 32), "paper": Sizes(4, STROKES, 5, 128)}


def sharpness(picture: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels of `[3, H, W]`, down and across."""
    return float(picture.diff(dim=1).abs().mean() + picture.diff(dim=2).abs().mean())


def as_far(photo: Tensor, psnr: float) -> Tensor:
    """The photo `[3, S, S]`, blurred until it is as far from itself as a PSNR in dB says: what no stroke is seen in."""
    picture, low, high = to_pil(photo), 0.0, _WIDEST * photo.shape[1]

    def blurred(radius: float) -> Tensor:
        return load_image(picture.filter(ImageFilter.GaussianBlur(radius)))

    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if bounded_psnr(blurred(middle), photo) > psnr:
            low = middle
        else:
            high = middle
    return blurred(high)


def run(request: Request) -> Outcome:
    """The first photos, each painted in 400 strokes, and blurred to the same PSNR."""
    sizes = SIZES[request.scale]
    pixels = sizes.stages * sizes.block_pixels
    rows: list[dict[str, Any]] = []
    lines = []
    for path in request.photos[: sizes.photos]:
        photo = square_photo(path, pixels, request.device)
        painting = paint_by_blocks(
            photo,
            BRUSH,
            sizes.strokes,
            stages=sizes.stages,
            block_pixels=sizes.block_pixels,
            report=partial(request.progress, path.stem),
        ).painting
        photo = photo.cpu()
        painted = painting.render_tensor(pixels)
        psnr = bounded_psnr(painted, photo)
        blurred = as_far(photo, psnr)
        rows.append(
            {
                "photo": path.stem,
                "strokes": len(painting),
                "PSNR, dB": round(psnr, 1),
                "SSIM": round(ssim(painted[None], photo[None]), 2),
                _SHARP: f"{sharpness(painted) / sharpness(photo):.0%}",
                _BLURRED: f"{sharpness(blurred) / sharpness(photo):.0%}",
            }
        )
        shown = [to_pil(photo), painting.render(2 * PANEL), to_pil(blurred)]
        lines.append(Row([path.stem, f"{len(painting)} strokes"], shown))
    return Outcome(
        sheet([Group(["photo", "strokes", "blur, same PSNR"], lines)]),
        _finding(rows),
        all(_share(row, _SHARP) > _share(row, _BLURRED) for row in rows),
        rows,
        {},
        {"photos": len(rows), "pixels": pixels, "brush": BRUSH, "grid": f"{sizes.stages}×{sizes.stages}"},
    )


def _share(row: dict[str, Any], column: str) -> float:
    return float(row[column].rstrip("%")) / 100


def _finding(rows: Sequence[dict[str, Any]]) -> str:
    each = "; ".join(
        f"{row['photo']} {row['PSNR, dB']:g} dB and {row[_SHARP]} of the photo's sharpness, where a blur "
        f"of the same PSNR has {row[_BLURRED]}"
        for row in rows
    )
    return (
        "Learning to Paint is not part of this package, and we know of no numbers that were published for the figure, "
        f"so a blurred photo stands in for it: {rows[0]['strokes']} strokes give {each}."
    )
