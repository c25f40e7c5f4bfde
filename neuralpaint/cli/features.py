"""Options that choose the feature network."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import warn

if TYPE_CHECKING:
    from neuralpaint.losses.features import Features as FeatureNetwork

Features = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Feature network of the style loss: vgg19, efficientnet-lite0, distilled, or auto (best on this machine).",
    ),
]
Vgg = Annotated[
    Path | None,
    typer.Option(
        "--vgg",
        metavar="FILE",
        help="VGG-19 weights.",
        show_default="NEURALPAINT_VGG19, else the torch hub cache",
    ),
]
Download = Annotated[
    bool,
    typer.Option(
        "--download",
        help="Fetch VGG-19's weights (548 MB, once) if they are not on this machine. Nothing is fetched without it.",
    ),
]


def find_features(name: str, vgg: Path | None, download: bool = False) -> FeatureNetwork:
    """The feature network of that name; prints which one was chosen if "auto" is not VGG-19. ValueError if the name is
    unknown or the weights are not found."""
    from neuralpaint.losses.features import get_features

    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        network = get_features(name, path=vgg, download=download)
    for note in notes:
        warn(str(note.message))
    return network
