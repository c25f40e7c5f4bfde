"""Options of `paint`, by the panel of its help that they are shown in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuralpaint.brushes import brushes
from neuralpaint.images.io import ALPHA_SUFFIXES
from neuralpaint.images.palette import MAX_COLORS, PALETTES
from neuralpaint.looks import get_look, looks

PhotoPaths = Annotated[
    list[Path], typer.Argument(metavar="PHOTO...", help="Image files, or folders of them; - is standard input.")
]


def _take_look(ctx: typer.Context, value: str | None) -> str | None:
    """Makes the options of the look the defaults of those that are not given."""
    if value is not None:
        options = get_look(value).options
        ctx.default_map = {**(ctx.default_map or {}), **options, "palette": _text(options.get("palette"))}
    return value


def _text(value: int | str | None) -> str | None:
    return None if value is None else str(value)


LookName = Annotated[
    str | None,
    typer.Option(
        "--look",
        metavar="LOOK",
        help=f"{', '.join(looks())}; or a .yaml file: brush, strokes, preset, colours and finish. Other options come "
        "before it.",
        is_eager=True,
        callback=_take_look,
        rich_help_panel="Painting",
    ),
]
BrushName = Annotated[
    str,
    typer.Option(
        metavar="BRUSH",
        help=f"{', '.join(brushes())}; or a grey-scale image of a brush dab (white = paint).",
        rich_help_panel="Painting",
    ),
]
Strokes = Annotated[
    str,
    typer.Option(
        metavar="N|auto", help="Number of strokes; auto: as many as the photo needs.", rich_help_panel="Painting"
    ),
]
Detail = Annotated[
    str,
    typer.Option(
        metavar="auto|none|MASK",
        help="Where detail matters: a grey image, white where it matters most; auto: faces (with the package "
        "facenet-pytorch) and what stands out; none: everywhere alike.",
        rich_help_panel="Painting",
    ),
]
PresetName = Annotated[
    str,
    typer.Option(
        metavar="PRESET", help="fast, balanced, best or paper: speed against quality.", rich_help_panel="Painting"
    ),
]
Grids = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="--preset paper: paint in 1x1, 2x2 … NxN blocks.",
        show_default="5",
        rich_help_panel="Painting",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        help="Shorter side of the painting.",
        show_default="the photo's",
        rich_help_panel="Painting",
    ),
]
Background = Annotated[
    str,
    typer.Option(
        metavar="COLOR", help="Background colour: a name such as black, or #rrggbb.", rich_help_panel="Painting"
    ),
]
PaletteText = Annotated[
    str | None,
    typer.Option(
        "--palette",
        metavar="N|NAME|FILE|COLORS",
        help=f"Paint with few colours: the N best for the photo (1 to {MAX_COLORS}); {', '.join(PALETTES)}; a file "
        "with a colour on each line; or #rrggbb,#rrggbb,…",
        show_default="any colours",
        rich_help_panel="Painting",
    ),
]
Opaque = Annotated[
    bool,
    typer.Option(
        "--opaque",
        help="--palette: each stroke has one colour and hides what is under it, as pens draw.",
        rich_help_panel="Painting",
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Random seed.", rich_help_panel="Painting")]
RendererName = Annotated[
    str,
    typer.Option(
        metavar="RENDERER",
        help="Renderer used by the search: exact, neural (bundled network) or the folder of a trained network.",
        rich_help_panel="Renderer and engine",
    ),
]
EngineAddress = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:FUNCTION",
        help="Paint with your own brush engine, which also draws the result; needs --renderer, the folder of a "
        "network trained on it.",
        rich_help_panel="Renderer and engine",
    ),
]
StyleMix = Annotated[
    str | None,
    typer.Option(
        metavar="STYLE",
        help="Stylize the photo first: name of a style, or a mix (neuralpaint stylize --list).",
        rich_help_panel="Style",
    ),
]
StyleNetwork = Annotated[
    str,
    typer.Option(
        "--style-network",
        metavar="NETWORK",
        help="--style: light, paper, or a network's folder.",
        rich_help_panel="Style",
    ),
]
StyleImage = Annotated[
    Path | None,
    typer.Option(
        "--style-image",
        metavar="IMAGE",
        help="Paint in the style of this image: its colors, and strokes that run as there. With --preset paper, "
        "strokes are moved towards it afterwards, as in Stylized Neural Painting.",
        rich_help_panel="Style",
    ),
]
StyleStrength = Annotated[
    float,
    typer.Option(
        "--style-strength",
        metavar="0-1",
        help="--style-image: how much of the style; 0 is the photo. Not with --preset paper.",
        rich_help_panel="Style",
    ),
]
StyleWeight = Annotated[
    float | None,
    typer.Option(
        "--style-weight",
        metavar="BETA",
        help="Weight of the style relative to the content, ≥ 0.",
        show_default="0.2; with --preset paper 0.5",
        rich_help_panel="Style",
    ),
]
StyleSteps = Annotated[
    int | None,
    typer.Option(
        "--style-steps",
        metavar="N",
        help="Gradient steps towards the style.",
        show_default="40; with --preset paper 200",
        rich_help_panel="Style",
    ),
]
Save = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Save the strokes, for `neuralpaint render`. For several photos a folder.",
        rich_help_panel="Files",
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write a page (.html) about the painting: photo beside it, strokes one by one, loss, settings. For "
        "several photos a folder.",
        rich_help_panel="Output",
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Save the state of the search there while it runs.", rich_help_panel="Files"),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Resume from --checkpoint; skip photos that are already painted.",
        rich_help_panel="Files",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Paint N photos in parallel, one per process; for a single large photo, N windows.",
        rich_help_panel="Machine",
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Paint on a Ray cluster: photos, or the windows of a single large photo. host:port, or auto (the "
        "default if --ray comes last): the cluster running on this machine, else a new one on its cores.",
        rich_help_panel="Machine",
    ),
]
Recursive = Annotated[
    bool,
    typer.Option("--recursive", help="Paint the photos in sub-folders of a folder too.", rich_help_panel="Files"),
]
SkipDone = Annotated[
    bool,
    typer.Option(
        "--skip-done",
        help="Skip photos that already have a painting, to continue a folder.",
        rich_help_panel="Files",
    ),
]
SummaryFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a table of all photos (PSNR, seconds, failures) as .csv or .json.",
        rich_help_panel="Files",
    ),
]
Window = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        help="Search in windows of this many working pixels.",
        show_default="1024, if windows are needed",
        rich_help_panel="Machine",
    ),
]
KeepMetadata = Annotated[
    bool,
    typer.Option(
        "--keep-metadata",
        help="Images: copy date, artist and copyright from the photo's EXIF. Never its place.",
        rich_help_panel="Output",
    ),
]
KeepAlpha = Annotated[
    bool,
    typer.Option(
        "--keep-alpha",
        help=f"{' '.join(ALPHA_SUFFIXES)}, strokes: be transparent where the photo is.",
        rich_help_panel="Output",
    ),
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="SUFFIX,…",
        help="If OUT is a folder: formats of its files, such as png,svg.",
        show_default="png",
        rich_help_panel="Output",
    ),
]
