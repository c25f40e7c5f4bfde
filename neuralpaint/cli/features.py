"""Options that choose a feature network, and finding it."""

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
        metavar="NAME", help="What styles are compared by: vgg19, efficientnet-lite0, or auto, the best at hand."
    ),
]
Vgg = Annotated[
    Path | None,
    typer.Option(
        "--vgg",
        metavar="FILE",
        help="VGG-19's weights.",
        show_default="NEURALPAINT_VGG19, else torch's hub cache, else a download",
    ),
]


def find_features(name: str, vgg: Path | None) -> FeatureNetwork:
    """Says which they are, where "auto" is not VGG-19. ValueError if there is none of that name, or its weights are not
    found."""
    from neuralpaint.losses.features import get_features

    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        network = get_features(name, path=vgg)
    for note in notes:
        warn(str(note.message))
    return network
