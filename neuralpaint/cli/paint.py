"""neuralpaint paint: photos to paintings."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from neuralpaint.brushes import brushes
from neuralpaint.cli.console import INTERRUPTED, debugging, say_on_stderr, warn
from neuralpaint.cli.features import Download, Features, Vgg, find_features
from neuralpaint.cli.finish_options import GroundName, Light, Relief, Varnish, Wet, check_wet, finish_from
from neuralpaint.cli.options import (
    ENGINE_TIMEOUT,
    MAX_GRIDS,
    MAX_JOBS,
    MAX_SEED,
    MAX_SIZE,
    MAX_STEPS,
    MAX_STROKES,
    Canvas,
    Debug,
    Device,
    EngineTimeout,
    Memory,
    Overwrite,
    Quiet,
    check_inputs,
    check_range,
    renamed_background,
    resolve_brush,
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
from neuralpaint.images.palette import Palette, parse_palette
from neuralpaint.images.sources import check_there
from neuralpaint.pipelines.batch import (
    check_job,
    check_outputs,
    check_target,
    expand_photos,
    left_out,
    paint_by_cluster,
    paint_by_processes,
    paint_serially,
    plan,
)
from neuralpaint.pipelines.paint_photo import Job, paint_photo, skipped
from neuralpaint.pipelines.settings import PaintSettings, StrokeStyle, StyleSettings, Stylization
from neuralpaint.pipelines.stdio import STDIO, check_stdio, named
from neuralpaint.pipelines.summary import Summary
from neuralpaint.utils.errors import FAILED
from neuralpaint.utils.memory import parse_bytes

if TYPE_CHECKING:
    from neuralpaint.brushes import Brush
    from neuralpaint.engines import Engine
    from neuralpaint.losses.features import Features as FeatureNetwork
    from neuralpaint.parallel import Workers
    from neuralpaint.search import Preset


NAME = "paint"
_STYLE_DEFAULTS = {"joint": (0.2, 40), "blocks": (0.5, 200)}  # weight and steps, by the preset's method


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
    count = _count(strokes)
    _check_ranges(size=size, seed=seed, style_steps=style_steps, jobs=jobs, window=window)
    drawing_engine, chosen = _engine_and_brush(engine, engine_timeout, brush, renderer)
    own = [path for path in (*outputs, save, report, checkpoint) if path is not None]
    targets = _check_paths(photos, outputs, formats or (), recursive, own)
    _check_combinations(engine=engine, jobs=jobs, ray=ray, resume=resume, checkpoint=checkpoint, report=report)
    color, colors = parse_color(renamed_background(background, canvas)), _palette(palette, opaque, preset, style_image)
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
        preset=_preset(preset, grids),
        size=size,
        background=color,
        palette=colors,
        opaque=opaque,
        detail=_detail(detail, quiet),
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
    inputs = _inputs(brush, renderer, style_image, vgg, None if style is None else style_network, palette, pens, detail)
    _check_jobs(planned, inputs, summary, overwrite or resume or skip_done, ray is not None)
    settings = _stylized_first(settings, style, style_network)
    find = functools.partial(_style_features, preset, features, vgg, download)
    settings = _in_style(settings, style_image, style_weight, style_mode, style_steps, style_strength, find)
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


def _stylized_first(settings: PaintSettings, style: str | None, network: str) -> PaintSettings:
    """The settings with the network's style that photos take before they are painted, if there is one."""
    if style is None:
        return settings
    return dataclasses.replace(settings, stylization=Stylization.find(style, network, settings.memory))


def _in_style(
    settings: PaintSettings,
    picture: Path | None,
    weight: float | None,
    mode: str,
    steps: int | None,
    strength: float,
    find: Callable[[], FeatureNetwork],
) -> PaintSettings:
    """The settings with how to paint in the style of a picture, if there is one; with preset paper, as its paper
    does."""
    if picture is None:
        return settings
    usual = _STYLE_DEFAULTS[settings.preset.method]
    weight, steps = usual[0] if weight is None else weight, steps or usual[1]
    if settings.preset.method == "blocks":
        if strength != 1:
            raise ValueError("--style-strength does not go with --preset paper: use --style-weight")
        moves = StyleSettings.load(
            picture, weight=weight, mode=mode, steps=steps, features=find(), device=settings.device
        )
        return dataclasses.replace(settings, style=moves)
    style = StrokeStyle.load(picture, features=find(), mode=mode, strength=strength, weight=weight, steps=steps)
    return dataclasses.replace(settings, stroke_style=style)


def _style_features(preset: str, name: str, vgg: Path | None, download: bool) -> FeatureNetwork:
    """The feature network; what stands in for VGG-19 goes without saying unless the preset is the paper's."""
    from neuralpaint.search.styled.paint import find_style_features

    if preset != "paper" and name == "auto" and not download:
        return find_style_features(name, vgg)
    return find_features(name, vgg, download)


def _inputs(
    brush: str,
    renderer: str,
    style_image: Path | None,
    vgg: Path | None,
    style_network: str | None,
    palette: str | None,
    pens: str | None,
    detail: str,
) -> dict[str, str | Path | None]:
    """The files and folders that the options name, for `check_inputs`."""
    return {
        "the image of the brush": None if brush in brushes() else brush,
        "a file of the renderer": None if renderer in ("exact", "neural") else renderer,
        "the style image": style_image,
        "the file of --vgg": vgg,
        "a file of the style network": None if style_network in ("light", "paper") else style_network,
        "the palette": palette,
        "the list of pens": pens,
        "the mask of detail": None if detail.strip().lower() in ("auto", "none") else detail,
    }


def _end(failures: int, count: int, omitted: str) -> None:
    """The last lines: which files of folders were left out, and how many photos failed."""
    if omitted:
        warn(omitted)
    if failures:
        warn(f"{failures} of {count} photos could not be painted")
        raise typer.Exit(FAILED)


def _engine_and_brush(engine: str | None, timeout: float, brush: str, renderer: str) -> tuple[Engine | None, Brush]:
    """The engine, if given, and the brush: the engine's own, or the one of that name."""
    from neuralpaint.cli.engines import get_engine

    if engine is None:
        return None, resolve_brush(brush)
    loaded = get_engine(engine, timeout, brush)
    if renderer in ("exact", "neural"):
        raise ValueError("--engine needs --renderer DIR, a network trained with `neuralpaint train-renderer --engine`")
    return loaded, loaded.spec.brush()


def _check_paths(
    photos: Sequence[Path], outputs: Sequence[Path], formats: Sequence[str], recursive: bool, own: Sequence[Path]
) -> list[Path]:
    """Checks photos and outputs without reading the photos. Returns the outputs, or for a folder names as in it."""
    check_stdio(photos, outputs)
    if STDIO in outputs:
        say_on_stderr()
    found, several = expand_photos(photos, recursive, own)
    suffixes = check_outputs(outputs, several, formats)
    if not several and found[0] != STDIO:
        check_there(found[0])
    return [Path(f"name{suffix}") for suffix in suffixes] or list(map(named, outputs))


def _say_if_blind() -> None:
    """Says how faces would be found, if they cannot be."""
    from neuralpaint.guides.faces import INSTALL, can_find_faces

    if not can_find_faces():
        warn(f"faces are not looked for: {INSTALL}, or use --detail none")


def _count(strokes: str) -> int | str:
    """The number of strokes, or "auto"."""
    if strokes.strip().lower() == "auto":
        return "auto"
    try:
        count = int(strokes)
    except ValueError:
        raise ValueError(f"--strokes must be a whole number or auto, got {strokes!r}") from None
    check_range("--strokes", count, 1, MAX_STROKES)
    return count


def _detail(detail: str, quiet: bool) -> str:
    """The mask of detail, "auto" or "none"."""
    word = detail.strip().lower()
    if word not in ("auto", "none"):
        check_there(Path(detail))
        return detail
    if word == "auto" and not quiet:
        _say_if_blind()
    return word


def _check_ranges(**values: int | None) -> None:
    limits = {
        "size": (1, MAX_SIZE),
        "seed": (0, MAX_SEED),
        "style_steps": (1, MAX_STEPS),
        "jobs": (1, MAX_JOBS),
        "window": (1, MAX_SIZE),
    }
    for name, value in values.items():
        check_range(f"--{name.replace('_', '-')}", value, *limits[name])


def _check_jobs(
    jobs: Sequence[Job],
    inputs: Mapping[str, str | Path | None],
    summary: Path | None,
    overwrite: bool,
    on_cluster: bool,
) -> None:
    """Raises ValueError unless all outputs can be written and none of them is also an input."""
    if on_cluster and len(jobs) > 1 and jobs[0].checkpoint is not None:
        raise ValueError("--checkpoint is a local folder, which the machines of --ray cannot access: use --skip-done")
    check_inputs([summary], inputs)
    if summary is not None:
        check_target(summary, overwrite)
    for job in jobs:
        check_job(job, overwrite)
        check_inputs(job.files, inputs)


def _check_combinations(
    *,
    engine: str | None,
    jobs: int | None,
    ray: str | None,
    resume: bool,
    checkpoint: Path | None,
    report: Path | None,
) -> None:
    if report is not None and engine is not None:
        raise ValueError("--report shows a time-lapse, which cannot be drawn with --engine")
    if resume and checkpoint is None:
        raise ValueError("--resume needs --checkpoint FOLDER")
    if engine is not None and (jobs is not None or ray is not None):
        raise ValueError("--engine starts its own processes and cannot be combined with --jobs or --ray")
    if jobs is not None and ray is not None:
        raise ValueError("use either --jobs (this machine) or --ray (a cluster)")


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


def _palette(text: str | None, opaque: bool, preset: str, style_image: Path | None) -> Palette | int | None:
    """The palette of the options. ValueError if it is none, or does not go with the others."""
    if text is None:
        if opaque:
            raise ValueError("--opaque needs --palette, the colours of the pens or paints")
        return None
    if preset == "paper":
        raise ValueError("--palette does not go with --preset paper: use fast, balanced or best")
    if style_image is not None:
        raise ValueError("--palette does not go with --style-image, which changes the colours of the strokes")
    return parse_palette(text)


def _preset(name: str, grids: int | None) -> Preset:
    from neuralpaint.search.presets import get_preset

    check_range("--grids", grids, 1, MAX_GRIDS)
    preset = get_preset(name)
    if grids is None:
        return preset
    if preset.method != "blocks":
        raise ValueError(f"--grids needs --preset paper; preset {name} does not paint in blocks")
    return dataclasses.replace(preset, stages=grids)


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
