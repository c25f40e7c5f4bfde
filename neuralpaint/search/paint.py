"""`paint`: turns a photo into a `Painting`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from neuralpaint.brushes import Brush, get_brush
from neuralpaint.guides.complexity import strokes_needed
from neuralpaint.guides.guide import NO_GUIDE, Guide, make_guide, named_detail
from neuralpaint.images.io import ImageLike, parse_color
from neuralpaint.images.palette import Palette, get_palette
from neuralpaint.images.sources import as_source, is_source
from neuralpaint.images.streaming import LargePhoto
from neuralpaint.painting import Painting
from neuralpaint.parallel import Workers
from neuralpaint.renderers import Renderer, get_renderer
from neuralpaint.search.blocks import BlockSearch
from neuralpaint.search.checkpoint import Checkpoint, fingerprint
from neuralpaint.search.joint import JointSearch
from neuralpaint.search.memory import check_memory, get_problem, needs_windows
from neuralpaint.search.presets import Preset, get_preset
from neuralpaint.search.problem import LargeProblem, Problem
from neuralpaint.search.regions import WINDOW
from neuralpaint.search.runner import Progress, own_modes, progress_bar, run_search
from neuralpaint.search.windowed import WindowedSearch
from neuralpaint.utils.deprecation import renamed_argument
from neuralpaint.utils.device import resolve_device
from neuralpaint.utils.memory import available, budget
from neuralpaint.utils.profiling import span
from neuralpaint.utils.validation import MAX_SIZE, MAX_STROKES, WrongType, check_whole

AUTO = "auto"
"""As many strokes as the photo needs."""

_ASPECT = 0.02  # difference of shape from which on a painting does not fit the photo
_PALETTE_VIEW = 192  # pixels along the shorter side, of which the colours of a palette are found


@renamed_argument("canvas", "background")
@own_modes
@span("paint")
def paint(
    image: ImageLike | LargePhoto,
    brush: str | Brush = "oil",
    strokes: int | str = 500,
    preset: str | Preset = "balanced",
    *,
    size: int | None = None,
    background: str | Sequence[float] = "white",
    palette: int | str | Palette | Sequence | None = None,
    opaque: bool = False,
    detail: ImageLike | None = "auto",
    follow: bool = True,
    guide: Guide | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
    renderer: str | os.PathLike | Renderer = "exact",
    progress: bool = False,
    callback: Callable[[Progress], None] | None = None,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
    memory: str | int | None = None,
    window: int | None = None,
    workers: Workers | None = None,
    start: Painting | None = None,
) -> Painting:
    """Paints a photo with brush strokes.

    The same arguments give bit-identical strokes on the same machine, even if the search is interrupted and resumed.
    A search that needs more than 2048 pixels along the shorter side, or more than `memory` for the whole canvas, is
    split into windows (`neuralpaint.search.windowed`): the strokes differ, the quality does not.

    Args:
        image: a path, bytes, stream, PIL image, array or tensor: see `neuralpaint.images.io.load_image`; or a
            `neuralpaint.images.streaming.LargePhoto`, which is used automatically for a path to a very large image.
        brush: one of `neuralpaint.brushes.brushes()`, or a `Brush` such as `TexturedBrush.from_image("dab.png")`.
        strokes: number of strokes, 1 to 1,000,000; or "auto", as many as the photo needs
            (`neuralpaint.guides.complexity.strokes_needed`).
        preset: fast, balanced, best or paper (the schedule of Stylized Neural Painting, with its transport loss), or a
            custom `Preset`.
        size: default render size of the painting, in pixels along the shorter side; the photo's by default.
        canvas: background colour: a name, "#rrggbb" or (r, g, b) in [0, 1].
        palette: the only colours that strokes may have: a `Palette`, a sequence of colours, the number of colours to
            find in the photo (1 to 256), or text as `--palette` takes it (`neuralpaint.images.palette.parse_palette`).
            A stroke whose colour runs from one to another takes both from the palette. They are in the painting's
            metadata.
        opaque: with a palette: each stroke has one colour and hides what is under it, as with pens or on a painting
            robot.
        detail: where detail matters: a grey picture, white where it matters most, resized to the photo; "auto": faces,
            if the weights of a detector are installed (`neuralpaint.guides.faces`), and what stands out; or None
            or "none": all places count the same. Not with preset paper, which looks at the photo alone.
        follow: whether strokes follow the form around them where the photo has no edges. Not with preset paper.
        guide: what the search looks at besides colours, instead of what `detail` and `follow` find in the photo. Not
            with preset paper.
        seed: random seed.
        device: "auto" (a GPU if available), "cpu", "cuda", "cuda:1" …
        renderer: "exact"; "neural" or the folder of a trained network, to search with the gradients of a network; or
            an object with the `render` method of `neuralpaint.renderers.Renderer`. The painting itself always renders
            exactly.
        progress: whether to show a progress bar on stderr.
        callback: called with a `Progress` several times a second; an exception from it ends the search.
        checkpoint: folder in which to save the state of the search while it runs.
        resume: continue from the state in `checkpoint`, if it exists.
        memory: memory limit in bytes, or a string such as "2G"; by default half of the available memory.
        window: search in windows with cores of this many pixels, if the canvas is larger than one window.
        workers: run the windows (`neuralpaint.parallel`) without affecting the result; by default this process does.
        start: a painting with the same brush and aspect, whose strokes the search goes on from: levels that it has the
            strokes of are left out, what follows moves all strokes. Not with preset paper, and not in windows.

    Returns:
        A `Painting` on the CPU.

    Raises:
        ValueError: an argument is out of range, the image is unreadable, the memory limit too low, or the checkpoint
            belongs to another photo or settings; the message names the argument.
        TypeError: an argument has the wrong type.
        OSError: the checkpoint cannot be written.
    """
    brush, preset, color = get_brush(brush), get_preset(preset), parse_color(background)
    if not brush.placement:
        raise ValueError(f"brush {brush.name!r} cannot paint: the geometry of its strokes is unknown")
    colors = None if palette is None else get_palette(palette)
    _check_palette(colors, opaque, preset)
    _check_detail(detail, preset)
    _check_start(start, brush, preset)
    if guide is not None and preset.method != "joint":
        raise ValueError(f"guide does not go with preset {preset.name!r}: use fast, balanced or best")
    count = 1 if strokes == AUTO else check_whole("strokes", strokes, 1, MAX_STROKES)
    seed = check_whole("seed", seed, 0, 2**63 - 1)
    if resume and checkpoint is None:
        raise ValueError("resume needs checkpoint, the folder to resume from")
    device = resolve_device(device)
    window = None if window is None else check_whole("window", window, 1, 1 << 16)
    have = budget(memory)
    if is_source(image):
        image = as_source(image, "image")[0]  # of a stream, all that is there: it may be read more than once
    held, drawn_by = brush.held_opaque() if opaque else brush, get_renderer(renderer, brush)
    with span("load photo"):
        problem, original = get_problem(image, held, count, preset, color, drawn_by, seed, device, have, window)
        if guide is None:
            guide = make_guide(problem.photo, detail, follow) if preset.method == "joint" else NO_GUIDE
        if strokes == AUTO:
            count = strokes_needed(problem.photo, guide)
            problem, original = get_problem(image, held, count, preset, color, drawn_by, seed, device, have, window)
        problem = dataclasses.replace(problem, guide=guide)
        if colors is not None:
            problem = dataclasses.replace(problem, palette=_palette_of(problem, colors), opaque=opaque)
    size = check_whole("size", original if size is None else size, 1, MAX_SIZE, "pixels")
    check_memory(problem, have if memory is not None else available(), window)
    with span("plan"):
        search = _make_search(problem, have, window, workers, start)
    store = None
    if checkpoint is not None:
        settings = {
            "photo": fingerprint(problem.photo),
            "brush": [brush.name, fingerprint(brush.texture)],
            "strokes": count,
            "preset": dataclasses.asdict(preset),
            "canvas": list(color),
            "seed": seed,
            "renderer": getattr(problem.renderer, "identity", type(problem.renderer).__name__),
            "device": device.type,
            "guide": [fingerprint(part) for part in problem.guide.maps],
        }
        if start is not None:
            settings["start"] = fingerprint(start.strokes)
        if guide.touch is not None:
            settings["touch"] = [guide.touch.length, guide.touch.width]
        store = Checkpoint(checkpoint, settings | _palette_settings(problem) | search.identity)

    with progress_bar() if progress else nullcontext(None) as shown:
        run_search(search, store, [report for report in (shown, callback) if report is not None], resume)
    metadata = (
        {"preset": preset.name, "seed": seed, "levels": search.levels} | _palette_settings(problem) | search.identity
    )
    return Painting(search.strokes.cpu(), brush, problem.aspect, color, size, metadata)


def _check_palette(palette: Palette | int | None, opaque: bool, preset: Preset) -> None:
    if not isinstance(opaque, bool):
        raise WrongType(f"opaque must be True or False, got {opaque!r}")
    if opaque and palette is None:
        raise ValueError("opaque needs a palette: the colours of the pens or paints")
    if palette is not None and preset.method != "joint":
        raise ValueError(f"palette does not go with preset {preset.name!r}: use fast, balanced or best")


def _check_detail(detail: ImageLike | None, preset: Preset) -> None:
    detail = named_detail(detail)
    if detail is None or isinstance(detail, str) and detail == AUTO:
        return
    if preset.method != "joint":
        raise ValueError(f"a mask of detail does not go with preset {preset.name!r}: use fast, balanced or best")


def _check_start(start: Painting | None, brush: Brush, preset: Preset) -> None:
    if start is None:
        return
    if not isinstance(start, Painting):
        raise WrongType(f"start must be a Painting, got {type(start).__name__}")
    if preset.method != "joint":
        raise ValueError(f"start does not go with preset {preset.name!r}: use fast, balanced or best")
    if start.brush.fingerprint != brush.fingerprint:
        raise ValueError(f"start has strokes of the brush {start.brush.name!r}: go on with that, or leave start out")


def _palette_of(problem: Problem, palette: Palette | int) -> Palette:
    """The palette, or so many colours of the photo."""
    if isinstance(palette, Palette):
        return palette
    view = problem.view(_PALETTE_VIEW).permute(1, 2, 0)
    return Palette.from_colors(view.cpu().numpy(), palette, seed=problem.seed)


def _palette_settings(problem: Problem) -> dict[str, Any]:
    """What checkpoints and metadata keep of the palette."""
    if problem.palette is None:
        return {}
    return {"palette": problem.palette.to_json(), "opaque": problem.opaque}


def _make_search(
    problem: Problem, have: int, window: int | None, workers: Workers | None, start: Painting | None = None
) -> JointSearch | BlockSearch:
    """The search method of the preset; windowed if required by the memory limit, the resolution or the caller."""
    if start is not None:
        if abs(start.aspect[1] / start.aspect[0] / (problem.aspect[1] / problem.aspect[0]) - 1) > _ASPECT:
            raise ValueError("start has another aspect than the photo: crop the photo to that of the painting")
        if isinstance(problem, LargeProblem) and needs_windows(problem, have, window):
            raise ValueError("start does not go with a search in windows: leave window out, or use fewer strokes")
        return JointSearch(problem, start.strokes if len(start) else None)
    if problem.preset.method == "blocks":
        return BlockSearch(problem)
    if isinstance(problem, LargeProblem) and needs_windows(problem, have, window):
        return WindowedSearch(problem, window or WINDOW, workers)
    return JointSearch(problem)
