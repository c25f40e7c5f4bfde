"""Plain-torch truth for `render_paths`: differentiable by autograd, arguments unchecked, memory [edges, H, W]."""

from __future__ import annotations

import torch
from torch import Tensor

from neuralpaint.ops.path_layout import CAPS, FILL_RULES, JOINS, PathLayout
from neuralpaint.ops.reference.outline import Stroke, flatten, line_count, stroke_outline


def signed_area(contours: list[Tensor], height: int, width: int) -> Tensor:
    """A `[H, W]`: for each pixel the sum, over closed contours `[n, 2]`, of the areas to the right of their lines.
    Those of lines that go down count positive."""
    start = torch.cat(contours)
    way = torch.cat([contour.roll(-1, 0) for contour in contours]) - start
    level = way[:, 1] == 0
    slope = torch.where(level, 1.0, way[:, 1])[:, None]
    rows = torch.arange(height, dtype=start.dtype)
    # The part of each line in each row, from s0 to s1 of its way.
    top, bottom = rows, rows + 1
    here = ((start[:, 1:] >= top) & (start[:, 1:] < bottom)).to(start.dtype)
    s0 = torch.where(level[:, None], 0 * here, ((top - start[:, 1:]) / slope).clamp(0, 1))
    s1 = torch.where(level[:, None], here, ((bottom - start[:, 1:]) / slope).clamp(0, 1))
    drop = (s1 - s0).abs() * way[:, 1:]
    columns = torch.arange(width, dtype=start.dtype)
    u0 = columns + 1 - (start[:, :1] + s0 * way[:, :1])[..., None]
    u1 = columns + 1 - (start[:, :1] + s1 * way[:, :1])[..., None]
    same = (u1 - u0).abs() < 1e-9

    def integral(u: Tensor) -> Tensor:
        return torch.where(u < 1, u.clamp(min=0) ** 2 / 2, u - 0.5)

    mean = torch.where(same, u0.clamp(0, 1), (integral(u1) - integral(u0)) / torch.where(same, 1.0, u1 - u0))
    return (drop[..., None] * mean).sum(0)


def coverage(area: Tensor, rule: str) -> Tensor:
    """The fill rule applied to A."""
    if rule == "nonzero":
        return area.abs().clamp(max=1)
    rest = area.abs().remainder(2)
    return torch.minimum(rest, 2 - rest)


def render_paths(
    canvas: Tensor,
    points: Tensor,
    layout: PathLayout,
    *,
    fill: Tensor | None = None,
    stroke: Tensor | None = None,
    width: Tensor | None = None,
    miter_limit: float = 4.0,
) -> Tensor:
    """As `neuralpaint.ops.render_paths`, with points and widths in pixels."""
    pictures = []
    for b in range(canvas.shape[0]):
        picture = canvas[b]
        segment = 0
        contours = layout.contours.tolist()
        for path, (rule, cap, join) in enumerate(layout.styles.tolist()):
            radius = torch.zeros((), dtype=canvas.dtype) if width is None else width[b, path] / 2
            style = Stroke(radius, CAPS[cap], JOINS[join], miter_limit)
            fills: list[Tensor] = []
            strokes: list[Tensor] = []
            for _, count, closed in [contour for contour in contours if contour[0] == path]:
                parts = [
                    flatten(p, line_count(p, float(radius.detach()))) for p in points[b, segment : segment + count]
                ]
                segment += count
                fills.append(torch.cat(parts))
                inner = [0 < i < len(part) - 1 for part in parts for i in range(len(part))]
                if stroke is not None:
                    strokes += stroke_outline(fills[-1], inner, bool(closed), style)
            for paint, outlines, name in ((fill, fills, FILL_RULES[rule]), (stroke, strokes, "nonzero")):
                if paint is not None and outlines:
                    matte = paint[b, path, 3] * coverage(signed_area(outlines, *canvas.shape[2:]), name)
                    picture = matte * paint[b, path, :3, None, None] + (1 - matte) * picture
        pictures.append(picture)
    return torch.stack(pictures) if pictures else canvas.clone()
