"""Draws a painting tile by tile, each with only the strokes that touch it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.painting.finish import Finish
from neuralpaint.painting.relief import BARE, apply_finish, height_map, margin, normal_map, surface_strokes
from neuralpaint.painting.wet import WetLayer

if TYPE_CHECKING:
    from neuralpaint.brushes import Brush
    from neuralpaint.painting.painting import Painting

TILE = 1024
_EDGE = 2.0  # pixels that an antialiased edge may extend beyond the outline of a stroke

Tiles = Iterator[tuple[int, int, Tensor]]


class _Layer:
    """Strokes on a plain background, to be drawn in parts."""

    def __init__(self, strokes: Tensor, brush: Brush, background: tuple[float, float, float], scale: float) -> None:
        self.strokes, self.brush, self.scale = strokes, brush, scale
        self.bounds = brush.bounds(strokes) * scale
        self.background = torch.tensor(background, dtype=torch.float32, device=strokes.device).view(1, 3, 1, 1)

    def draw(self, top: int, left: int, height: int, width: int) -> Tensor:
        """`[1, 3, height, width]`; what lies outside the canvas is drawn, too."""
        here = self._touching(0, left, width) & self._touching(1, top, height)
        tile = self.background.expand(1, 3, height, width).contiguous()
        if not here.any():
            return tile
        origin = self.strokes.new_tensor([[left / self.scale, top / self.scale]])
        return ops.render(tile, self.strokes[here][None], self.brush, origin=origin, pixels_per_unit=self.scale)

    def _touching(self, axis: int, start: int, length: int) -> Tensor:
        low, high = self.bounds[:, axis] - _EDGE, self.bounds[:, axis + 2] + _EDGE
        return (high >= start) & (low <= start + length)


def picture_tiles(painting: Painting, size: int | None, rows: int | None = None) -> Tiles:
    """Yields (row, column, tile `[3, h, w]`) of the finished picture, from the top left.

    Args:
        size: pixels along the shorter side; the painting's by default.
        rows: of a tile, at most 1024.

    Raises:
        ValueError: an engine draws the strokes.
    """
    check_brush(painting)
    finish, scale = painting.finish, float(size or painting.size)
    colors = _colors(painting, scale)
    if finish.unlit:
        return _tiled(painting, size, rows, 0, lambda *box: colors.draw(*box))
    surface = _surface(painting, scale)

    def lit(top: int, left: int, height: int, width: int) -> Tensor:
        box = (top, left, height, width)
        return apply_finish(colors.draw(*box), surface.draw(*box), finish, left, top, scale)

    return _tiled(painting, size, rows, margin(scale), lit)


def height_tiles(painting: Painting, size: int | None, rows: int | None = None) -> Tiles:
    """As `picture_tiles`, of the height of the paint, `[1, h, w]` in [0, 1]."""
    check_brush(painting)
    scale = float(size or painting.size)
    surface = _surface(painting, scale)
    return _tiled(painting, size, rows, margin(scale), lambda *box: height_map(surface.draw(*box), scale))


def normal_tiles(painting: Painting, size: int | None, rows: int | None = None) -> Tiles:
    """As `picture_tiles`, of the normals of the surface, `[3, h, w]`: right, up and out, from [-1, 1] to [0, 1].

    Of the painting's own finish, at full relief if it is flat.
    """
    check_brush(painting)
    scale = float(size or painting.size)
    surface = _surface(painting, scale)
    finish = Finish(relief=1.0) if painting.finish.unlit else painting.finish

    def normals(top: int, left: int, height: int, width: int) -> Tensor:
        return normal_map(surface.draw(top, left, height, width), finish, left, top, scale)

    return _tiled(painting, size, rows, margin(scale), normals)


def check_brush(painting: Painting) -> None:
    """Raises ValueError if no kernel draws the brush."""
    if painting.brush.engine:
        raise ValueError(
            f"brush {painting.brush.name!r} is drawn by an engine: use neuralpaint.engines.draw_painting (--engine)"
        )


def _colors(painting: Painting, scale: float) -> _Layer | WetLayer:
    if painting.finish.wet:
        return WetLayer(painting.strokes, painting.brush, painting.background, painting.finish.wet, scale)
    return _Layer(painting.strokes, painting.brush, painting.background, scale)


def _surface(painting: Painting, scale: float) -> _Layer:
    return _Layer(surface_strokes(painting.strokes, painting.brush), painting.brush, BARE, scale)


def _tiled(
    painting: Painting, size: int | None, rows: int | None, edge: int, draw: Callable[[int, int, int, int], Tensor]
) -> Tiles:
    """Draws all tiles; `draw` is given each with `edge` pixels more on each side and returns it without them."""
    height, width = painting.pixels(size)
    rows = min(TILE, rows or TILE)
    for y in range(0, height, rows):
        h = min(rows, height - y)
        for x in range(0, width, TILE):
            w = min(TILE, width - x)
            with torch.no_grad():
                tile = draw(y - edge, x - edge, h + 2 * edge, w + 2 * edge)
            yield y, x, tile[0]
