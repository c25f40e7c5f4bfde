"""neuralpaint eval-renderer: measures how well a neural renderer imitates its brush."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from neuralpaint.cli.console import say
from neuralpaint.cli.options import ENGINE_TIMEOUT, Debug, Device, Overwrite, check_range

NAME = "eval-renderer"


def command(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="Folder of a trained network, or the brush of a bundled one.")
    ],
    strokes: Annotated[int, typer.Option(metavar="N", help="Number of held-out strokes.")] = 3200,
    brush: Annotated[
        str | None, typer.Option(metavar="BRUSH", help="Image file of the brush, if it is a custom brush.")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FUNCTION", help="Engine the network was trained on, if any; runs its code."),
    ] = None,
    grid: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write target, output and difference side by side, as .png.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Device = "auto",
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Compares a trained network with its brush on held-out strokes.

    PSNR as in SNP, Table 1: the mean of the foreground's and the alpha's.

    [bold]Examples[/bold]
      [cyan]neuralpaint eval-renderer oil-renderer --grid oil.png[/cyan]
      [cyan]neuralpaint eval-renderer watercolor[/cyan]
    """
    import torch

    from neuralpaint.brushes import brushes
    from neuralpaint.cli.engines import get_engine
    from neuralpaint.cli.options import resolve_brush
    from neuralpaint.engines import EngineSource
    from neuralpaint.pipelines.batch import check_target
    from neuralpaint.renderers.pretrained import bundled_folder, load_network
    from neuralpaint.training.renderers.metrics import held_out_quality
    from neuralpaint.training.renderers.pictures import save_grid
    from neuralpaint.training.renderers.source import BrushSource
    from neuralpaint.utils.device import resolve_device

    check_range("--strokes", strokes, 1, 1_000_000)
    if grid is not None:
        if grid.suffix.lower() != ".png":
            raise ValueError(f"--grid {grid}: must be a .png file")
        check_target(grid, overwrite)
    path = Path(folder)
    if folder in brushes() and not path.is_dir():
        path = bundled_folder(folder)
    loaded = None if engine is None else get_engine(engine, ENGINE_TIMEOUT)
    named = None if brush is None else resolve_brush(brush)
    network = load_network(path, brush=named if loaded is None else loaded.spec.brush()).to(resolve_device(device))
    if network.brush.engine and loaded is None:
        raise ValueError(f"{path} was trained on a brush engine: add --engine MODULE:FUNCTION")
    network_device = next(network.parameters()).device
    source: BrushSource | EngineSource
    if loaded is not None:
        source = EngineSource(loaded, network.size, device=network_device)
    else:
        source = BrushSource(network.brush, network.size, device=network_device)
    with source if isinstance(source, EngineSource) else nullcontext():
        began = time.perf_counter()
        with torch.inference_mode():
            result = held_out_quality(network, source, strokes)
        seconds = time.perf_counter() - began
        if grid is not None:
            save_grid(network, source.held_out(0, 12), grid)
    facts = {
        "folder": str(path),
        "network": network.network,
        "brush": network.brush.name,
        "size": network.size,
        "strokes": strokes,
        "psnr": round(result.psnr, 3),
        "psnr_foreground": round(result.foreground, 3),
        "psnr_alpha": round(result.alpha, 3),
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    say(
        f"{path}: {network.network} of brush {network.brush.name} at {network.size}²: {result.psnr:.2f} dB "
        f"(foreground {result.foreground:.2f}, alpha {result.alpha:.2f}) on {strokes:,} held-out strokes, "
        f"{seconds:.1f} s"
    )
