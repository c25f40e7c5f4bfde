"""Encodes and decodes pictures of any size in tiles, with the same result as in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.styles.pictures.network import MULTIPLE, STRIDES, PictureStyleNetwork

HALO = 32
"""Pixels around a tile that its result depends on, at most: the reach of encoder and decoder of the third level."""
BYTES_PER_PIXEL = 900
"""Approximate peak memory of a tile per pixel, its halo included."""
_SMALLEST_TILE = 128

Tile = tuple[int, int, int, int]
"""Top, bottom, left and right, in pixels."""


def padded(picture: Tensor) -> Tensor:
    """`[1, 3, H, W]`, extended at the bottom and at the right to multiples of four pixels, and to at least eight."""
    pads = (max(8 - side, -side % MULTIPLE) for side in picture.shape[2:])
    bottom, right = pads
    return F.pad(picture, (0, right, 0, bottom), mode="replicate") if bottom or right else picture


def tile_side(memory: int) -> int:
    """The side of tiles that need about `memory` bytes, a multiple of four pixels."""
    side = int((memory / BYTES_PER_PIXEL) ** 0.5) - 2 * HALO
    return max(_SMALLEST_TILE, side // MULTIPLE * MULTIPLE)


class TiledCoder:
    """The features of one level of a picture, tile by tile, and the picture decoded from changed ones.

    Args:
        picture: `[1, 3, H, W]` of `padded`.
        level: from 1 to 3.
        side: of a tile, a multiple of four pixels. The features of a picture of a single tile are kept between
            `features` and `decode`; of more tiles they are computed anew.
    """

    def __init__(self, network: PictureStyleNetwork, picture: Tensor, level: int, side: int) -> None:
        self.network, self.picture, self.level = network, picture, level
        height, width = picture.shape[2:]
        self.tiles: list[Tile] = [
            (top, min(top + side, height), left, min(left + side, width))
            for top in range(0, height, side)
            for left in range(0, width, side)
        ]
        self._kept: Tensor | None = None

    def features(self) -> Iterator[tuple[Tile, Tensor]]:
        """Each tile, in units of features, with its features `[1, C, h, w]`."""
        stride = STRIDES[self.level - 1]
        for tile in self.tiles:
            found = self._encoded(tile)
            yield divided(tile, stride), self._within(found, tile, stride)

    def all_features(self) -> Iterator[tuple[Tile, list[Tensor]]]:
        """Each tile, in pixels, with its features `[1, C, h, w]` of the first levels, up to this one."""
        for tile in self.tiles:
            found = self.network.encoder(self._piece(tile), self.level)
            yield tile, [self._within(f, tile, s) for f, s in zip(found, STRIDES, strict=False)]

    def decode(self, change: Callable[[Tensor, Tile], Tensor], residual: float = 0.0) -> Tensor:
        """The picture `[1, 3, H, W]` with changed features, in [0, 1].

        Args:
            change: takes features `[1, C, h, w]` and where they are, in units of features; returns them changed.
            residual: share that is added of what the decoder loses of the picture when nothing is changed.
        """
        result = torch.empty_like(self.picture)
        stride = STRIDES[self.level - 1]
        for tile in self.tiles:
            top, bottom, left, right = tile
            found = self._encoded(tile)
            changed = change(found, divided(self._outer(tile), stride))
            piece = self._within(self.network.decode(changed, self.level), tile, 1)
            if residual:
                plain = self._within(self.network.decode(found, self.level), tile, 1)
                piece = piece + residual * (self.picture[:, :, top:bottom, left:right] - plain)
            result[:, :, top:bottom, left:right] = piece
        self._kept = None
        return result.clamp_(0, 1)

    def _encoded(self, tile: Tile) -> Tensor:
        if self._kept is not None:
            return self._kept
        found = self.network.encoder(self._piece(tile), self.level)[-1]
        if len(self.tiles) == 1:
            self._kept = found
        return found

    def _piece(self, tile: Tile) -> Tensor:
        top, bottom, left, right = self._outer(tile)
        return self.picture[:, :, top:bottom, left:right].contiguous(memory_format=torch.channels_last)

    def _within(self, found: Tensor, tile: Tile, stride: int) -> Tensor:
        """What belongs to a tile, out of features (stride 1: pixels) `[1, C, h, w]` of the tile with its halo."""
        outer = self._outer(tile)
        rows = slice((tile[0] - outer[0]) // stride, (tile[1] - outer[0]) // stride)
        columns = slice((tile[2] - outer[2]) // stride, (tile[3] - outer[2]) // stride)
        return found[:, :, rows, columns]

    def _outer(self, tile: Tile) -> Tile:
        """A tile with its halo, as far as the picture goes."""
        height, width = self.picture.shape[2:]
        top, bottom, left, right = tile
        return max(0, top - HALO), min(height, bottom + HALO), max(0, left - HALO), min(width, right + HALO)


def divided(tile: Tile, stride: int) -> Tile:
    """A tile in pixels, in units of features."""
    top, bottom, left, right = (side // stride for side in tile)
    return top, bottom, left, right
