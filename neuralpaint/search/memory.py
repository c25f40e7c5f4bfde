"""Memory needs of a search, and problems whose photo is too large to keep in memory."""

from __future__ import annotations

import torch

from neuralpaint.brushes import Brush
from neuralpaint.images.io import ImageLike, load_image
from neuralpaint.images.resample import resize
from neuralpaint.images.streaming import LARGE, LargePhoto, open_photo
from neuralpaint.renderers import Renderer
from neuralpaint.search import blocks
from neuralpaint.search.joint import LARGEST_VIEW, plan
from neuralpaint.search.presets import Preset
from neuralpaint.search.problem import LargeProblem, Problem, Setting, aspect_of
from neuralpaint.search.regions import UNLIMITED, WINDOW, core_for, larger_than
from neuralpaint.utils.memory import PROCESS, check_budget

# Measured, in bytes: docs/scaling.md.
_PHOTO = 40  # per pixel of a photo read by Pillow
_WORKING = 200  # per working pixel of a search
_VIEW = 12  # per pixel of the photo at the resolution of a block search
_KEPT = 6  # per pixel of the reduced photo, including the view made from it
_STROKE = 2000  # per stroke, including the optimizer state


def get_problem(
    image: ImageLike | LargePhoto,
    brush: Brush,
    num_strokes: int,
    preset: Preset,
    background: tuple[float, float, float],
    renderer: Renderer,
    seed: int,
    device: torch.device,
    have: int,
    window: int | None,
) -> tuple[Problem, int]:
    """(the problem of painting `image`, its shorter side in pixels). `have` is the memory limit in bytes."""
    if isinstance(image, LargePhoto):
        large: LargePhoto | None = image
    else:
        large = open_photo(image, background, min(LARGE, have // _PHOTO))
    if large is None:
        assert not isinstance(image, LargePhoto)
        photo = load_image(image, device, background)
        problem = Problem.of(photo, brush, num_strokes, preset, background, renderer, seed)
        height, width = photo.shape[1:]
        if not needs_windows(problem, have, window):
            return problem, min(height, width)
        setting = problem.setting
    else:
        height, width = large.height, large.width
        aspect, pixels = aspect_of(height, width), min(height, width)
        setting = Setting(brush, num_strokes, preset, background, renderer, seed, aspect, device, photo_pixels=pixels)
    size = min(largest_size(setting, have, window), min(height, width))
    if large is not None:
        reduced = large.shrunk(max(size, min(512, height, width)))
    else:
        planes = [resize(plane[None], *setting.pixels(size)) for plane in photo.cpu()]
        reduced = torch.cat([plane.mul(255).round_().byte() for plane in planes])
    return LargeProblem(**vars(setting), photo=reduced), min(height, width)


def needs_windows(problem: Setting, have: int, window: int | None) -> bool:
    """Whether to search in windows: if requested, or if the whole canvas would exceed the resolution or memory
    limit."""
    if problem.preset.method != "joint":
        return False
    size = max(phase.size for phase in plan(problem, UNLIMITED))
    if window is not None:
        return larger_than(problem.pixels(size), core_for(problem.preset, window))
    return size > LARGEST_VIEW or _in_one_piece(problem) > have


def largest_size(problem: Setting, have: int, window: int | None) -> int:
    """The largest working size of a search, in pixels along the shorter side."""
    if problem.preset.method != "joint":
        return LARGEST_VIEW
    limit = UNLIMITED if needs_windows(problem, have, window) else LARGEST_VIEW
    return max(phase.size for phase in plan(problem, limit))


def check_memory(problem: Setting, have: int, window: int | None) -> None:
    """Raises ValueError if a search does not fit in `have` bytes; the message gives the minimum."""
    if not needs_windows(problem, have, window):
        need = _in_one_piece(problem)
    else:
        core = core_for(problem.preset, window or WINDOW)
        height, width = problem.pixels(max(phase.size for phase in plan(problem, UNLIMITED)))
        pixels = min(height, round(1.5 * core)) * min(width, round(1.5 * core))
        need = PROCESS + _WORKING * pixels + _KEPT * height * width + _STROKE * problem.num_strokes // 4
    check_budget(have, need, f"a search for {problem.num_strokes} strokes")


def _in_one_piece(problem: Setting) -> int:
    """Memory of a search without windows in bytes, including the program and the photo."""
    photo = _PHOTO * problem.loaded_pixels
    if problem.preset.method == "joint":
        height, width = problem.pixels(max(phase.size for phase in plan(problem)))
        working = _WORKING * height * width
    else:
        grids, side = blocks.plan(problem), problem.preset.block_pixels
        height, width = problem.pixels(min(LARGEST_VIEW, side * grids[-1].number))
        working = _WORKING * side**2 * max(len(grid.corners) for grid in grids) + _VIEW * height * width
    return PROCESS + max(photo, photo // 3 + working + _STROKE * problem.num_strokes)
