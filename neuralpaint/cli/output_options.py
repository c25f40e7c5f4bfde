"""Options about output files, shared by `paint` and `render`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from neuralpaint.painting.exporters import (
    ImageSettings,
    OutputSettings,
    SvgSettings,
    export_suffixes,
    find_exporter,
)
from neuralpaint.painting.exporters.settings import SvgStyle

_PANEL = "Output"
_KINDS = {"svg": "a vector file, such as -o out.svg"}

Outputs = Annotated[
    list[Path],
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help=f"Output file; repeat it for several. By suffix: {' '.join(export_suffixes())}.",
    ),
]
SizeMm = Annotated[
    float | None,
    typer.Option(
        "--size-mm",
        metavar="MM",
        help=".svg, .pdf: length of the shorter side in millimetres.",
        show_default="1 px a pixel",
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


def output_settings(
    outputs: Sequence[str | Path],
    memory: str | None,
    engine: bool,
    *,
    size_mm: float | None,
    svg_style: str | None,
) -> OutputSettings:
    """The settings of all outputs from the options, None where an option was not given.

    Args:
        outputs: the files, or names with the suffixes of the files in a folder.
        memory: memory limit for drawing images.
        engine: whether an engine draws the strokes.

    Raises:
        ValueError: a value is out of range, an option is given for a kind of file that is not among the outputs, or a
            file cannot be written with an engine.
    """
    vector = {"size_mm": size_mm, "style": svg_style}
    given = {"svg": _given(vector)}
    exporters = {output: find_exporter(output) for output in outputs}
    for output, exporter in exporters.items():
        if engine and not exporter.engines:
            known = " ".join(export_suffixes(engines=True))
            raise ValueError(f"{output} cannot be written with --engine, which draws an image: use {known}")
    kinds = {exporter.kind for exporter in exporters.values()}
    for kind, options in given.items():
        if options and not kinds & {kind, "pdf" if kind == "svg" else kind}:
            name = "svg-style" if next(iter(options)) == "style" else next(iter(options)).replace("_", "-")
            raise ValueError(f"--{name} is for {_KINDS[kind]}, which is not among the outputs")
    lines = SvgSettings(**given["svg"])
    return OutputSettings(image=ImageSettings(memory), svg=lines, pdf=lines)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
