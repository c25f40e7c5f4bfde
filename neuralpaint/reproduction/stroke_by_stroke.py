"""Figure 7 of Stylized Neural Painting: a painting while its strokes are added, and the loss meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.painting import Painting
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import bounded_psnr, paint_by_blocks, square_photo
from neuralpaint.reproduction.sheets import PANEL, Group, Plot, Row, sheet, top_of

BRUSHES = ("oil", "marker")
_SHARES = (0.02, 0.1, 0.3, 1.0)  # of the strokes, in the pictures
_FALLS = 0.8  # of the strokes must lower the error, for the figure to agree


@dataclass(frozen=True)
class Sizes:
    """How much work it is: strokes, blocks along the finest grid, pixels along a block."""

    strokes: int
    stages: int
    block_pixels: int


SIZES = {"small": Sizes(120, 4, 64), "paper": Sizes(500, 5, 128)}


def run(request: Request) -> Outcome:
    """The first photo, once with each brush."""
    sizes, path = SIZES[request.scale], request.photos[0]
    pixels = sizes.block_pixels * sizes.stages
    photo = square_photo(path, pixels, request.device)
    groups: list[Group] = []
    rows: list[dict[str, Any]] = []
    curves: dict[str, list[float]] = {}
    for brush in BRUSHES:
        painted = paint_by_blocks(
            photo,
            brush,
            sizes.strokes,
            stages=sizes.stages,
            block_pixels=sizes.block_pixels,
            report=partial(request.progress, brush),
        )
        errors = prefix_errors(painted.painting, photo)
        falls = sum(after <= before for before, after in zip(errors, errors[1:], strict=False)) / sizes.strokes
        rows.append(
            {
                "brush": brush,
                "strokes": sizes.strokes,
                "L1 error of the canvas": round(errors[0], 3),
                "L1 error of the painting": round(errors[-1], 3),
                "strokes that lower it": f"{falls:.0%}",
                "PSNR, dB": round(bounded_psnr(painted.painting.render_tensor(pixels), photo.cpu()), 1),
            }
        )
        counts = [max(1, round(share * sizes.strokes)) for share in _SHARES]
        pictures = [painted.painting[:count].render(PANEL * 2) for count in counts]
        names = [f"{count} stroke{'s' * (count > 1)}" for count in counts]
        plot = Plot({"L1": errors}, "strokes", 0, sizes.strokes, top_of(errors), legend=False)
        row = Row([brush, f"{sizes.strokes} strokes"], [*pictures, to_pil(photo.cpu())])
        groups.append(Group([*names, "photo"], [row], plot))
        curves |= {f"{brush}, L1 by stroke": errors, f"{brush}, mean square by step": painted.errors}
    return Outcome(
        sheet(groups, "L1 error by stroke"),
        _finding(rows),
        all(float(row["strokes that lower it"].rstrip("%")) >= 100 * _FALLS for row in rows),
        rows,
        curves,
        {"photo": path.name, "pixels": pixels, "grid": f"{sizes.stages}×{sizes.stages}", "transport": 0.1},
    )


@torch.no_grad()
def prefix_errors(painting: Painting, photo: Tensor) -> list[float]:
    """Mean absolute error of the painting after 0, 1, 2 … strokes, at the photo's size."""
    photo = photo.cpu()
    canvas = torch.tensor(painting.background).view(3, 1, 1).expand_as(photo)
    errors = [float((canvas - photo).abs().mean())]
    for count in range(1, len(painting) + 1):
        errors.append(float((painting[:count].render_tensor(photo.shape[1]) - photo).abs().mean()))
    return errors


def _finding(rows: list[dict[str, Any]]) -> str:
    each = "; ".join(
        f"with {row['brush']} from {row['L1 error of the canvas']:g} to {row['L1 error of the painting']:g}, "
        f"{row['strokes that lower it']} of the strokes lowering it"
        for row in rows
    )
    return f"The L1 error falls {each}."
