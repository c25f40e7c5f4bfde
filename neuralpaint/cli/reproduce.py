"""neuralpaint reproduce: figures of the papers, and what we find."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.features import Download, Vgg, find_features
from neuralpaint.cli.options import MAX_STEPS, Debug, Device, Overwrite, Quiet, check_range

if TYPE_CHECKING:
    from collections.abc import Callable

    from neuralpaint.reproduction import Entry

NAME = "reproduce"


# Long: it is the list of options that is long.
def command(
    figure: Annotated[
        list[int] | None, typer.Option(metavar="N", help="A figure to reproduce; may be given several times.")
    ] = None,
    table: Annotated[
        list[int] | None, typer.Option(metavar="N", help="A table to reproduce; may be given several times.")
    ] = None,
    paper: Annotated[
        str | None,
        typer.Option(
            metavar="PAPER", help="Figures of this paper: snp (Zou et al. 2021) or styles (Dumoulin et al. 2017)."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All figures and tables that can be reproduced.")] = False,
    scale: Annotated[
        str,
        typer.Option(metavar="SCALE", help="small (minutes on two cores) or paper (the papers' sizes, for a GPU)."),
    ] = "small",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Output folder for the pictures (.png) and numbers (.json)."),
    ] = None,
    photos: Annotated[Path, typer.Option(metavar="DIR", help="Photos to paint; most figures need them.")] = Path(
        "examples/photos"
    ),
    styles: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Paintings, named after the styles of the bundled networks; the figures of styles need two or more.",
        ),
    ] = None,
    content: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos to train on; the figures that train styles need them.")
    ] = None,
    renderers: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Renderers in folders BRUSH-NETWORK, by train-renderer: table 1 shows them and trains none.",
        ),
    ] = None,
    updates: Annotated[
        int | None, typer.Option(metavar="N", help="Training steps.", show_default="by scale and figure")
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep trainings there, and continue those that are there."),
    ] = None,
    features: Annotated[
        str,
        typer.Option(metavar="NAME", help="Network that styles are compared by: vgg19, efficientnet-lite0, distilled."),
    ] = "vgg19",
    vgg: Vgg = None,
    download: Download = False,
    page: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page about all results in DIR, as .md; alone, compute nothing."),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List what can be reproduced and exit.")] = False,
    device: Device = "auto",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Reproduces figures of the two papers behind this program, and says whether we find what they say.

    Writes PAPER-figure-N.png and PAPER-figure-N.json to DIR: the picture, and the numbers with settings and machine.

    [bold]Examples[/bold]
      [cyan]neuralpaint reproduce --list[/cyan]
      [cyan]neuralpaint reproduce --figure 12 -o figures[/cyan]
      [cyan]neuralpaint reproduce --table 1 --renderers runs -o figures[/cyan]
      [cyan]neuralpaint reproduce --all --styles paintings --content photos -o figures --page figures.md[/cyan]
    """
    from neuralpaint.reproduction import ENTRIES, SCALES, choose
    from neuralpaint.utils.validation import unknown_name

    if show:
        for entry in ENTRIES:
            say(f"{entry.label}: {entry.title}. {entry.claim}")
        return
    if scale not in SCALES:
        raise ValueError(unknown_name("scale", scale, list(SCALES)))
    check_range("--updates", updates, 1, MAX_STEPS)
    only_page = page is not None and not (figure or table or paper or everything)
    chosen = [] if only_page else choose(ENTRIES, figure or (), paper, everything, table or ())
    if out is None:
        raise ValueError("--out DIR is missing: the folder for the pictures and numbers")
    _check_outputs(chosen, out, page, overwrite, {"photos": photos, "paintings": styles, "training photos": content})
    if chosen:
        inputs: dict[str, Any] = _inputs(chosen, photos, styles, content)
        if renderers is not None and not renderers.is_dir():
            raise ValueError(f"--renderers {renderers} is not a folder")
        if any("features" in entry.needs for entry in chosen):
            inputs["features"] = find_features(features, vgg, download)
        inputs |= {"updates": updates, "renderers": renderers, "work": work}
        _run(chosen, scale, out, inputs, device, quiet)
    if page is not None:
        _write_page(out, page, quiet)


def _check_outputs(
    chosen: Sequence[Entry], out: Path, page: Path | None, overwrite: bool, inputs: Mapping[str, Path | None]
) -> None:
    """Raises ValueError if files are there already, or cannot be written. Makes no folder."""
    from neuralpaint.pipelines.batch import check_target, same_file
    from neuralpaint.reproduction.results import targets

    if page is not None:
        if page.suffix.lower() != ".md":
            raise ValueError(f"--page {page}: must be a .md file")
        check_target(page, overwrite)
    for what, folder in inputs.items():
        if folder is not None and same_file(out, folder):
            raise ValueError(f"{out} is the folder of the {what}: choose another folder for --out")
    if out.is_dir():
        for target in targets(chosen, out):
            check_target(target, overwrite)
    elif out.exists():
        raise ValueError(f"--out {out} is a file: give a folder")


def _inputs(chosen: Sequence[Entry], photos: Path, styles: Path | None, content: Path | None) -> dict[str, list[Path]]:
    """The files of photos and paintings that the entries need. ValueError if there are none."""
    from neuralpaint.training.styles.dataset import LEAST_PHOTOS, pictures_in

    found: dict[str, list[Path]] = {}
    if any("photos" in entry.needs for entry in chosen):
        found["photos"] = pictures_in(photos, "--photos")
    for entry in chosen:
        if "styles" in entry.needs:
            if styles is None:
                raise ValueError(
                    f"--styles DIR is missing, which {entry.label} needs: a folder with the paintings of two styles or "
                    "more, such as van-gogh-starry-night.jpg (neuralpaint stylize --list names the styles)"
                )
            found["styles"] = pictures_in(styles, "--styles")
        if "content" in entry.needs:
            if content is None:
                raise ValueError(
                    f"--content DIR is missing, which {entry.label} needs: a folder with photos to train on, at least "
                    f"{LEAST_PHOTOS}, of any kind; some hundreds do well"
                )
            found["content"] = pictures_in(content, "--content")
    return found


def _run(
    chosen: Sequence[Entry],
    scale: str,
    out: Path,
    inputs: Mapping[str, Any],
    device: str,
    quiet: bool,
) -> None:
    from neuralpaint.reproduction import Request
    from neuralpaint.reproduction.results import reproduce
    from neuralpaint.utils.device import resolve_device
    from neuralpaint.utils.files import make_folder

    place = resolve_device(device)
    make_folder(out)  # before minutes of work, in case that it cannot be made
    for entry in chosen:
        with _progress(entry.name, quiet) as progress:
            request = Request(scale, place, progress=progress, **inputs)
            result = reproduce(entry, request, out)
        if not quiet:
            verdict = "as the paper says" if result["agrees"] else "not as the paper says"
            say(f"{out / result['picture']}: {verdict}. {result['finding']} ({result['seconds']:.0f} s)")


@contextmanager
def _progress(name: str, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    from neuralpaint.cli.progress import bar, visible

    if not visible(quiet):
        yield lambda stage, done, total: None
        return
    with bar(name, timed=False) as update:
        yield lambda stage, done, total: update(total=total, completed=done, detail=stage)


def _write_page(out: Path, page: Path, quiet: bool) -> None:
    from neuralpaint.reproduction import ENTRIES
    from neuralpaint.reproduction import page as write
    from neuralpaint.reproduction.results import read_results
    from neuralpaint.utils.files import atomic_write

    folder = Path(os.path.relpath(out, page.parent)).as_posix()
    text = write(read_results(ENTRIES, out), folder)
    with atomic_write(page) as file:
        file.write(text.encode())
    if not quiet:
        say(str(page))
