"""Watercolour: strokes as washes that run to their edges, dry there, and settle in the valleys of the paper.

Two pictures are painted stroke by stroke. One is of the colours, as without this finish, but for outlines that wander
and here and there are lost where the paper is damp. The other says how thick the paint lies: dry washes are darker
along their edges (Curtis et al. 1997, section 4.3.3), and uneven inside. Then each pixel's colour is taken for a layer
of pigment on the paper, whose thickness changes by this and by the paper's grain, after Kubelka and Munk.

Strokes are not glazed over one another by Kubelka and Munk: the search mixed their colours by opacity, and pictures
would become darker than the photo, the more so the more strokes there are. Nor would strokes that hide what is under
them have edges.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush
from neuralpaint.painting.kubelka_munk import layer, over, pigment
from neuralpaint.utils.noise import hashed_grid, smoothstep
from neuralpaint.utils.random import generator_of

_CELL = 512  # pixels a side that are painted at a time: large enough for threads to share, small enough for the cache

# Lengths below are in units, frequencies in cells of noise to a unit.
_WOBBLE, _MOST_WOBBLE = 0.14, 0.018  # how far an outline wanders, in radii, and at most
_WAVES = tuple(9.0 * 2**octave for octave in range(5))  # of outlines; larger strokes have longer ones
_FRAY, _FRAY_WAVES = 0.0018, 130.0  # and how far it frays, at most
_DRY, _DRY_SHARE = (
    0.016,
    0.4,
)  # depth to which the paper's grain breaks the edges of strokes of a dry brush; their share
_SOFT = 0.45  # how far an edge runs out on damp paper, in radii
_DAMP = (0.87, 0.80, 0.73, 0.66)  # how damp the paper must be for strokes to run: each stroke has one of these
_DAMP_RANGE = 0.2
_EDGE, _LEAST_EDGE, _MOST_EDGE = 0.05, 0.0022, 0.006  # width of the dark edge, in radii, and its limits in units
_LEAST_EDGE_PIXELS = 0.9
_FAINT = 1e-4  # coverage below which a stroke is not there
_HIDING = 0.25  # colour of pigment over black, in parts of its colour over white
_MIDDLE, _FLOW = 0.22, 0.6  # how much thinner paint lies in the middle of a stroke, and how unevenly it dries
_THICKEST, _THINNEST = 3.0, 0.15
_GRAIN = ((70.0, 0.15), (140.0, 0.3), (280.0, 0.35), (560.0, 0.2))  # frequencies and weights
_SEEDS = {"wave": 100, "fray": 200, "damp": 300, "flow": 400, "grain": 10}


Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels
Part = tuple[slice, slice]  # rows and columns


class _Paper(NamedTuple):
    """What the paper is like on a part of the canvas, `[h, w]` each. Noise is around 0; strokes use it as it is or
    turned over, and one of two, so that neighbours differ.

    Attributes:
        waves: for each of `_WAVES`, how far outlines wander.
        fray: how far they fray.
        flow: how unevenly paint dries.
        damp: for each of `_DAMP`, where strokes run out, 0 to 1.
        grain: height of the paper, around 0.
    """

    waves: list[tuple[Tensor, Tensor]]
    fray: tuple[Tensor, Tensor]
    flow: tuple[Tensor, Tensor]
    damp: list[Tensor]
    grain: Tensor


class _Sheet(NamedTuple):
    """A part of the canvas being painted: colour `[3, h, w]`, thickness `[h, w]` around 0, the paper, and the centres
    of its pixels in units, x `[w]` and y `[h]`."""

    color: Tensor
    thickness: Tensor
    paper: _Paper
    x: Tensor
    y: Tensor


class WetLayer:
    """Strokes of the brush `watercolor` as watercolour, to be drawn in parts, each as it is in the whole.

    Args:
        strokes: `[N, P]`.
        background: colour of the paper.
        wet: how strong the effects are, from 0 to 1.
        scale: pixels per unit.
    """

    def __init__(
        self, strokes: Tensor, brush: Brush, background: tuple[float, float, float], wet: float, scale: float
    ) -> None:
        self._strokes, self._brush, self._wet, self._scale = strokes, brush, wet, scale
        self._ground = strokes.new_tensor(background).view(3, 1, 1)
        self._chance = torch.rand(len(strokes), 4, generator=generator_of(1)).tolist()
        # A stroke in these colours gives the place along its curve in red, and in green where it is.
        self._probes = strokes.clone()
        first, last = brush.colors
        self._probes[:, first.start : first.stop] = strokes.new_tensor([0.0, 1.0, 1.0])
        self._probes[:, last.start : last.stop] = 1.0
        self._probes[:, -1] = 1.0
        radius = strokes[:, 6:8].amax(1) / 4
        # Beyond its outline a stroke wanders and frays, its edge is antialiased, and on damp paper it runs out.
        wanders = (radius * _WOBBLE).clamp(max=_MOST_WOBBLE) * wet
        self._near = wanders + wet * (_FRAY + _DRY) + 1.5 / scale
        self._far = self._near + wet * _SOFT * radius
        bounds = brush.bounds(strokes) * scale
        self._boxes = [
            torch.cat([(bounds[:, :2] - reach).floor(), (bounds[:, 2:] + reach).ceil()], 1).long()
            for reach in (self._near[:, None] * scale, self._far[:, None] * scale)
        ]

    def draw(self, top: int, left: int, height: int, width: int) -> Tensor:
        """`[1, 3, height, width]` in [0, 1]; what lies outside the canvas is drawn, too."""
        x, y = (
            (torch.arange(length, dtype=torch.float64, device=self._strokes.device) + (start + 0.5)) / self._scale
            for length, start in ((width, left), (height, top))
        )
        color = self._ground.expand(3, height, width).clone()
        sheet = _Sheet(color, torch.zeros_like(color[0]), _paper(x, y, self._scale), x.float(), y.float())
        corner = torch.tensor([left, top, left, top], device=self._strokes.device)
        near, far = (boxes - corner for boxes in self._boxes)
        for row in range(0, height, _CELL):
            for column in range(0, width, _CELL):
                limit = (column, row, min(column + _CELL, width), min(row + _CELL, height))
                touching = (far[:, :2] < far.new_tensor(limit[2:])) & (far[:, 2:] > far.new_tensor(limit[:2]))
                here = touching.all(1).nonzero()[:, 0]
                for k, *boxes in zip(here.tolist(), near[here].tolist(), far[here].tolist(), strict=True):
                    self._lay(k, sheet, *(_common(box, limit) for box in boxes))
        return self._dried(sheet)[None]

    def _lay(self, k: int, sheet: _Sheet, near: Part, far: Part) -> None:
        """Lays a stroke on the part of a sheet that it may cover: `far` if it runs out there, otherwise `near`."""
        stroke = self._strokes[k].tolist()
        radius, opacity = max(*stroke[6:8], 4e-4) / 4, stroke[-1]
        side, dry, run, load = self._chance[k]
        damp = sheet.paper.damp[int(run * len(_DAMP))][far] * self._wet
        runs = bool(damp.any())
        part, reach = (far, self._far) if runs else (near, self._near)
        found = self._inside(k, stroke, sheet.x[part[1]], sheet.y[part[0]], float(reach[k]))
        if found is None:
            return
        t, inside = found
        which, sign = int(side * 4) % 2, 1.0 if side < 0.5 else -1.0
        octave = min(max(round(math.log2(0.55 / radius / _WAVES[0])), 0), len(_WAVES) - 1)
        wander, fray = 2 * min(_WOBBLE * radius, _MOST_WOBBLE), 2 * _FRAY * min(1.0, radius / 0.02)
        inside.add_(sheet.paper.waves[octave][which][part], alpha=self._wet * sign * wander)
        inside.add_(sheet.paper.fray[which][part], alpha=self._wet * sign * fray)
        if dry < _DRY_SHARE:
            broken = _DRY * (1 - dry / _DRY_SHARE) * min(1.0, radius / 0.03)
            inside.sub_(sheet.paper.grain[part], alpha=self._wet * broken)
        if runs:
            soft = (damp * (_SOFT * radius)).add_(1 / self._scale)
            cover = (inside / soft).add_(0.5).clamp_(0, 1)
            cover.lerp_(smoothstep(cover), damp)
        else:
            cover = (inside * self._scale).add_(0.5).clamp_(0, 1)
        if 2 * radius * self._scale < 1:  # thinner than a pixel
            cover.clamp_(max=2 * radius * self._scale)
        first, last = (self._strokes[k, colors].view(3, 1, 1) for colors in self._brush.colors)
        sheet.color[:, part[0], part[1]].lerp_(torch.addcmul(first, last - first, t), cover * opacity)
        edge = self._edge(inside.clamp_(min=0), radius).mul_(0.4 + 0.8 * load)
        if runs:
            edge.mul_(1 - damp)
        edge.sub_(inside, alpha=_MIDDLE / radius).add_(sheet.paper.flow[1 - which][part], alpha=_FLOW * sign)
        # Edges of strokes underneath show through more than their colours.
        sheet.thickness[part].mul_(1 - cover * (0.75 * opacity)).addcmul_(edge, cover, value=math.sqrt(opacity))

    def _edge(self, depth: Tensor, radius: float) -> Tensor:
        """How much thicker paint lies at these depths inside an outline, in units: a narrow band and a wide one."""
        width = min(max(_EDGE * radius, _LEAST_EDGE), _MOST_EDGE)
        wide = (depth * (-0.25 / max(width, _LEAST_EDGE_PIXELS / self._scale))).exp_()
        return wide.square().square_().mul_(0.9).add_(wide, alpha=0.25)

    def _inside(self, k: int, stroke: list[float], x: Tensor, y: Tensor, reach: float) -> tuple[Tensor, Tensor] | None:
        """How far along a stroke's curve the nearest disc lies, 0 to 1, and how far inside its outline points are, in
        units, both `[h, w]`; None if no point is within `reach` of it."""
        if not len(x) or not len(y):
            return None
        origin = torch.stack([x[0], y[0]])[None] - 0.5 / self._scale
        drawn = ops.render(
            x.new_zeros(1, 3, len(y), len(x)),
            self._probes[k][None, None],
            self._brush,
            softness=2 * reach * self._scale,
            origin=origin,
            pixels_per_unit=self._scale,
        )[0]
        if not drawn[1].any():
            return None
        t = drawn[0] / drawn[1].clamp_(min=_FAINT)
        x0, y0, x1, y1, x2, y2, radius0, radius2 = stroke[: self._brush.shape.stop]
        chord = (x2 - x0, y2 - y0)
        steps = [(2 * bend * way, way - 2 * bend * way) for bend, way in zip((x1, y1), chord, strict=True)]
        (first_x, second_x), (first_y, second_y) = steps
        away_x = torch.addcmul(x - x0, t, t * -second_x - first_x)
        away_y = torch.addcmul((y - y0)[:, None], t, t * -second_y - first_y)
        distance = away_x.square_().addcmul_(away_y, away_y).sqrt_()
        return t, (t * ((radius2 - radius0) / 4)).add_(radius0 / 4).sub_(distance)

    def _dried(self, sheet: _Sheet) -> Tensor:
        """The picture `[3, h, w]`: colours as layers of this thickness, which settle off the peaks of the paper."""
        ground = torch.maximum(self._ground, sheet.color).clamp_(min=1e-3)  # what is lighter than it stays as it is
        color = sheet.color / ground
        over_white = color.clamp(0.002, 0.998)  # as far as there are pigments
        dark = 1 - color.mean(0)
        grain, flow = sheet.paper.grain, sheet.paper.flow[0]
        # Dark pigments are the heavier ones: they settle more.
        thick = (1 + 0.5 * self._wet * sheet.thickness).mul_(1 - self._wet * (0.35 + 0.2 * dark) * grain)
        # Here and there a light wash misses the peaks.
        missed = smoothstep(((grain + flow - 0.55) / 0.2).clamp_(0, 1)).mul_(1 - dark)
        thick = thick.mul_(1 - 0.6 * self._wet * missed).clamp_(_THINNEST, _THICKEST)
        reflected, passed = layer(pigment(over_white, _HIDING * over_white), thick)
        return (over(reflected, passed, torch.ones_like(color)) * (color / over_white * ground)).clamp_(0, 1)


def _common(box: list[int], limit: Box) -> Part:
    """Rows and columns that lie in both of two boxes; none if they do not meet."""
    x0, y0 = max(box[0], limit[0]), max(box[1], limit[1])
    x1, y1 = min(box[2], limit[2]), min(box[3], limit[3])
    return slice(y0, max(y0, y1)), slice(x0, max(x0, x1))


def _paper(x: Tensor, y: Tensor, scale: float) -> _Paper:
    """The paper at all crossings of x `[w]` and y `[h]`, in units."""

    def noise(kind: str, frequency: float, which: int) -> Tensor:
        return hashed_grid(x * frequency, y * frequency, _SEEDS[kind] + which).sub_(0.5)

    def flow(which: int) -> Tensor:
        return noise("flow", 11.0, which).mul_(0.6).add_(noise("flow", 27.0, 2 + which), alpha=0.4)

    damp = 0.5 + 0.65 * noise("damp", 4.0, 0) + 0.35 * noise("damp", 9.0, 1)
    return _Paper(
        [(noise("wave", f, 2 * i), noise("wave", f, 2 * i + 1)) for i, f in enumerate(_WAVES)],
        (noise("fray", _FRAY_WAVES, 0), noise("fray", _FRAY_WAVES, 1)),
        (flow(0), flow(1)),
        [smoothstep(((damp - (least - _DAMP_RANGE)) / _DAMP_RANGE).clamp_(0, 1)) for least in _DAMP],
        _grain(x, y, scale),
    )


def _grain(x: Tensor, y: Tensor, scale: float) -> Tensor:
    """Height of the paper around 0, without what is too fine for the pixels. The coarser part is that of the ground."""
    total = x.new_zeros(len(y), len(x), dtype=torch.float32)
    for octave, (frequency, weight) in enumerate(_GRAIN):
        shown = min(max(scale / frequency / 2 - 0.75, 0.0), 1.0)
        if shown:
            noise = hashed_grid(x * frequency, y * frequency, _SEEDS["grain"] + octave)
            total.add_(noise.sub_(0.5), alpha=weight * shown * 2)
    return total
