"""neuralpaint render: a stroke file to a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.common import MAX_SIZE, Debug, Device, Overwrite, check_range, check_target, say

if TYPE_CHECKING:
    from neuralpaint.strokes import Painting

NAME = "render"

Strokes = Annotated[
    Path,
    typer.Argument(
        metavar="STROKES", help="A stroke file: .safetensors of ours, or .npz of SNP's reference implementation."
    ),
]


def command(
    strokes: Strokes,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="The picture: .png, .jpg, .webp or .tiff.")
    ],
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Shorter side of the picture.", show_default="as painted"),
    ] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draws a stroke file as a picture of any size.

    [bold]Example[/bold]
      [cyan]neuralpaint render painting.safetensors -o painting.png --size 4096[/cyan]
    """
    from neuralpaint.devices import resolve_device
    from neuralpaint.images import check_output, save_image

    check_range("--size", size, 1, MAX_SIZE)
    check_output(output)
    place = resolve_device(device)
    painting = load_painting(strokes)
    height, width = painting.pixels(size)
    check_output(output, width, height)
    check_target(output, overwrite)
    save_image(painting.to(place).render(size), output)
    say(f"{strokes} → {output}: {width}x{height} pixels, {len(painting)} strokes")


def load_painting(path: Path) -> Painting:
    """A stroke file of either kind. ValueError if it is none."""
    from neuralpaint.strokes import Painting

    return Painting.from_snp(path) if path.suffix.lower() == ".npz" else Painting.load(path)
