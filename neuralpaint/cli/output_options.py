"""Options about output files, shared by `paint` and `render`."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from neuralpaint.images.io import ALPHA_SUFFIXES, check_output
from neuralpaint.painting.exporters import (
    ImageSettings,
    OutputSettings,
    SvgSettings,
    VideoSettings,
    export_suffix,
    export_suffixes,
    find_exporter,
)
from neuralpaint.painting.exporters.pens import read_pens
from neuralpaint.painting.exporters.settings import PlotSettings, RobotSettings, Speed, SvgStyle

_PANEL = "Output"
_KINDS = {
    "image": "an image, such as -o out.png",
    "video": "a time-lapse, such as -o out.mp4",
    "svg": "a vector file, such as -o out.svg",
}
_ALSO = {"size_mm": ("pdf", "robot"), "style": ("pdf",), "speed": ("report",)}
"""Kinds of files that an option is for besides that of its group."""

Outputs = Annotated[
    list[Path],
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help=f"Output file; repeat it for several. By suffix: {' '.join(export_suffixes())}. - writes a PNG to "
        "standard output.",
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Time-lapse: from the first stroke to the last.",
        show_default="10",
        rich_help_panel=_PANEL,
    ),
]
Fps = Annotated[
    int | None,
    typer.Option(metavar="N", help="Time-lapse: frames per second.", show_default="30", rich_help_panel=_PANEL),
]
Hold = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Time-lapse: how long the finished painting stays at the end.",
        show_default="2",
        rich_help_panel=_PANEL,
    ),
]
SpeedName = Annotated[
    str | None,
    typer.Option(
        "--speed",
        metavar="|".join(get_args(Speed)),
        help="Time-lapse, also of --report: ease draws large strokes slowly and small ones quickly; strokes gives each "
        "the same time.",
        show_default="ease",
        rich_help_panel=_PANEL,
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(metavar="8|16", help=".png, .tiff: bits per channel.", show_default="8", rich_help_panel=_PANEL),
]
SizeMm = Annotated[
    float | None,
    typer.Option(
        "--size-mm",
        metavar="MM",
        help=".svg, .pdf, .json: length of the shorter side in millimetres.",
        show_default="1 px a pixel; with --pens as A4 allows; .json 200",
        rich_help_panel=_PANEL,
    ),
]
SvgStyleName = Annotated[
    str | None,
    typer.Option(
        "--svg-style",
        metavar="|".join(get_args(SvgStyle)),
        help=".svg, .pdf: exact looks like the painting; simple has plain outlines.",
        show_default="exact",
        rich_help_panel=_PANEL,
    ),
]

Pens = Annotated[
    str | None,
    typer.Option(
        "--pens",
        metavar="FILE|auto",
        help=".svg: lines for a pen plotter, drawn with the pens of a YAML file; auto: one of 0.5 mm for each "
        "colour of the palette. Best with --palette and --opaque.",
        rich_help_panel=_PANEL,
    ),
]


def output_settings(
    outputs: Sequence[str | Path],
    memory: str | None,
    engine: bool,
    video: Mapping[str, Any],
    vector: Mapping[str, Any],
    depth: int | None = None,
    *,
    keep_metadata: bool = False,
    keep_alpha: bool = False,
    report: bool = False,
) -> OutputSettings:
    """The settings of all outputs from the options, None where an option was not given.

    Args:
        outputs: the files, or names with the suffixes of the files in a folder.
        memory: memory limit for drawing images.
        engine: whether an engine draws the strokes.
        video: fields of `VideoSettings`.
        vector: fields of `SvgSettings`, and the text of --pens as "pens".
        depth: bits per channel of images.
        keep_metadata: whether images get EXIF of the photo.
        keep_alpha: whether images are transparent where the photo is.
        report: whether there is a report besides, whose animation has a length of its own.

    Raises:
        ValueError: a value is out of range, an option is given for a kind of file that is not among the outputs, or a
            file cannot be written with an engine.
    """
    given = {"video": _given(video), "svg": _given(vector), "image": _given({"depth": depth})}
    exporters = {output: find_exporter(output) for output in outputs}
    for output, exporter in exporters.items():
        if engine and not exporter.engines:
            known = " ".join(export_suffixes(engines=True))
            raise ValueError(f"{output} cannot be written with --engine, which draws an image: use {known}")
    kinds = {exporter.kind for exporter in exporters.values()}
    for kind, options in given.items():
        for name in options:
            if not (kinds | ({"report"} if report else set())) & {kind, *_ALSO.get(name, ())}:
                option = "svg-style" if name == "style" else name.replace("_", "-")
                raise ValueError(f"--{option} is for {_KINDS[kind]}, which is not among the outputs")
    if keep_metadata:
        _check_metadata(kinds, depth)
    if keep_alpha:
        _check_alpha(outputs, engine, depth)
    plot = _plot_settings(given["svg"], outputs)
    lines, image = SvgSettings(**given["svg"]), ImageSettings(memory, **given["image"])
    if engine and image.depth != 8:
        raise ValueError("--depth 16 cannot be combined with --engine, which draws with 8 bits")
    for output, exporter in exporters.items():
        if exporter.kind == "image":
            check_output(output, depth=image.depth)
    robot = (
        RobotSettings(given["svg"]["size_mm"]) if "robot" in kinds and "size_mm" in given["svg"] else RobotSettings()
    )
    plotted = dataclasses.replace(lines, plot=plot)
    return OutputSettings(image, VideoSettings(**given["video"]), svg=plotted, pdf=lines, robot=robot)


def _check_metadata(kinds: Collection[str], depth: int | None) -> None:
    if "image" not in kinds:
        raise ValueError(f"--keep-metadata is for {_KINDS['image']}, which is not among the outputs")
    if depth == 16:
        raise ValueError("--keep-metadata does not go with --depth 16, whose files hold no EXIF")


def _check_alpha(outputs: Sequence[str | Path], engine: bool, depth: int | None) -> None:
    if engine:
        raise ValueError("--keep-alpha does not go with --engine, which draws without transparency")
    if depth == 16:
        raise ValueError("--keep-alpha does not go with --depth 16: with transparency, images have 8 bits")
    holders = (*ALPHA_SUFFIXES, ".safetensors")
    for output in outputs:
        if export_suffix(output) not in holders:
            raise ValueError(f"{output} cannot be transparent: with --keep-alpha, use {' '.join(holders)}")


def _plot_settings(vector: dict[str, Any], outputs: Sequence[str | Path]) -> PlotSettings | None:
    """The settings of lines for a plotter, if --pens was given, which is taken out of the options of vector files."""
    pens = vector.pop("pens", None)
    if pens is None:
        return None
    if "style" in vector:
        raise ValueError("--svg-style does not go with --pens, which draws lines")
    if any(export_suffix(output) == ".svgz" for output in outputs):
        raise ValueError("--pens writes .svg, not .svgz")
    if importlib.util.find_spec("shapely") is None:
        raise ValueError("--pens needs the package shapely: pip install 'neuralpaint[plot]'")
    return PlotSettings(None if pens == "auto" else read_pens(pens), vector.get("size_mm"))


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
