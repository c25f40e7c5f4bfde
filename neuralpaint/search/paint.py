"""`paint`: from a photo to a `Painting`."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, ParamSpec, TypeVar

import torch

from neuralpaint.brushes import Brush, get_brush
from neuralpaint.checks import check_whole
from neuralpaint.devices import resolve_device
from neuralpaint.images import ImageLike, parse_color
from neuralpaint.largeimage import LargePhoto
from neuralpaint.memory import available, budget
from neuralpaint.profiling import span
from neuralpaint.renderers import Renderer, get_renderer
from neuralpaint.search.blocks import BlockSearch
from neuralpaint.search.checkpoint import Checkpoint, fingerprint
from neuralpaint.search.joint import JointSearch
from neuralpaint.search.large import LargeProblem, check_memory, get_problem, needs_windows
from neuralpaint.search.presets import Preset, get_preset
from neuralpaint.search.progress import Progress, bar
from neuralpaint.search.windows import WINDOW, WindowedSearch
from neuralpaint.strokes import Painting
from neuralpaint.workers import Workers

MAX_STROKES = 1_000_000
_REPORT_SECONDS = 0.1
_CHECKPOINT_SECONDS = 2.0


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _own_modes(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Runs a function with gradients on and float32 as the default, whatever its caller has set."""

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        dtype = torch.get_default_dtype()
        try:
            torch.set_default_dtype(torch.float32)
            with torch.inference_mode(False), torch.enable_grad():
                return function(*args, **kwargs)
        finally:
            torch.set_default_dtype(dtype)

    return run


@_own_modes
@span("paint")
def paint(
    image: ImageLike | LargePhoto,
    brush: str | Brush = "oil",
    strokes: int = 500,
    preset: str | Preset = "balanced",
    *,
    size: int | None = None,
    canvas: str | Sequence[float] = "white",
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
) -> Painting:
    """Paints a photo with brush strokes.

    The same arguments give the same strokes, bit for bit, on the same machine, however often the search was stopped
    and resumed. A search that needs more than 2048 pixels along the shorter side, or more than `memory` in one piece,
    goes by windows (`neuralpaint.search.windows`): other strokes, as good ones.

    Args:
        image: a path, PIL image, array or tensor: see `neuralpaint.images.load_image`; or a
            `neuralpaint.largeimage.LargePhoto`, which a path to a very large picture becomes by itself.
        brush: oil, watercolor, marker, tape, pixel, or a `Brush` such as `TexturedBrush.from_image("dab.png")`.
        strokes: how many, 1 to 1,000,000.
        preset: fast, balanced, best or paper (the schedule of Stylized Neural Painting, with its transport loss), or a
            `Preset` of your own.
        size: pixels along the shorter side that the painting renders at unless told otherwise; the photo's by default.
        canvas: the ground's colour: a name, "#rrggbb" or (r, g, b) in [0, 1].
        seed: of everything random.
        device: "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1" …
        renderer: "exact"; "neural" or the folder of a trained network, to search through a network's gradients; or an
            object with the `render` method of `neuralpaint.renderers.Renderer`. The painting draws itself exactly.
        progress: whether to show a bar on the standard error output.
        callback: called with a `Progress` several times a second; an exception from it ends the search.
        checkpoint: a folder that keeps the state of the search while it runs.
        resume: go on from the state in `checkpoint`, if there is one.
        memory: bytes that may be used, such as "2G"; by default half of what is available.
        window: go by windows with cores of so many pixels, if the painting has more than one.
        workers: what does the windows' work (`neuralpaint.workers`); the result is the same. By default this process.

    Returns:
        A `Painting` on the CPU.

    Raises:
        ValueError: an argument is out of range, the image is unreadable, the memory too little, or the checkpoint
            belongs to another photo or other settings; the message names the argument.
        TypeError: an argument is of the wrong type.
        OSError: the checkpoint cannot be written.
    """
    brush, preset, ground = get_brush(brush), get_preset(preset), parse_color(canvas)
    if brush.engine and not (brush.boxed or brush.curved):
        raise ValueError(f"brush {brush.name!r} cannot paint: how its strokes move (geometry) is unknown")
    strokes = check_whole("strokes", strokes, 1, MAX_STROKES)
    seed = check_whole("seed", seed, 0, 2**63 - 1)
    if resume and checkpoint is None:
        raise ValueError("resume needs checkpoint, the folder to go on from")
    target = resolve_device(device)
    window = None if window is None else check_whole("window", window, 1, 1 << 16)
    have = budget(memory)
    with span("load photo"):
        problem, original = get_problem(
            image, brush, strokes, preset, ground, get_renderer(renderer, brush), seed, target, have, window
        )
    size = original if size is None else size
    painting = Painting(torch.zeros(0, brush.count), brush, problem.aspect, ground, size)  # checks size
    check_memory(problem, have if memory is not None else available(), window)
    with span("plan"):
        search: JointSearch | BlockSearch
        if preset.method == "blocks":
            search = BlockSearch(problem)
        elif isinstance(problem, LargeProblem) and needs_windows(problem, have, window):
            search = WindowedSearch(problem, window or WINDOW, workers)
        else:
            search = JointSearch(problem)

    keeper = None
    if checkpoint is not None:
        settings = {
            "photo": fingerprint(problem.photo),
            "brush": [brush.name, fingerprint(brush.texture)],
            "strokes": strokes,
            "preset": dataclasses.asdict(preset),
            "canvas": list(ground),
            "seed": seed,
            "renderer": getattr(problem.renderer, "identity", type(problem.renderer).__name__),
            "device": target.type,
        }
        if isinstance(search, WindowedSearch):
            settings["window"] = search.core
        keeper = Checkpoint(checkpoint, settings)
        if resume and keeper.exists():
            search.load_state_dict(keeper.read())

    with bar() if progress else nullcontext(None) as shown:
        _run(search, keeper, [report for report in (shown, callback) if report is not None])
    metadata: dict[str, Any] = {"preset": preset.name, "seed": seed}
    if isinstance(search, WindowedSearch):
        metadata["window"] = search.core
    return Painting(search.strokes.cpu(), brush, painting.aspect, ground, size, metadata)


def _run(
    search: JointSearch | BlockSearch, keeper: Checkpoint | None, listeners: list[Callable[[Progress], None]]
) -> None:
    """Steps a search to its end, telling its listeners and keeping its state now and then."""
    start = reported = kept = time.perf_counter()
    before = search.work()[0]
    if keeper is not None:
        keeper.write(search.state_dict())
    while not search.finished:
        with span("search step"):
            search.step()
        now = time.perf_counter()
        if listeners and (now - reported >= _REPORT_SECONDS or search.finished):
            reported = now
            with span("report"):
                event = _event(search, now - start, before)
                for tell in listeners:
                    tell(event)
        if keeper is not None and (now - kept >= _CHECKPOINT_SECONDS or search.finished):
            kept = now
            with span("checkpoint"):
                keeper.write(search.state_dict())


def _event(search: JointSearch | BlockSearch, seconds: float, before: float) -> Progress:
    error = float(search.mean_square)
    psnr = -10 * math.log10(error) if error > 0 else math.inf
    done, total = search.work()
    remaining = seconds * (total - done) / max(1e-9, done - before)
    return Progress(search.stage, search.steps_done, search.step_count, len(search.strokes), psnr, seconds, remaining)
