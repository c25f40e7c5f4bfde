"""Features: what a picture looks like to a network that was trained to recognise things.

Styles and contents are compared by them. `get_features` finds a strategy by name; each is a `Features`.
"""

from __future__ import annotations

import os
import warnings

from neuralpaint.losses.features.base import Features
from neuralpaint.losses.features.efficientnet import EfficientNetFeatures, available
from neuralpaint.losses.features.gram import gram, pyramid
from neuralpaint.losses.features.vgg import VARIABLE, VGG19Features, find_weights
from neuralpaint.utils.validation import unknown_name

STRATEGIES = ("vgg19", "efficientnet-lite0")

__all__ = ["STRATEGIES", "EfficientNetFeatures", "Features", "VGG19Features", "get_features", "gram", "pyramid"]


def get_features(name: str | Features = "auto", *, path: str | os.PathLike | None = None) -> Features:
    """A feature network by its name.

    Args:
        name: "vgg19"; "efficientnet-lite0"; "auto": VGG-19, unless its weights would have to be downloaded and the
            other's are here, which a warning tells; or a `Features`, returned as it is.
        path: VGG-19's weights: see `VGG19Features`.

    Raises:
        ValueError: the name is unknown, or no weights are found; the message says where to get them.
    """
    if isinstance(name, Features):
        return name
    if name == "auto" and path is None and find_weights() is None and available():
        warnings.warn(
            f"styles are compared by efficientnet-lite0, for VGG-19's weights are not here (--vgg or {VARIABLE} names "
            "them; --features vgg19 downloads them)",
            stacklevel=2,
        )
        name = "efficientnet"
    if name in ("auto", "vgg19"):
        return VGG19Features(path)
    if name in ("efficientnet-lite0", "efficientnet"):
        return EfficientNetFeatures()
    raise ValueError(unknown_name("features", name, STRATEGIES))
