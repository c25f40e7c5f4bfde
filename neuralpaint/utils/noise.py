"""Value noise: random values at the points of a lattice, and smooth steps between them (Perlin 1985, 2002).

Three ways to find the values, for three uses. `LatticeNoise` draws a new lattice for each call, one after another, over
[0, 1]; `TableNoise` looks them up in a table, anywhere on the plane, on arrays; `hashed_noise` computes them from the
coordinates, anywhere on the plane, on tensors of any device. All are from 0 to 1, the same for a seed on every machine:
textures and grounds are made of them, so no value may ever change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def smoothstep(t: Any) -> Any:
    """From 0 to 1 as `t`, an array or a tensor, does, with no slope at both ends."""
    return t * t * (3.0 - 2.0 * t)


def smootherstep(t: Any) -> Any:
    """As `smoothstep`, with no curvature at both ends either (Perlin 2002)."""
    return t * t * t * (t * (t * 6 - 15) + 10)


class LatticeNoise:
    """Noise over [0, 1] from lattices drawn one after another: what a call returns depends on the calls before it.

    Only uniform draws, the part of NumPy's generators that never changes.

    Args:
        seed: whole numbers of at least 0.
    """

    def __init__(self, *seed: int) -> None:
        self._rng = np.random.default_rng(list(seed))

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return low + (high - low) * float(self._rng.random())

    def line(self, position: np.ndarray, cells: int) -> np.ndarray:
        """Noise over a line: `cells` independent values over [0, 1], smooth in between."""
        lattice = self._rng.random(cells + 2).astype(np.float32)
        cell, weight = _cells(position, cells, self.uniform(0.0, 1.0))
        return lattice[cell] + (lattice[cell + 1] - lattice[cell]) * weight

    def grid(self, x: np.ndarray, y: np.ndarray, columns: int, rows: int) -> np.ndarray:
        """Noise `[Y, X]` at x `[X]` and y `[Y, X]` in [0, 1], of a lattice of so many cells along each."""
        lattice = self._rng.random((rows + 2, columns + 2)).astype(np.float32)
        cell, weight = _cells(x, columns, self.uniform(0.0, 1.0))
        along = lattice[:, cell] * (1.0 - weight) + lattice[:, cell + 1] * weight  # [rows + 2, X]
        cell, weight = _cells(y, rows, self.uniform(0.0, 1.0))
        flat = cell * np.int32(x.size) + np.arange(x.size, dtype=np.int32)
        values = along.ravel()
        near = values[flat]
        return near + (values[flat + np.int32(x.size)] - near) * weight


class TableNoise:
    """Noise on the plane, from a table of 65,536 values. Only uniform draws, as of `LatticeNoise`."""

    def __init__(self, seed: int) -> None:
        self._table = np.random.default_rng(seed).random(1 << 16).astype(np.float32)

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Smooth noise with a value of its own at each whole x and y."""
        x, y = np.broadcast_arrays(x, y)
        column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        return _between(self._value, column, row, smoothstep(x - column), smoothstep(y - row))

    def _value(self, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        return self._table[(column * 7919 + row * 104729) & 0xFFFF]


def hashed_noise(x: Tensor, y: Tensor, seed: int) -> Tensor:
    """Smooth noise on the plane, float64, with a value of its own at each whole x and y of less than 2³¹."""
    import torch

    x, y = torch.broadcast_tensors(x, y)
    column, row = x.floor(), y.floor()
    u, v = smootherstep(x - column), smootherstep(y - row)
    return _between(lambda i, j: _hashed(i, j, seed), column.long(), row.long(), u, v)


def hashed_grid(x: Tensor, y: Tensor, seed: int) -> Tensor:
    """`hashed_noise` at all crossings of x `[W]` and y `[H]`, float32 `[H, W]`: many times quicker, as it hashes each
    point of the lattice once."""
    import torch

    (column, u), (row, v) = ((t.floor().long(), smootherstep(t - t.floor()).float()) for t in (x, y))
    left, top = int(column.min()), int(row.min())
    columns = torch.arange(left, int(column.max()) + 2, device=x.device)
    rows = torch.arange(top, int(row.max()) + 2, device=x.device)
    lattice = _hashed(columns[None, :], rows[:, None], seed).float()
    column, row, v = column - left, row - top, v[:, None]
    along = torch.lerp(lattice[:, column], lattice[:, column + 1], u)
    return torch.lerp(along[row], along[row + 1], v)


def _between(value: Callable[[Any, Any], Any], column: Any, row: Any, u: Any, v: Any) -> Any:
    """Between the values at the corners of a cell, by the weights u and v of its far sides."""
    corner = [[value(column + i, row + j) for i in (0, 1)] for j in (0, 1)]
    upper = corner[0][0] + u * (corner[0][1] - corner[0][0])
    lower = corner[1][0] + u * (corner[1][1] - corner[1][0])
    return upper + v * (lower - upper)


def _cells(position: np.ndarray, cells: int, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """The lattice cell that holds each position in [0, 1] and the smooth weight of the cell's far side."""
    p = position * np.float32(cells) + np.float32(phase)
    cell = p.astype(np.int32)
    t = p - cell.astype(np.float32)  # float32 minus int32 would be float64, twice as slow
    return cell, smoothstep(t)


def _hashed(x: Tensor, y: Tensor, seed: int) -> Tensor:
    """A number from 0 to 1 for a point of the grid. (The mixing of MurmurHash3, on 32 bits.)"""
    mask = 0xFFFFFFFF
    key = (x * 0x9E3779B1 + y * 0x85EBCA77 + seed * 0xC2B2AE3D) & mask
    key = ((key ^ (key >> 16)) * 0x85EBCA6B) & mask
    key = ((key ^ (key >> 13)) * 0xC2B2AE35) & mask
    return ((key ^ (key >> 16)) & 0xFFFFFF).double() / 0xFFFFFF
