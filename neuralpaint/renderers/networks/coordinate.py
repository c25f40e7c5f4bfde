"""`CoordinateRenderer`: a small network asked about one pixel at a time, in the stroke's own coordinates."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neuralpaint.brushes import Brush
from neuralpaint.brushes.geometry import Frame, named_geometry
from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.renderers.networks.registry import register_network
from neuralpaint.renderers.tiles import cull, in_chunks
from neuralpaint.utils import schema

_FREQUENCIES = 5  # octaves of the canvas's coordinates, for a brush of unknown geometry
_TEXTURE_RATE = 5.0  # textures learn faster than weights: each texel sees few pixels


@register_network("coordinate")
class CoordinateRenderer(NetworkRenderer):
    """Learns a brush as a function of the place in the stroke: textures in the stroke's frame and a small MLP.

    The geometry that the brush declares gives each pixel its frame: signed distances from the outline in pixels, its
    place along and across (`Geometry`). A learned texture pyramid is read there, at the resolution that fits the
    stroke's size in pixels. An MLP of two hidden layers, whose first is scaled and shifted by a code of the stroke's
    size, colours and opacity, says how far the stroke reaches there (silhouette), how much it covers, and how its
    colour comes from the stroke's: a place between the two colours, then a quadratic tone curve.

    Because it is asked about pixels, it draws any canvas at any resolution and costs nothing away from strokes;
    training asks about random pixels of each stroke.

    Args:
        brush, size: as of `NetworkRenderer`; `size` is that of its training pictures and of `forward`, any number.
        geometry: how the shape parameters place a stroke; that of the built-in brush by default.
        textures: (width, height, channels) of the finest texture level, powers of two, or None for a brush whose
            paint is even.
        split: strokes of a larger area than this (units²) and smaller ones have textures of their own; 0 for none.
        hidden: width of the MLP.
        points: pixels of each stroke that a training step asks about.
    """

    sizes = ()
    option_checks = {
        "geometry": schema.maybe(
            schema.fields({"kind": schema.text()}, {"reach": schema.number(0, 100), "margin": schema.number(0, 100)})
        ),
        "textures": schema.maybe(schema.listed(schema.whole(0, 4096), 3, 3)),
        "split": schema.maybe(schema.number(0, 1e6)),
        "hidden": schema.whole(1, 4096),
        "points": schema.whole(1, 2**24),
    }

    def __init__(
        self,
        brush: Brush | str,
        size: int = 128,
        geometry: dict[str, Any] | None = None,
        textures: list[int] | None = None,
        split: float | None = None,
        hidden: int = 16,
        points: int = 1024,
    ) -> None:
        super().__init__(brush, size)
        if geometry is not None:
            self.geometry = named_geometry(**geometry)
        self.textures = ([128, 128, 4] if self.brush.uneven else [0, 0, 0]) if textures is None else list(textures)
        self.split = self.brush.split if split is None else split
        self.hidden, self.points = hidden, points
        channels = self.textures[2]
        if channels:
            self.texture = TexturePyramid(self.textures[0], self.textures[1], channels, 2 if self.split else 1)
        self.places = 2 * 2 * _FREQUENCIES if not self.geometry.known else 0
        # In the round ends of a curve, the place along it is the same everywhere: an engine's paint goes by the depth.
        self.deep = self.brush.engine and self.geometry.round_ends
        inputs = self.geometry.edges + 4 + self.deep + self.places + (channels + 1 if channels else 0)
        # What shapes a stroke of an engine besides its place goes into the code as it is.
        self.more = slice(min(self.geometry.known, self.spec.shape), self.spec.shape)
        more = self.spec.shape - self.more.start
        code = self.geometry.sizes + (1 + more if self.geometry.known else self.spec.num_parameters)
        modulation = nn.Linear(32, 2 * hidden + 2)
        self.code = nn.Sequential(nn.Linear(code, 32), nn.GELU(), modulation)
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 6)
        self.skip = nn.Linear(inputs, 6, bias=False)
        self.sharpness = nn.Parameter(torch.tensor(math.log(4.0)))
        with torch.no_grad():
            modulation.weight.mul_(0.1)
            modulation.bias.zero_()
            self.last.weight.mul_(0.1)
            self.last.bias.zero_()
            self.skip.weight.zero_()
            self.skip.weight[0, : self.geometry.edges] = 1  # a silhouette to begin with
            self.last.bias[1] = 0.5

    def options(self) -> dict[str, Any]:
        geometry = {"kind": self.geometry.kind, "reach": self.geometry.reach, "margin": self.geometry.margin}
        options = {"geometry": geometry, "textures": self.textures, "split": self.split}
        return options | {"hidden": self.hidden, "points": self.points}

    @property
    def zooms(self) -> tuple[int, ...]:
        # In larger pictures, strokes of every class reach every level of the textures.
        return (1, 1, 2, 4) if self.textures[2] else (1,)

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        textures = [p for name, p in self.named_parameters() if name.startswith("texture.")]
        others = [p for name, p in self.named_parameters() if not name.startswith("texture.")]
        groups: list[dict[str, Any]] = [{"params": others, "lr": learning_rate}]
        return groups + ([{"params": textures, "lr": _TEXTURE_RATE * learning_rate}] if textures else [])

    def points_of(
        self,
        strokes: Tensor,
        x: Tensor,
        y: Tensor,
        scale: float,
        origin: Tensor | None = None,
        softness: float = 1.0,
        masked: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """What strokes `[R, P]` paint at the points `x`, `y` `[R, K]` (pixels; pixel centres lie at i + ½).

        A softness s draws the stroke as it is at 1/s of the resolution, so that its edges are s pixels wide.

        Args:
            scale: pixels in one unit.
            origin: `[R, 2]` units, where pixel (0, 0) lies.
            masked: whether the colour is 0 where the stroke does not reach; for blending it need not be.

        Returns:
            foreground `[R, 3, K]` and alpha `[R, K]`, not clamped.
        """
        if origin is None:
            origin = strokes.new_zeros(len(strokes), 2)
        if softness != 1:
            x, y, scale = x / softness, y / softness, scale / softness
        frame = self.geometry.frame(strokes, x, y, origin, scale)
        features = self._features(strokes, frame)
        color, alpha, silhouette = self._paint(strokes, features, self._code(strokes, scale))
        # Nothing is painted outside of the boxes that loss and tiles go by.
        inside = frame.edges.detach().amin(-1) > -self.geometry.margin
        return (torch.where(inside, silhouette, 0)[:, None] * color if masked else color), torch.where(inside, alpha, 0)

    def _features(self, strokes: Tensor, frame: Frame) -> Tensor:
        """`[R, K, inputs]`."""
        width = frame.width.clamp(0, 2).expand_as(frame.along)
        parts = [frame.edges.clamp(-1, 1), torch.stack([frame.along, frame.across, frame.progress, width], -1)]
        if self.deep:
            parts.append((frame.edges / frame.width.clamp(min=0.5)[..., None]).clamp(-1, 1))
        if self.textures[2]:
            kind = torch.zeros(len(strokes), dtype=torch.long, device=strokes.device)
            if self.split:
                kind = (strokes[:, 2] * strokes[:, 3] <= self.split).long()
            parts.append(self.texture(kind, frame))
        if self.places:
            octaves = math.pi * 2.0 ** torch.arange(_FREQUENCIES, dtype=strokes.dtype, device=strokes.device)
            phases = torch.stack([frame.along, frame.across], -1)[..., None] * octaves
            parts += [phases.sin().flatten(-2), phases.cos().flatten(-2)]
        return torch.cat(parts, -1)

    def _code(self, strokes: Tensor, scale: float) -> Tensor:
        if not self.geometry.known:
            numbers = strokes
        else:
            numbers = torch.cat([strokes[:, self.more], self.spec.alpha(strokes)[:, None]], 1)
        return self.code(torch.cat([self.geometry.sizes_of(strokes, scale), numbers], 1))

    def _paint(self, strokes: Tensor, features: Tensor, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Colours `[R, 3, K]`, alphas and silhouettes `[R, K]`."""
        gain, shift, bias = code.split([self.hidden, self.hidden, 2], -1)
        # Each stroke has a first layer of its own: (W·f + b)·(1 + gain) + shift.
        weight = self.first.weight * (1 + gain)[:, :, None]
        shift = torch.addcmul(shift, self.first.bias, 1 + gain)
        hidden = torch.baddbmm(shift[:, None], features, weight.transpose(1, 2)).relu()
        hidden = self.second(hidden).relu()
        silhouette, cover, progress, s0, s1, s2 = (self.last(hidden) + self.skip(features)).unbind(-1)
        silhouette = torch.sigmoid(self.sharpness.exp() * (silhouette + bias[:, :1]))
        alpha = silhouette * (cover + bias[:, 1:]) * self.spec.alpha(strokes)[:, None]
        if self.spec.colors:
            first, last = self.spec.color(strokes, 0)[..., None], self.spec.color(strokes, 1)[..., None]
            color = first + progress[:, None] * (last - first)
            color = s0[:, None] + color + color * (s1[:, None] + s2[:, None] * color)
        else:
            color = s0[:, None].expand(-1, 3, -1)
        return color, alpha, silhouette

    def forward(self, strokes: Tensor) -> tuple[Tensor, Tensor]:
        tiles = cull(self.geometry, strokes, self.size, self.size, float(self.size))
        x, y = tiles.centers()

        def run(part: slice) -> tuple[Tensor, Tensor]:
            return self.points_of(strokes[tiles.stroke[part]], x[part], y[part], float(self.size))

        return tiles.scatter(*in_chunks(run, len(tiles), strokes), len(strokes))

    def loss(
        self,
        strokes: Tensor,
        foreground: Tensor,
        alpha: Tensor,
        generator: torch.Generator | None = None,
        skip: int = 0,
    ) -> Tensor:
        """As of the base class, estimated without bias from random pixels inside each stroke's box; none lie outside
        it. The pictures may have any size."""
        size = foreground.shape[-1]
        points = self.points * max(1, size // self.size)
        zero = strokes.new_zeros(len(strokes), 2)
        box = self.geometry.bounds(strokes, zero, float(size)).clamp(0, size)
        low = box[:, :2].floor()
        sides = (box[:, 2:].ceil() - low).clamp(min=1)
        device = generator.device if generator else "cpu"
        random = torch.rand(skip + len(strokes), points, 2, generator=generator, dtype=torch.float32, device=device)
        random = random[skip:].to(strokes.device)
        place = (low[:, None] + (random * sides[:, None]).floor()).clamp(max=size - 1)
        drawn, matte = self.points_of(strokes, place[..., 0] + 0.5, place[..., 1] + 0.5, float(size))
        index = (place[..., 1] * size + place[..., 0]).long()
        wanted = torch.gather(foreground.flatten(2), 2, index[:, None].expand(-1, 3, -1))
        matte_wanted = torch.gather(alpha.flatten(1), 1, index)
        weight = sides.prod(1) / size**2
        error = (drawn - wanted).square().mean((1, 2)) + (matte - matte_wanted).square().mean(1)
        return (error * weight).mean() / 2


class TexturePyramid(nn.Module):
    """Learned textures, one for each halving of the stroke's sides (a rip-map): texels stay about a pixel large.

    Level (i, j) has (width >> i) × (height >> j) texels of `channels` numbers, for each class.
    """

    def __init__(self, width: int, height: int, channels: int, classes: int = 1) -> None:
        super().__init__()
        for side in (width, height):
            if side < 1 or side & (side - 1):
                raise ValueError(f"textures must have sides that are powers of two, got {width}x{height}")
        self.width, self.height, self.channels = width, height, channels
        self.texels = nn.Parameter(torch.randn(classes * 2 * height * 2 * width, channels).mul_(0.1))

    def forward(self, kind: Tensor, frame: Frame) -> Tensor:
        """`[R, K, channels + 1]`: bilinear between texel centres; the last is the first channel's largest neighbour.

        The largest neighbour can say where paint begins to the texel, which an interpolated value cannot.
        """
        columns, column = self._level(self.width, frame.length)
        rows, row = self._level(self.height, frame.breadth)
        x = torch.minimum((frame.along * columns - 0.5).clamp(min=0), columns - 1)
        y = torch.minimum((frame.across * rows - 0.5).clamp(min=0), rows - 1)
        with torch.no_grad():
            left, top = x.floor(), y.floor()
            right, below = torch.minimum(left + 1, columns - 1), torch.minimum(top + 1, rows - 1)
            upper = (kind[:, None] * (2 * self.height) + (row + top).long()) * (2 * self.width)
            lower = (kind[:, None] * (2 * self.height) + (row + below).long()) * (2 * self.width)
            left_index, right_index = (column + left).long(), (column + right).long()
        fx, fy = (x - left)[..., None], (y - top)[..., None]
        corners = [
            F.embedding(index, self.texels)
            for index in (upper + left_index, upper + right_index, lower + left_index, lower + right_index)
        ]
        over = torch.lerp(corners[0], corners[1], fx)
        under = torch.lerp(corners[2], corners[3], fx)
        largest = torch.maximum(
            torch.maximum(corners[0][..., :1], corners[1][..., :1]),
            torch.maximum(corners[2][..., :1], corners[3][..., :1]),
        )
        return torch.cat([torch.lerp(over, under, fy), largest], -1)

    @staticmethod
    def _level(texels: int, side: Tensor) -> tuple[Tensor, Tensor]:
        """Texels `[R, 1]` of the level that fits a side in pixels, and where it begins in the packed plane."""
        level = torch.log2(texels / side.clamp(min=1e-3)).round().clamp(0, math.log2(texels))
        count = (texels / 2**level)[:, None].round()
        return count, 2 * texels - 2 * count
