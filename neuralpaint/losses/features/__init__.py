"""Features: activations of pretrained image classifiers, used to compare style and content.

`get_features` looks up a feature network by name; each is a `Features`.
"""

from __future__ import annotations

import os
import warnings

from neuralpaint.losses.features.base import Features
from neuralpaint.losses.features.distilled import DistilledFeatures
from neuralpaint.losses.features.efficientnet import EfficientNetFeatures, available
from neuralpaint.losses.features.gram import gram, pyramid
from neuralpaint.losses.features.vgg import VARIABLE, VGG19Features, find_weights
from neuralpaint.utils.validation import unknown_name

STRATEGIES = ("vgg19", "distilled", "efficientnet-lite0")

__all__ = [
    "STRATEGIES",
    "DistilledFeatures",
    "EfficientNetFeatures",
    "Features",
    "VGG19Features",
    "get_features",
    "gram",
    "pyramid",
]


def get_features(name: str | Features = "auto", *, path: str | os.PathLike | None = None) -> Features:
    """Looks up a feature network by name.

    Args:
        name: "vgg19"; "distilled", which comes along; "efficientnet-lite0"; "auto", which is VGG-19, or
            EfficientNet-Lite0 (with a warning) if only its weights are available without a download; or a `Features`,
            returned unchanged.
        path: VGG-19 weights: see `VGG19Features`.

    Raises:
        ValueError: the name is unknown, or no weights are found; the message says where to get them.
    """
    if isinstance(name, Features):
        return name
    if name == "auto" and path is None and find_weights() is None and available():
        warnings.warn(
            f"using efficientnet-lite0 for style features, because VGG-19 weights were not found (set --vgg or "
            f"{VARIABLE}, or download them with --features vgg19)",
            stacklevel=2,
        )
        name = "efficientnet"
    if name in ("auto", "vgg19"):
        return VGG19Features(path)
    if name in ("efficientnet-lite0", "efficientnet"):
        return EfficientNetFeatures()
    if name == "distilled":
        return DistilledFeatures()
    raise ValueError(unknown_name("features", name, STRATEGIES))
