"""Features: what a picture looks like to a network that was trained to recognise things.

Styles and contents are compared by them. `get_features` finds a strategy by name; each is a `Features`.
"""

from __future__ import annotations

import os

from neuralpaint.brushes.brush import unknown_name
from neuralpaint.features.base import Features
from neuralpaint.features.gram import gram, pyramid
from neuralpaint.features.vgg import VGG19Features

STRATEGIES = ("vgg19",)

__all__ = ["STRATEGIES", "Features", "VGG19Features", "get_features", "gram", "pyramid"]


def get_features(name: str | Features = "auto", *, path: str | os.PathLike | None = None) -> Features:
    """A feature network by its name.

    Args:
        name: "vgg19"; "auto": the best that this machine has; or a `Features`, returned as it is.
        path: VGG-19's weights: see `VGG19Features`.

    Raises:
        ValueError: the name is unknown, or no weights are found; the message says where to get them.
    """
    if isinstance(name, Features):
        return name
    if name in ("auto", "vgg19"):
        return VGG19Features(path)
    raise ValueError(unknown_name("features", name, STRATEGIES))
