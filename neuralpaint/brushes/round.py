"""Round: a bristle brush drawn along a straight line, which leaves streaks and runs dry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuralpaint.brushes.arithmetic import norm, ratio
from neuralpaint.brushes.base import ONE_COLOR, Brush, register
from neuralpaint.brushes.geometry import Frame, Geometry
from neuralpaint.brushes.turning import Turning

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from neuralpaint.brushes.starts import Between, Spots
    from neuralpaint.brushes.svg import Shapes, Writer

LINE = ("x0", "y0", "x2", "y2", "radius")

# As csrc/common/round.h has them; lengths are in radii. A streak is a periodic function of the place v across the
# stroke, from -1 to 1 within it.
EDGE = 0.22  # width of the soft edge
SKEW = 0.13  # v + SKEW·v² counts the bristles: those of one side stand wider apart
BEND = 0.8  # BEND·way·(1 − way) is added: streaks are no straight lines
FURTHEST = 1.25  # v goes no further
MEAN = 128 / 315  # of a streak's depth
RATE = (3.3, 5.9, 10.7)  # streaks in a radius
PHASE = (6.31, 9.77, 17.23)
DEPTH = (0.42, 0.6, 0.5)  # share of the paint that the gaps lack when it is worn
RELIEF = (0.14, 0.2, 0.21)  # height of the ridges
WEAR = (0.15, 0.95)  # of the paint: at the start, and what is added with way²
RAGGED = (0.08, 0.5)  # by how much bristles reach less far: at the start, and what is added on the way


class RoundBrush(Brush):
    """A disc of radius ρ/4 with a soft edge, drawn from (x0, y0) to (x2, y2).

    Its bristles leave streaks along the way, ridges of more paint and gaps of less. Towards the end the paint wears off
    and the bristles lift one by one.
    """

    placement = LINE
    length_names = ("radius",)
    uneven = True
    operations = (140, 430)
    examples_between = {
        "x0": (0.15, 0.3),
        "y0": (0.15, 0.85),
        "x2": (0.7, 0.85),
        "y2": (0.15, 0.85),
        "radius": (0.2, 0.7),
        "a": (0.85, 1.0),
    }

    @property
    def geometry(self) -> Geometry:
        return Line(0.25 * (1 + EDGE / 2))

    def _reach(self, lengths: Tensor) -> Tensor:
        return lengths[..., 0] * (0.25 * (1 + EDGE / 2))

    def _line(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return strokes[:, :4].reshape(-1, 2, 2), np.repeat(strokes[:, 4:5] / 2, 2, axis=1)

    @property
    def turning(self) -> Turning:
        return Turning(0, 2, 4, 1, 0.5)

    def _lay(self, strokes: Tensor, at: Spots, between: Between) -> None:
        import torch

        half = 0.32 * at.block * between(0.7, 1.3)
        half = torch.where(
            between(0, 1) < 0.5, half, -half
        )  # to either side, or all strokes would run dry to the right
        dx, dy = torch.cos(at.angle) * half, -torch.sin(at.angle) * half
        strokes[:, 0], strokes[:, 1], strokes[:, 2], strokes[:, 3] = at.x - dx, at.y - dy, at.x + dx, at.y + dy
        strokes[:, 4] = 0.75 * at.block * between(0.7, 1.3)

    def _start(self, strokes: Tensor, between: Between) -> None:
        # A stroke of no length would have no direction to turn.
        strokes[:, 2:3] += between(-0.05, 0.05)
        strokes[:, 3:4] += between(-0.05, 0.05)

    def paint(
        self, strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
    ) -> tuple[Tensor, Tensor]:
        import torch

        place = _place(strokes, x, y, origin, scale)
        radius = place.radius
        v = ratio(place.across, radius).clamp(-FURTHEST, FURTHEST)
        way = ratio(place.along + radius, place.length + 2 * radius).clamp(0, 1)
        wear, ragged = WEAR[0] + WEAR[1] * way * way, RAGGED[0] + RAGGED[1] * way
        one = torch.ones_like(v)
        bristles, ridge, rough = one, 0.5 * one, MEAN * one
        for rate, phase, depth, relief, share in zip(RATE, PHASE, DEPTH, RELIEF, (0.5, 0.5, 0.0), strict=True):
            g = (rate * (v + SKEW * v * v + BEND * way * (1 - way)) + phase).frac()
            # A streak fades where it is finer than two pixels.
            seen = radius**4 / (radius**4 + (2 * softness * rate) ** 4)
            streak = seen * ((4 * g * (1 - g)) ** 4 - MEAN)
            bristles = bristles * (1 - depth * wear * (MEAN + streak))
            ridge, rough = ridge - relief * streak, rough + share * streak
        width = softness + EDGE * radius
        reach = radius * (1 - ragged * rough)
        edge = torch.minimum((reach - place.distance) / width + 0.5, 2 * reach / width)
        edge = torch.where(edge > 0, edge.clamp(max=1), torch.zeros_like(edge))
        base = strokes[:, 5:8, None]
        # Soft light: c·(1 − c) vanishes at black and white, so ridges never tint them.
        return edge * bristles, base + (2 * ridge[:, None] - 1) * base * (1 - base)

    def svg(self, writer: Writer) -> Shapes:
        from neuralpaint.brushes.svg.line import LineDabs

        return LineDabs(writer, self._coverage, 1 + EDGE / 2)

    def _coverage(
        self, stroke: np.ndarray, scale: float, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Coverage and relief 2R − 1 of one stroke at points `[K]`, pixels, in float64."""
        import torch

        strokes = torch.from_numpy(stroke)[None]
        strokes[:, 5:8] = 0.5  # whose soft light is ½ + (2R − 1) / 4
        origin = torch.zeros(1, 2, dtype=torch.float64, device="cpu")
        coverage, color = self.paint(strokes, torch.from_numpy(x), torch.from_numpy(y), origin, scale, 1.0)
        return coverage[0].numpy(), 4 * color[0, 0].numpy() - 2


class _Place:
    """Where points `[N, K]` lie in the frames of strokes, in pixels."""

    def __init__(self, along: Tensor, across: Tensor, distance: Tensor, length: Tensor, radius: Tensor) -> None:
        self.along, self.across, self.distance = along, across, distance
        self.length, self.radius = length, radius


def _place(strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float) -> _Place:
    chord = (strokes[:, 2:4] - strokes[:, 0:2]) * scale
    length = norm(chord[:, 0:1], chord[:, 1:2])
    tx, ty = ratio(chord[:, 0:1], length) + (length == 0), ratio(chord[:, 1:2], length)
    qx, qy = x - (strokes[:, 0:1] - origin[:, 0:1]) * scale, y - (strokes[:, 1:2] - origin[:, 1:2]) * scale
    along, across = qx * tx + qy * ty, qy * tx - qx * ty
    over = along - along.clamp(min=0).minimum(length)
    return _Place(along, across, norm(over, across), length, 0.25 * strokes[:, 4:5] * scale)


class Line(Geometry):
    """x0 y0 x2 y2 ρ: a straight line swept by a disc of radius reach·ρ."""

    kind = "line"
    known = 5
    sizes = 4

    def sizes_of(self, strokes: Tensor, scale: float) -> Tensor:
        import torch

        radius = (strokes[:, 4:5] * (self.reach * scale)).clamp(min=0.1, max=256).log2()
        chord = (strokes[:, 2:4] - strokes[:, 0:2]) * scale
        length = norm(chord[:, 0:1], chord[:, 1:2])
        return torch.cat([radius / 4, length.clamp(1, 1024).log2() / 4, chord / length.clamp(min=1e-3)], 1)

    def bounds(self, strokes: Tensor, origin: Tensor, scale: float) -> Tensor:
        import torch

        first, last = (strokes[:, 0:2] - origin) * scale, (strokes[:, 2:4] - origin) * scale
        reach = strokes[:, 4:5] * self.reach * scale + self.margin
        return torch.cat([torch.minimum(first, last) - reach, torch.maximum(first, last) + reach], 1)

    def frame(self, strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float) -> Frame:
        place = _place(strokes, x, y, origin, scale)
        radius = 4 * self.reach * place.radius
        length = place.length + 2 * radius
        along = ((place.along + radius) / length.clamp(min=1e-3)).clamp(0, 1)
        across = (0.5 + 0.5 * place.across / radius.clamp(min=0.5)).clamp(0, 1)
        edges = (radius - place.distance)[..., None]
        return Frame(edges, along, across, along, radius, length.detach()[:, 0], 2 * radius.detach()[:, 0])


ROUND = register(
    RoundBrush(
        "round",
        4,
        (*LINE, *ONE_COLOR, "a"),
        held=((8, 1.0),),
        description="straight stroke of a round bristle brush that runs dry, opaque but for its streaks",
    )
)
