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

STRATEGIES = ("vgg19", "efficientnet-lite0", "distilled")

__all__ = [
    "STRATEGIES",
    "DistilledFeatures",
    "EfficientNetFeatures",
    "Features",
    "VGG19Features",
    "find_weights",
    "get_features",
    "gram",
    "pyramid",
]


def get_features(
    name: str | Features = "auto", *, path: str | os.PathLike | None = None, download: bool = False
) -> Features:
    """Looks up a feature network by name.

    Args:
        name: "vgg19"; "efficientnet-lite0"; "distilled", the encoder that is in the package; "auto", which is VGG-19 if
            its weights are on this machine, otherwise (with a warning) EfficientNet-Lite0 if it is installed, otherwise
            "distilled"; or a `Features`, returned unchanged.
        path: VGG-19 weights: see `VGG19Features`.
        download: fetch VGG-19's published weights (548 MB) if they are not on this machine. Nothing else is fetched,
            and without it nothing at all.

    Raises:
        ValueError: the name is unknown, or no weights are found; the message says where to get them.
    """
    if isinstance(name, Features):
        return name
    if name == "auto" and path is None and not download and find_weights() is None:
        name = "efficientnet-lite0" if available() else "distilled"
        warnings.warn(
            f"using {name} for style features, because VGG-19 weights were not found (set --vgg or {VARIABLE}, or "
            "fetch them once with --features vgg19 --download)",
            stacklevel=2,
        )
    if name in ("auto", "vgg19"):
        return VGG19Features(path, download=download)
    if name in ("efficientnet-lite0", "efficientnet"):
        return EfficientNetFeatures()
    if name == "distilled":
        return DistilledFeatures()
    raise ValueError(unknown_name("features", name, STRATEGIES))
