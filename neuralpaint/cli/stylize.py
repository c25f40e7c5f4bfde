"""neuralpaint stylize: stylizes a photo in one style of a network, a mix of styles, or all styles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.options import (
    MAX_SIZE,
    Canvas,
    Debug,
    Device,
    Overwrite,
    check_range,
    renamed_background,
)
from neuralpaint.cli.progress import bar, visible
from neuralpaint.cli.style_image import KeepColors, Mask, Strength, StyleImage, StyleMask, Weights, plan_transfer
from neuralpaint.pipelines.batch import check_target, same_file

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from neuralpaint.styles.network import StyleNetwork

NAME = "stylize"
_ANIMATED = (".gif", ".webp")
_SHEET_SIZE, _MOST_FRAMES, _MOST_CELLS = 256, 1000, 15
_FRAME_MS = 80
_LEAST_MEMORY = 64 << 20


def command(
    photo: Annotated[Path | None, typer.Argument(metavar="PHOTO", help="The photo.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Output image; for --sweep a .gif, a .webp or a folder.",
        ),
    ] = None,
    style: Annotated[
        str | None, typer.Option(metavar="STYLE", help="Name of a style, or a mix: NAME:0.7,NAME:0.3.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Make a sheet of all styles.")] = False,
    grid: Annotated[
        str | None,
        typer.Option(metavar="A,B,C,D", help="Make a sheet that blends between four styles, one per corner."),
    ] = None,
    sweep: Annotated[str | None, typer.Option(metavar="A,B", help="Animate from one style to another.")] = None,
    style_image: StyleImage = None,
    weights: Weights = None,
    strength: Strength = 1.0,
    keep_colors: KeepColors = False,
    mask: Mask = None,
    style_mask: StyleMask = None,
    list_styles: Annotated[bool, typer.Option("--list", help="Print the names of the styles.")] = False,
    network: Annotated[
        str, typer.Option(metavar="NETWORK", help="light (fast), paper, or the folder of a trained network.")
    ] = "light",
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Shorter side; a smaller image has larger strokes.",
            show_default=f"the photo's; {_SHEET_SIZE} in sheets",
        ),
    ] = None,
    cells: Annotated[int, typer.Option(metavar="N", help="--grid: images along each side.")] = 5,
    frames: Annotated[int, typer.Option(metavar="N", help="--sweep: number of frames.")] = 25,
    memory: Annotated[str, typer.Option(metavar="BYTES", help="Memory limit, such as 2G.")] = "2G",
    background: Annotated[str, typer.Option(metavar="COLOR", help="Background of transparent pixels.")] = "white",
    canvas: Canvas = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Stylizes a photo with one pass of a network, in a style of its own or of any picture.

    [bold]Examples[/bold]
      [cyan]neuralpaint stylize photo.jpg -o out.png --style van-gogh-starry-night[/cyan]
      [cyan]neuralpaint stylize photo.jpg -o out.png --style munch-scream:0.7,monet-irises:0.3[/cyan]
      [cyan]neuralpaint stylize photo.jpg -o out.png --style-image any-painting.jpg[/cyan]
      [cyan]neuralpaint stylize photo.jpg -o sheet.png --all[/cyan]
      [cyan]neuralpaint stylize photo.jpg -o sweep.gif --sweep munch-scream,monet-irises[/cyan]
    """
    from neuralpaint.images.io import check_output, load_image
    from neuralpaint.images.sources import check_there
    from neuralpaint.styles.files import find_style_network, style_names
    from neuralpaint.utils.memory import parse_bytes

    if list_styles:
        for name in style_names(network):
            say(name)
        return
    if photo is None or output is None:
        raise ValueError("PHOTO and -o OUT are required (--list prints the styles)")
    if sum((style is not None, bool(style_image), everything, grid is not None, sweep is not None)) != 1:
        raise ValueError(
            "give exactly one of --style STYLE, --style-image IMAGE, --all, --grid A,B,C,D and --sweep A,B"
        )
    transfer = plan_transfer(photo, output, style_image, weights, strength, keep_colors, mask, style_mask)
    check_range("--size", size, 16, MAX_SIZE)
    check_range("--cells", cells, 2, _MOST_CELLS)
    check_range("--frames", frames, 2, _MOST_FRAMES)
    limit = parse_bytes(memory, "--memory")
    if limit < _LEAST_MEMORY:
        raise ValueError(f"--memory must be at least {_LEAST_MEMORY >> 20}M, got {memory!r}")
    if same_file(photo, output):
        raise ValueError(f"{output} is the photo itself: choose another output file")
    _check_target(output, sweep is not None, overwrite)
    check_there(photo)
    if transfer is not None:
        with _bar(photo.name) as callback:
            found = transfer(size, limit, device, renamed_background(background, canvas), callback)
        say(f"{photo} → {output}: {found.width}x{found.height} pixels")
        return
    find_style_network(network)
    # Importing torch takes seconds, so check the arguments first.
    from neuralpaint.images.resample import resize
    from neuralpaint.styles.stylize import get_style_network
    from neuralpaint.utils.device import resolve_device

    torch_device = resolve_device(device)
    loaded = get_style_network(network).to(torch_device)
    mixes, names, columns = _plan(loaded, style, everything, grid, sweep, cells, frames)
    image = load_image(photo, torch_device, renamed_background(background, canvas))
    shorter = min(image.shape[1:])
    wanted = size or (shorter if style is not None else min(shorter, _SHEET_SIZE))
    if wanted != shorter:
        image = resize(image, *(max(1, round(side * wanted / shorter)) for side in image.shape[1:]))
    if style is not None:
        check_output(output, image.shape[2], image.shape[1])
    with _bar(photo.name) as callback:
        images = _make(loaded, image, mixes, limit, callback)
    if names is not None and everything:
        from neuralpaint.images.io import to_pil

        images, names = [to_pil(image), *images], ["photo", *names]
    _write(images, names, columns, output, sweep is not None)
    high, wide = image.shape[1:]
    number = "" if len(mixes) == 1 else f"{len(mixes)} images of "
    say(f"{photo} → {output}: {number}{wide}x{high} pixels")


def _check_target(output: Path, animated: bool, overwrite: bool) -> None:
    """ValueError if the output cannot be written, or exists and may not be replaced."""
    from neuralpaint.images.io import check_output

    if animated and output.suffix == "":
        if output.is_file():
            raise ValueError(f"{output} is a file, but must be a folder")
        if output.is_dir() and any(output.iterdir()) and not overwrite:
            raise ValueError(f"{output} is not empty: choose another folder, or add --overwrite")
        return
    if animated and output.suffix.lower() not in _ANIMATED:
        raise ValueError(f"--sweep writes a {', a '.join(_ANIMATED)} or a folder, got {output}")
    if not animated:
        check_output(output)
    check_target(output, overwrite)


def _plan(
    network: StyleNetwork,
    style: str | None,
    everything: bool,
    grid: str | None,
    sweep: str | None,
    cells: int,
    frames: int,
) -> tuple[Tensor, list[str] | None, int]:
    """(mixes `[B, N]`, captions or None, columns of the sheet)."""
    import torch

    from neuralpaint.styles.mixing import corner_mixes, style_mix, sweep_mixes

    names = network.names
    if style is not None:
        return style_mix(style, names)[None], None, 1
    if everything:
        return torch.eye(len(names)), list(names), max(1, round((1.2 * (len(names) + 1)) ** 0.5))
    text, count, option = (grid, 4, "--grid") if grid is not None else (sweep or "", 2, "--sweep")
    parts = [part.strip() for part in str(text).split(",")]
    if len(parts) != count or not all(parts):
        raise ValueError(f"{option} takes {count} styles separated by commas, got {text!r}")
    ends = torch.stack([style_mix(part, names) for part in parts])
    if grid is not None:
        return corner_mixes(ends, cells), None, cells
    return sweep_mixes(ends[0], ends[1], frames), None, 1


def _make(
    network: StyleNetwork, photo: Tensor, mixes: Tensor, memory: int, callback: Callable[[float], None] | None
) -> list[Image.Image]:
    from neuralpaint.images.io import to_pil
    from neuralpaint.styles.stylize import stylize_tensor

    images = []
    for k, mix in enumerate(mixes):
        report = None if callback is None else _part(callback, k, len(mixes))
        images.append(to_pil(stylize_tensor(network, photo[None], mix, memory=memory, callback=report)[0]))
    return images


def _part(callback: Callable[[float], None], k: int, count: int) -> Callable[[float], None]:
    return lambda share: callback((k + share) / count)


def _write(images: list[Image.Image], names: list[str] | None, columns: int, output: Path, animated: bool) -> None:
    from neuralpaint.images.io import save_image
    from neuralpaint.styles.sheets import style_sheet
    from neuralpaint.utils.files import atomic_write, make_folder

    if animated and output.suffix == "":
        make_folder(output)
        for k, frame in enumerate(images):
            save_image(frame, output / f"{k:04d}.png")
    elif animated:
        kind = output.suffix.lower()[1:].upper()
        with atomic_write(output) as file:
            # Forwards and backwards, for a seamless loop.
            rest = images[1:] + images[-2:0:-1]
            images[0].save(file, format=kind, save_all=True, append_images=rest, duration=_FRAME_MS, loop=0)
    elif len(images) == 1:
        save_image(images[0], output)
    else:
        save_image(style_sheet(images, columns, names), output)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[float], None] | None]:
    """A progress bar on stderr if it is a terminal."""
    if not visible():
        yield None
        return
    with bar(name) as update:
        yield lambda share: update(total=1.0, completed=share)
