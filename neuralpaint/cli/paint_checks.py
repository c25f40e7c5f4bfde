"""What `neuralpaint paint` checks and makes of its options before any photo is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuralpaint.brushes import brushes
from neuralpaint.cli.console import say_on_stderr, warn
from neuralpaint.cli.features import find_features
from neuralpaint.cli.options import (
    MAX_GRIDS,
    MAX_JOBS,
    MAX_SEED,
    MAX_SIZE,
    MAX_STEPS,
    MAX_STROKES,
    check_inputs,
    check_range,
    resolve_brush,
)
from neuralpaint.images.palette import Palette, parse_palette
from neuralpaint.images.sources import check_there
from neuralpaint.pipelines.batch import (
    check_job,
    check_outputs,
    check_target,
    expand_photos,
)
from neuralpaint.pipelines.paint_photo import Job
from neuralpaint.pipelines.settings import PaintSettings, StrokeStyle, StyleSettings, Stylization
from neuralpaint.pipelines.stdio import STDIO, check_stdio, named

if TYPE_CHECKING:
    from neuralpaint.brushes import Brush
    from neuralpaint.engines import Engine
    from neuralpaint.losses.features import Features as FeatureNetwork
    from neuralpaint.search import Preset


_STYLE_DEFAULTS = {"joint": (0.2, 40), "blocks": (0.5, 200)}  # weight and steps, by the preset's method


def in_style(
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


def sources(
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


def style_features(preset: str, name: str, vgg: Path | None, download: bool) -> FeatureNetwork:
    """The feature network; what stands in for VGG-19 goes without saying unless the preset is the paper's."""
    from neuralpaint.search.styled.paint import find_style_features

    if preset != "paper" and name == "auto" and not download:
        return find_style_features(name, vgg)
    return find_features(name, vgg, download)


def stylized_first(settings: PaintSettings, style: str | None, network: str) -> PaintSettings:
    """The settings with the network's style that photos take before they are painted, if there is one."""
    if style is None:
        return settings
    return dataclasses.replace(settings, stylization=Stylization.find(style, network, settings.memory))


def check_combinations(
    *,
    engine: str | None,
    jobs: int | None,
    ray: str | None,
    resume: bool,
    checkpoint: Path | None,
    report: Path | None,
) -> None:
    """Raises ValueError for options that do not go together."""
    if report is not None and engine is not None:
        raise ValueError("--report shows a time-lapse, which cannot be drawn with --engine")
    if resume and checkpoint is None:
        raise ValueError("--resume needs --checkpoint FOLDER")
    if engine is not None and (jobs is not None or ray is not None):
        raise ValueError("--engine starts its own processes and cannot be combined with --jobs or --ray")
    if jobs is not None and ray is not None:
        raise ValueError("use either --jobs (this machine) or --ray (a cluster)")


def check_jobs(
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


def check_paths(
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


def check_ranges(**values: int | None) -> None:
    """Raises ValueError unless the numbers, named as their options, are in range or None."""
    limits = {
        "size": (1, MAX_SIZE),
        "seed": (0, MAX_SEED),
        "style_steps": (1, MAX_STEPS),
        "jobs": (1, MAX_JOBS),
        "window": (1, MAX_SIZE),
    }
    for name, value in values.items():
        check_range(f"--{name.replace('_', '-')}", value, *limits[name])


def stroke_count(strokes: str) -> int | str:
    """The number of strokes, or "auto"."""
    if strokes.strip().lower() == "auto":
        return "auto"
    try:
        count = int(strokes)
    except ValueError:
        raise ValueError(f"--strokes must be a whole number or auto, got {strokes!r}") from None
    check_range("--strokes", count, 1, MAX_STROKES)
    return count


def detail_mask(detail: str, quiet: bool) -> str:
    """The mask of detail, "auto" or "none"."""
    word = detail.strip().lower()
    if word not in ("auto", "none"):
        check_there(Path(detail))
        return detail
    if word == "auto" and not quiet:
        _say_if_blind()
    return word


def engine_and_brush(engine: str | None, timeout: float, brush: str, renderer: str) -> tuple[Engine | None, Brush]:
    """The engine, if given, and the brush: the engine's own, or the one of that name."""
    from neuralpaint.cli.engines import get_engine

    if engine is None:
        return None, resolve_brush(brush)
    loaded = get_engine(engine, timeout, brush)
    if renderer in ("exact", "neural"):
        raise ValueError("--engine needs --renderer DIR, a network trained with `neuralpaint train-renderer --engine`")
    return loaded, loaded.spec.brush()


def _say_if_blind() -> None:
    """Says how faces would be found, if they cannot be."""
    from neuralpaint.guides.faces import INSTALL, can_find_faces

    if not can_find_faces():
        warn(f"faces are not looked for: {INSTALL}, or use --detail none")


def colors_of(text: str | None, opaque: bool, preset: str, style_image: Path | None) -> Palette | int | None:
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


def preset_of(name: str, grids: int | None) -> Preset:
    """The preset of a name, with so many grids of blocks if a number is given."""
    from neuralpaint.search.presets import get_preset

    check_range("--grids", grids, 1, MAX_GRIDS)
    preset = get_preset(name)
    if grids is None:
        return preset
    if preset.method != "blocks":
        raise ValueError(f"--grids needs --preset paper; preset {name} does not paint in blocks")
    return dataclasses.replace(preset, stages=grids)
