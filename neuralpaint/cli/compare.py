"""neuralpaint compare: how near pictures and paintings are to a photo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.features import Vgg, find_features
from neuralpaint.cli.options import MAX_SIZE, Debug, check_range

if TYPE_CHECKING:
    from neuralpaint.metrics import Comparison

NAME = "compare"

_DIGITS = {"psnr": 2, "strokes": 0}
_TITLES = {"psnr": "PSNR, dB", "ssim": "SSIM", "ms_ssim": "MS-SSIM"}


def command(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The photo to compare with.")],
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE...", help="Pictures or stroke files (.safetensors, .npz).")
    ],
    style: Annotated[
        Path | None, typer.Option(metavar="IMAGE", help="A painting to compare the style of the pictures with.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Compare at this shorter side.", show_default="the photo's")
    ] = None,
    features: Annotated[
        str,
        typer.Option(metavar="NAME", help="Network of the feature distances: distilled, vgg19, efficientnet-lite0."),
    ] = "distilled",
    vgg: Vgg = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a picture.")] = False,
    debug: Debug = False,
) -> None:
    """Prints how near pictures are to a photo: PSNR, SSIM, MS-SSIM, feature, edge and style distances.

    Distances are 0 for the photo itself. SSIM needs torchmetrics: pip install 'neuralpaint[[metrics]]'.

    [bold]Examples[/bold]
      [cyan]neuralpaint compare photo.jpg painting.png other.png[/cyan]
      [cyan]neuralpaint compare photo.jpg painting.safetensors --size 512 --style van-gogh.jpg --json[/cyan]
    """
    from neuralpaint.metrics import compare

    if size is not None:
        check_range("--size", size, 16, MAX_SIZE)
    network = find_features(features, vgg)
    results = []
    for picture in pictures:
        try:
            results.append((picture, compare(photo, picture, style=style, features=network, size=size)))
        except ValueError as error:
            text = str(error)
            raise ValueError(text if str(picture) in text else f"{picture}: {text}") from error
    if as_json:
        for picture, result in results:
            say(json.dumps({"picture": str(picture)} | result.to_dict()))
        return
    _print_table(results)


def _print_table(results: list[tuple[Path, Comparison]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = [name for name in results[0][1].names() if any(r.to_dict()[name] is not None for _, r in results)]
    table = Table("picture", *(_TITLES.get(name, name) for name in names), box=None, header_style="bold")
    for picture, result in results:
        values = result.to_dict()
        cells = ("–" if values[n] is None else f"{values[n]:,.{_DIGITS.get(n, 4)}f}" for n in names)
        table.add_row(Text(str(picture)), *cells)
    Console().print(table)
