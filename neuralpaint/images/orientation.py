"""EXIF orientations, 1 to 8: how the rows and columns of a file lie in the upright picture."""

from __future__ import annotations

import numpy as np

_INVERSE = {6: 8, 8: 6}  # the others undo themselves


def turned(height: int, width: int, orientation: int) -> tuple[int, int]:
    """(height, width) of the upright picture, from those of the stored one."""
    return (width, height) if 5 <= orientation <= 8 else (height, width)


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """The upright picture as a view of the stored one, both `[H, W, ...]`. Unknown orientations change nothing."""
    view = stored.swapaxes(0, 1) if 5 <= orientation <= 8 else stored
    if orientation in (3, 4, 7, 8):
        view = view[::-1]
    if orientation in (2, 3, 6, 7):
        view = view[:, ::-1]
    return view


def stored_as(picture: np.ndarray, orientation: int) -> np.ndarray:
    """The stored picture as a view of the upright one: the inverse of `upright`."""
    return upright(picture, _INVERSE.get(orientation, orientation))
