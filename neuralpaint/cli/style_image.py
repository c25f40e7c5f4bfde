"""`neuralpaint stylize --style-image`: its options, and what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.pipelines.batch import same_file

if TYPE_CHECKING:
    from PIL import Image

_PANEL = "Style of any picture"

StyleImage = Annotated[
    list[Path] | None,
    typer.Option(
        "--style-image",
        metavar="IMAGE",
        help="A picture in the desired style; repeat it to mix several.",
        rich_help_panel=_PANEL,
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(metavar="0.7,0.3", help="Weight of each --style-image.", show_default="equal", rich_help_panel=_PANEL),
]
Strength = Annotated[
    float, typer.Option(metavar="0-1", help="How much of the style; 0 is the photo.", rich_help_panel=_PANEL)
]
KeepColors = Annotated[bool, typer.Option("--keep-colors", help="Keep the photo's colors.", rich_help_panel=_PANEL)]
Mask = Annotated[
    Path | None,
    typer.Option(
        metavar="IMAGE",
        help="Style the photo where this image is white; with --style-mask, an image of regions.",
        rich_help_panel=_PANEL,
    ),
]
StyleMask = Annotated[
    list[Path] | None,
    typer.Option(
        "--style-mask",
        metavar="IMAGE",
        help="Regions of each --style-image: regions of the same color in --mask get their style.",
        rich_help_panel=_PANEL,
    ),
]

Transfer = Callable[[int | None, int, str, str, Callable[[float], None] | None], "Image.Image"]
"""Takes the shorter side, the memory limit, the device, the background and the callback; writes the output."""


def plan_transfer(
    photo: Path,
    output: Path,
    style_images: Sequence[Path] | None,
    weights: str | None,
    strength: float,
    keep_colors: bool,
    mask: Path | None,
    style_masks: Sequence[Path] | None,
) -> Transfer | None:
    """Checks the options without torch. None if no --style-image is given.

    Raises:
        ValueError: an option is out of range, a file is missing, or the output would replace an input.
    """
    from neuralpaint.images.sources import check_there

    if not style_images:
        given = [weights is not None, strength != 1, keep_colors, mask is not None, bool(style_masks)]
        names = ["--weights", "--strength", "--keep-colors", "--mask", "--style-mask"]
        if any(given):
            raise ValueError(f"{names[given.index(True)]} needs --style-image")
        return None
    shares = None if weights is None else _parse_weights(weights, len(style_images))
    if not 0 <= strength <= 1:
        raise ValueError(f"--strength must be between 0 and 1, got {strength:g}")
    if style_masks and (mask is None or len(style_masks) != len(style_images)):
        raise ValueError("--style-mask: give one for each --style-image, and the photo's regions with --mask")
    inputs = [*style_images, *([] if mask is None else [mask]), *(style_masks or [])]
    for source in inputs:
        check_there(source)
        if same_file(source, output):
            raise ValueError(f"{output} is one of the inputs: choose another output file")

    def run(
        size: int | None, memory: int, device: str, background: str, callback: Callable[[float], None] | None
    ) -> Image.Image:
        from neuralpaint.images.io import check_output, load_image, save_image
        from neuralpaint.images.resample import resize
        from neuralpaint.styles.transfer_style import transfer_style

        image = load_image(photo, "cpu", background)
        if size is not None and mask is None:
            factor = size / min(image.shape[1:])
            image = resize(image, *(max(1, round(side * factor)) for side in image.shape[1:]))
        elif size is not None:
            raise ValueError("--size does not go with --mask, which is as large as the photo: resize both before")
        check_output(output, image.shape[2], image.shape[1])
        found = transfer_style(
            image,
            list(style_images),
            weights=shares,
            strength=strength,
            keep_colors=keep_colors,
            mask=mask,
            style_masks=list(style_masks) if style_masks else None,
            background=background,
            device=device,
            memory=memory,
            callback=callback,
        )
        save_image(found, output)
        return found

    return run


def _parse_weights(text: str, count: int) -> list[float]:
    """One weight for each picture. ValueError unless they are numbers, not negative, and not all 0."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"--weights takes numbers separated by commas, such as 0.7,0.3, got {text!r}") from None
    if len(values) != count:
        raise ValueError(f"--weights: {len(values)} for {count} style images: give one for each")
    if not all(0 <= value < float("inf") for value in values):
        raise ValueError(f"--weights must be numbers that are not negative, got {text!r}")
    if not sum(values):
        raise ValueError("--weights: at least one must be larger than 0")
    return values
