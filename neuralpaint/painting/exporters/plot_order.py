"""The order of a plotter's lines, so that the pen travels little between them."""

from __future__ import annotations

import numpy as np

_TOGETHER = 4096  # lines that are ordered at once: the time goes by the square
_WINDOW = 400  # lines between the ends of a part that 2-opt turns around
_PASSES = 4


def order_lines(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An order of lines, and which are drawn backwards: the nearest end first, then 2-opt (Croes 1958).

    Args:
        starts, ends: `[N, 2]`.

    Returns:
        Indices `[N]`, and bool `[N]` by the order: drawn from its end to its start.
    """
    if len(starts) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    orders, turns, at = [], [], np.zeros(2)
    for own in _strips(starts):
        order, turned = _greedy(starts[own], ends[own], at)
        _two_opt(starts[own], ends[own], order, turned, at)
        orders.append(own[order])
        turns.append(turned)
        at = (starts if turned[-1] else ends)[orders[-1][-1]]
    return np.concatenate(orders), np.concatenate(turns)


def travel(starts: np.ndarray, ends: np.ndarray) -> float:
    """How far the pen goes in the air from (0, 0) along lines in their order, `[N, 2]` each."""
    if len(starts) == 0:
        return 0.0
    way = np.linalg.norm(starts[1:] - ends[:-1], axis=1).sum()
    return float(way + np.linalg.norm(starts[0]))


def _strips(starts: np.ndarray) -> list[np.ndarray]:
    """Indices of lines by upright strips from left to right, of at most `_TOGETHER` each."""
    across = np.argsort(starts[:, 0], kind="stable")
    return np.array_split(across, -(-len(across) // _TOGETHER))


def _greedy(starts: np.ndarray, ends: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    left = np.arange(len(starts))
    points = np.stack([starts, ends])
    order, turned = np.empty(len(starts), dtype=np.int64), np.empty(len(starts), dtype=bool)
    for k in range(len(starts)):
        distance = ((points[:, left] - at) ** 2).sum(-1)
        side, nearest = np.unravel_index(distance.argmin(), distance.shape)
        order[k], turned[k] = left[nearest], side == 1
        at = points[1 - side, left[nearest]]
        left[nearest] = left[-1]
        left = left[:-1]
    return order, turned


def _two_opt(starts: np.ndarray, ends: np.ndarray, order: np.ndarray, turned: np.ndarray, at: np.ndarray) -> None:
    """Turns parts of the order around, in place, wherever that saves a way."""
    first = np.where(turned[:, None], ends[order], starts[order])
    last = np.where(turned[:, None], starts[order], ends[order])
    count = len(order)
    for _ in range(_PASSES):
        better = False
        for i in range(count):
            end = min(count, i + _WINDOW)
            before = last[i - 1] if i else at
            now = np.linalg.norm(before - first[i]) + _onwards(last[i:end], first[i + 1 : end + 1])
            then = np.linalg.norm(last[i:end] - before, axis=1)
            then[: len(first[i + 1 : end + 1])] += np.linalg.norm(first[i] - first[i + 1 : end + 1], axis=1)
            gain = now - then
            j = i + int(gain.argmax())
            if gain[j - i] <= 1e-9:
                continue
            part = slice(i, j + 1)
            first[part], last[part] = last[part][::-1].copy(), first[part][::-1].copy()
            order[part], turned[part] = order[part][::-1].copy(), ~turned[part][::-1]
            better = True
        if not better:
            return


def _onwards(last: np.ndarray, following: np.ndarray) -> np.ndarray:
    """`[K]`: the way from each end to the start that follows; none after the last of all."""
    way = np.zeros(len(last))
    way[: len(following)] = np.linalg.norm(last[: len(following)] - following, axis=1)
    return way
