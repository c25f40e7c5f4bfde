"""Parses style names and mixes of styles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from neuralpaint.utils.validation import unknown_name

_SLACK = 1e-3  # tolerance for the sum of the weights: 0.333,0.333,0.333 is accepted, 0.3,0.3,0.3 is not


def style_mix(text: str, names: Sequence[str]) -> Tensor:
    """Parses a style or mix into the weights `[N]` that a network takes.

    Args:
        text: a name; several names with weights, `"munch-scream:0.7,monet-irises:0.3"`; or several without, for equal
            weights.
        names: the styles of the network.

    Returns:
        `[N]` float32, not negative, summing to 1.

    Raises:
        ValueError: a name is unknown (the message suggests similar ones) or repeated, only some names have weights, or
            the weights are negative, not numbers, or do not sum to 1.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise ValueError(f"style {text!r} has an empty part: write NAME, or NAME:WEIGHT,NAME:WEIGHT")
    chosen: dict[str, float | None] = {}
    for part in parts:
        name, colon, weight = part.partition(":")
        name = name.strip()
        if name not in names:
            raise ValueError(unknown_name("style", name, list(names)))
        if name in chosen:
            raise ValueError(f"style {text!r} names {name!r} twice")
        chosen[name] = _weight(weight, part) if colon else None
    weights = list(chosen.values())
    if all(weight is None for weight in weights):
        values = [1 / len(weights)] * len(weights)
    else:
        values = [weight for weight in weights if weight is not None]
        if len(values) < len(weights):
            raise ValueError(f"style {text!r}: give either all styles a weight, or none")
        total = math.fsum(values)
        if abs(total - 1) > _SLACK:
            raise ValueError(f"style {text!r}: the weights sum to {total:g}, not to 1")
        values = [value / total for value in values]
    mix = torch.zeros(len(names), dtype=torch.float32, device="cpu")
    for name, value in zip(chosen, values, strict=True):
        mix[list(names).index(name)] = value
    return mix


def _weight(text: str, part: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        raise ValueError(f"style {part!r}: {text.strip()!r} is not a number") from None
    if not 0 <= weight < math.inf:
        raise ValueError(f"style {part!r}: a weight must be a number of at least 0")
    return weight


def corner_mixes(corners: Tensor, side: int) -> Tensor:
    """Bilinear mixes of four styles at the corners of a square: `[4, N]` → `[side·side, N]`, row by row.

    The corners are in reading order, as in figure 7 of Dumoulin et al.
    """
    t = torch.linspace(0, 1, side, dtype=torch.float32, device="cpu")
    y, x = (grid.reshape(-1, 1) for grid in torch.meshgrid(t, t, indexing="ij"))
    a, b, c, d = corners
    return (1 - y) * ((1 - x) * a + x * b) + y * ((1 - x) * c + x * d)


def sweep_mixes(first: Tensor, last: Tensor, count: int) -> Tensor:
    """Interpolates from one style to another in equal steps: `[count, N]`."""
    t = torch.linspace(0, 1, count, dtype=torch.float32, device="cpu")[:, None]
    return (1 - t) * first + t * last
