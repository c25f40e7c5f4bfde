"""Plain-torch truth for `render_paths`: differentiable by autograd, arguments unchecked, memory [edges, H, W]."""

from __future__ import annotations

import torch
from torch import Tensor

from neuralpaint.ops.path_layout import CAPS, FILL_RULES, JOINS, PathLayout
from neuralpaint.ops.reference.gradient import gradient_colors
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
    stops: Tensor | None = None,
    gradient_maps: Tensor | None = None,
    group_opacity: Tensor | None = None,
) -> Tensor:
    """As `neuralpaint.ops.render_paths`, with points, widths and gradients in pixels."""
    size = canvas.shape[2:]

    def paint_of(b: int, paint: Tensor, path: int, gradient: int) -> tuple[Tensor, Tensor]:
        """RGB and opacity, `[3, H, W]` or `[3, 1, 1]` and as large."""
        own = paint[b, path, :, None, None]
        if gradient < 0 or stops is None or gradient_maps is None:
            return own[:3], own[3]
        first = int(layout.gradients[:gradient, 2].sum())
        kind, spread, count = layout.gradients[gradient].tolist()
        found = gradient_colors(
            [kind, spread], stops[b, first : first + count], gradient_maps[b, gradient], size[0], size[1]
        )
        return found[:3], own[3] * found[3]

    pictures = []
    for b in range(canvas.shape[0]):
        picture = canvas[b]
        segment = 0
        contours = layout.contours.tolist()
        below: dict[int, Tensor] = {}  # what groups that are not finished lie on
        for path, (rule, cap, join, fill_gradient, stroke_gradient) in enumerate(layout.styles.tolist()):
            below |= {g: picture for g, (first, _) in enumerate(layout.groups) if first == path}
            radius = torch.zeros((), dtype=canvas.dtype) if width is None else width[b, path] / 2
            style = Stroke(radius, CAPS[cap], JOINS[join], float(layout.miter_limits[path]))
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
            layers = (fill, fills, FILL_RULES[rule], fill_gradient), (stroke, strokes, "nonzero", stroke_gradient)
            for paint, outlines, name, gradient in layers:
                if paint is not None and outlines:
                    color, opacity = paint_of(b, paint, path, gradient)
                    matte = opacity * coverage(signed_area(outlines, *size), name)
                    picture = matte * color + (1 - matte) * picture
            ending = [(-first, g) for g, (first, end) in enumerate(layout.groups) if end == path + 1]
            for _, g in sorted(ending, key=lambda pair: (pair[0], -pair[1])):  # the inner ones first
                if group_opacity is not None:
                    picture = group_opacity[b, g] * picture + (1 - group_opacity[b, g]) * below[g]
        pictures.append(picture)
    return torch.stack(pictures) if pictures else canvas.clone()
