"""neuralpaint paint: photos to paintings."""

from __future__ import annotations

import functools
import itertools
import shlex
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from neuralpaint.cli.console import INTERRUPTED, debugging, warn
from neuralpaint.cli.features import Download, Features, Vgg
from neuralpaint.cli.finish_options import GroundName, Light, Relief, Varnish, Wet, check_wet, finish_from
from neuralpaint.cli.options import (
    ENGINE_TIMEOUT,
    Canvas,
    Debug,
    Device,
    EngineTimeout,
    Memory,
    Overwrite,
    Quiet,
    renamed_background,
)
from neuralpaint.cli.output_options import (
    Depth,
    Fps,
    Hold,
    Outputs,
    Pens,
    Seconds,
    SizeMm,
    SpeedName,
    SvgStyleName,
    output_settings,
)
from neuralpaint.cli.paint_checks import (
    check_combinations,
    check_jobs,
    check_paths,
    check_ranges,
    colors_of,
    detail_mask,
    engine_and_brush,
    in_style,
    preset_of,
    sources,
    stroke_count,
    style_features,
    stylized_first,
)
from neuralpaint.cli.paint_options import (
    Background,
    BrushName,
    Checkpoint,
    Detail,
    EngineAddress,
    Formats,
    Grids,
    Jobs,
    KeepAlpha,
    KeepMetadata,
    LookName,
    Opaque,
    PaletteText,
    PhotoPaths,
    PresetName,
    Ray,
    Recursive,
    RendererName,
    ReportFile,
    Resume,
    Save,
    Seed,
    Size,
    SkipDone,
    Strokes,
    StyleImage,
    StyleMix,
    StyleNetwork,
    StyleSteps,
    StyleStrength,
    StyleWeight,
    SummaryFile,
    Window,
)
from neuralpaint.cli.progress import Bars, collect
from neuralpaint.cli.restyle import StyleMode
from neuralpaint.engines import EnginePool
from neuralpaint.images.io import parse_color
from neuralpaint.pipelines.batch import (
    left_out,
    paint_by_cluster,
    paint_by_processes,
    paint_serially,
    plan,
)
from neuralpaint.pipelines.paint_photo import Job, paint_photo, skipped
from neuralpaint.pipelines.settings import PaintSettings
from neuralpaint.pipelines.summary import Summary
from neuralpaint.utils.errors import FAILED
from neuralpaint.utils.memory import parse_bytes

if TYPE_CHECKING:
    from neuralpaint.parallel import Workers


NAME = "paint"


# Many parameters: one per option. They become a `PaintSettings` and a list of jobs, and go no further.
def command(
    photos: PhotoPaths,
    outputs: Outputs,
    look: LookName = None,
    brush: BrushName = "oil",
    strokes: Strokes = "500",
    preset: PresetName = "balanced",
    grids: Grids = None,
    size: Size = None,
    background: Background = "white",
    canvas: Canvas = None,
    palette: PaletteText = None,
    opaque: Opaque = False,
    detail: Detail = "auto",
    seed: Seed = 0,
    device: Device = "auto",
    renderer: RendererName = "exact",
    engine: EngineAddress = None,
    engine_timeout: EngineTimeout = ENGINE_TIMEOUT,
    style: StyleMix = None,
    style_network: StyleNetwork = "light",
    style_image: StyleImage = None,
    style_weight: StyleWeight = None,
    style_mode: StyleMode = "color+texture",
    style_strength: StyleStrength = 1.0,
    style_steps: StyleSteps = None,
    features: Features = "auto",
    vgg: Vgg = None,
    download: Download = False,
    save: Save = None,
    report: ReportFile = None,
    checkpoint: Checkpoint = None,
    resume: Resume = False,
    formats: Formats = None,
    keep_metadata: KeepMetadata = False,
    keep_alpha: KeepAlpha = False,
    seconds: Seconds = None,
    fps: Fps = None,
    hold: Hold = None,
    speed: SpeedName = None,
    depth: Depth = None,
    size_mm: SizeMm = None,
    svg_style: SvgStyleName = None,
    pens: Pens = None,
    relief: Relief = None,
    light: Light = None,
    ground: GroundName = None,
    varnish: Varnish = None,
    wet: Wet = None,
    jobs: Jobs = None,
    ray: Ray = None,
    recursive: Recursive = False,
    skip_done: SkipDone = False,
    summary: SummaryFile = None,
    memory: Memory = None,
    window: Window = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Paints photos with brush strokes.

    [bold]Examples[/bold]

    One photo, 500 oil strokes:
      [cyan]neuralpaint paint photo.jpg -o painting.png[/cyan]

    A watercolour at a larger size than the photo:
      [cyan]neuralpaint paint photo.jpg -o out.png --brush watercolor --size 2048[/cyan]

    An image, the strokes and a time-lapse at once:
      [cyan]neuralpaint paint photo.jpg -o painting.png -o painting.safetensors -o painting.mp4[/cyan]

    From another program, and to another:
      [cyan]magick photo.psd png:- | neuralpaint paint - -o - | lp[/cyan]

    Save the strokes, then render them at any size:
      [cyan]neuralpaint paint photo.jpg -o small.png --save photo.safetensors[/cyan]
      [cyan]neuralpaint render photo.safetensors -o large.png --size 4096[/cyan]

    A folder of photos; stop with Ctrl-C, continue with --resume:
      [cyan]neuralpaint paint photos/ -o paintings/ --checkpoint state/[/cyan]
      [cyan]neuralpaint paint photos/ -o paintings/ --checkpoint state/ --resume[/cyan]

    Many photos, two at a time, with a summary table; repeat the command to continue after an interruption:
      [cyan]neuralpaint paint photos/ -o paintings/ --jobs 2 --summary table.csv --skip-done[/cyan]

    On a Ray cluster:
      [cyan]neuralpaint paint photos/ -o paintings/ --ray 10.0.0.1:6379[/cyan]

    Your own brush:
      [cyan]neuralpaint paint photo.jpg -o painting.png --brush my_brush.png[/cyan]

    As an impressionist would, or with pastels; options besides come before what the look says:
      [cyan]neuralpaint paint photo.jpg -o painting.png --look impressionist[/cyan]
      [cyan]neuralpaint paint photo.jpg -o painting.png --look pastel --strokes 800[/cyan]

    With the relief of thick paint, on canvas:
      [cyan]neuralpaint paint photo.jpg -o painting.png --relief 0.6 --ground canvas[/cyan]

    With twelve colours that suit the photo, or those of a painter:
      [cyan]neuralpaint paint photo.jpg -o painting.png --palette 12[/cyan]
      [cyan]neuralpaint paint photo.jpg -o painting.png --palette zorn[/cyan]

    For a pen plotter, with the pens of a list:
      [cyan]neuralpaint paint photo.jpg -o plot.svg --palette 8 --opaque --pens pens.yaml[/cyan]

    In the style of an image:
      [cyan]neuralpaint paint photo.jpg -o painting.png --style-image wave.jpg[/cyan]

    Your own brush engine, searched through a network trained on it:
      [cyan]neuralpaint paint photo.jpg -o painting.png --engine my_brush:draw --renderer my-renderer[/cyan]
    """
    count = stroke_count(strokes)
    check_ranges(size=size, seed=seed, style_steps=style_steps, jobs=jobs, window=window)
    drawing_engine, chosen = engine_and_brush(engine, engine_timeout, brush, renderer)
    own = [path for path in (*outputs, save, report, checkpoint) if path is not None]
    targets = check_paths(photos, outputs, formats or (), recursive, own)
    check_combinations(engine=engine, jobs=jobs, ray=ray, resume=resume, checkpoint=checkpoint, report=report)
    colors = colors_of(palette, opaque, preset, style_image)
    share = None if memory is None else str(parse_bytes(memory, "--memory") // (jobs or 1))  # per process
    video = {"seconds": seconds, "fps": fps, "hold": hold, "speed": speed}
    vector = {"size_mm": size_mm, "style": svg_style, "pens": pens}
    keep: dict[str, Any] = {"keep_metadata": keep_metadata, "keep_alpha": keep_alpha}
    written = output_settings(targets, share, engine is not None, video, vector, depth, report=bool(report), **keep)
    finish = finish_from(relief, light, ground, varnish, wet, engine=engine is not None)
    check_wet(finish, chosen.name)

    # Importing torch takes seconds, so check the arguments first.
    from neuralpaint.renderers import get_renderer
    from neuralpaint.utils.device import resolve_device

    settings = PaintSettings(
        brush=chosen,
        strokes=count,
        preset=preset_of(preset, grids),
        size=size,
        background=parse_color(renamed_background(background, canvas)),
        palette=colors,
        opaque=opaque,
        detail=detail_mask(detail, quiet),
        seed=seed,
        device=resolve_device(device),
        renderer=get_renderer(renderer, chosen),
        memory=share,
        window=window,
        outputs=written,
        finish=finish,
        **keep,
        command=shlex.join(["neuralpaint", *sys.argv[1:]]),
    )
    planned = plan(photos, outputs, save, checkpoint, formats or (), recursive, report)
    inputs = sources(brush, renderer, style_image, vgg, None if style is None else style_network, palette, pens, detail)
    check_jobs(planned, inputs, summary, overwrite or resume or skip_done, ray is not None)
    settings = stylized_first(settings, style, style_network)
    find = functools.partial(style_features, preset, features, vgg, download)
    settings = in_style(settings, style_image, style_weight, style_mode, style_steps, style_strength, find)
    try:
        failures = _paint(
            planned,
            settings,
            Summary(summary, keep=resume or skip_done),
            skip=(resume or skip_done) and not overwrite,
            resume=resume,
            quiet=quiet,
            engines=None if drawing_engine is None else EnginePool(drawing_engine, timeout=engine_timeout),
            jobs=jobs,
            ray=ray,
        )
    except KeyboardInterrupt:
        warn(f"stopped; {_how_to_resume(checkpoint, skip_done)}")
        raise typer.Exit(INTERRUPTED) from None
    _end(failures, len(planned), "" if quiet else left_out(photos, recursive, own))


def _end(failures: int, count: int, omitted: str) -> None:
    """The last lines: which files of folders were left out, and how many photos failed."""
    if omitted:
        warn(omitted)
    if failures:
        warn(f"{failures} of {count} photos could not be painted")
        raise typer.Exit(FAILED)


def _paint(
    planned: Sequence[Job],
    settings: PaintSettings,
    table: Summary,
    *,
    skip: bool,
    resume: bool,
    quiet: bool,
    engines: EnginePool | None,
    jobs: int | None,
    ray: str | None,
) -> int:
    """Paints the photos in this process or in workers; `skip` skips those that already have a painting. Returns the
    number of failures."""
    done = [job for job in planned if skip and job.done]
    left = [job for job in planned if job not in done]
    with engines or nullcontext(), _workers(jobs, ray, settings.device.type == "cuda", bool(left)) as workers:
        if workers is None or len(planned) == 1:
            one = functools.partial(
                paint_photo, settings=settings, resume=resume, workers=workers, engines=engines, reporter=Bars(quiet)
            )
            rows = paint_serially(left, one, stop_on_error=debugging())
        elif ray is not None:
            rows = paint_by_cluster(left, settings, workers)
        else:
            rows = paint_by_processes(left, settings, resume, workers)
        bar = workers is not None and len(planned) > 1 and not quiet
        return collect(itertools.chain(map(skipped, done), rows), len(planned), table, quiet, bar)


def _workers(jobs: int | None, ray: str | None, gpu: bool, needed: bool) -> AbstractContextManager[Workers | None]:
    """The workers to paint with; None for this process alone."""
    if ray is not None and needed:
        from neuralpaint.parallel.ray import RayWorkers

        return RayWorkers(ray, gpus=int(gpu))
    if jobs is not None and jobs > 1 and needed:
        from neuralpaint.parallel.processes import ProcessWorkers

        return ProcessWorkers(jobs)
    return nullcontext()


def _how_to_resume(checkpoint: Path | None, skip_done: bool) -> str:
    if checkpoint is None and skip_done:
        return f"to continue: {shlex.join(['neuralpaint', *sys.argv[1:]])}"
    if checkpoint is None:
        return "the unfinished painting is lost (use --checkpoint FOLDER to keep it)"
    arguments = [argument for argument in sys.argv[1:] if argument != "--resume"]
    return f"to continue: {shlex.join(['neuralpaint', *arguments, '--resume'])}"
