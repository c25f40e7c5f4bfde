"""`paint_in_style`: paints a photo as the painter of a picture would."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from neuralpaint.brushes import Brush
from neuralpaint.guides.complexity import strokes_needed
from neuralpaint.guides.guide import make_guide
from neuralpaint.images.io import ImageLike, load_image, parse_color
from neuralpaint.losses.features import Features, get_features
from neuralpaint.losses.style import Mode, StyleLoss, check_mode
from neuralpaint.painting import Painting
from neuralpaint.parallel import Workers
from neuralpaint.renderers import Renderer, get_renderer
from neuralpaint.search.checkpoint import Checkpoint, fingerprint
from neuralpaint.search.paint import AUTO, paint
from neuralpaint.search.presets import Preset, get_preset
from neuralpaint.search.restyle import MAX_STEPS
from neuralpaint.search.runner import Progress, own_modes, progress_bar, run_search
from neuralpaint.search.styled.retouch import Retouch
from neuralpaint.search.styled.target import StyleTarget, style_target
from neuralpaint.styles.pictures.style import load_style_picture
from neuralpaint.utils.device import resolve_device
from neuralpaint.utils.profiling import span
from neuralpaint.utils.validation import MAX_STROKES, check_weight, check_whole

STEPS, WEIGHT = 40, 0.2


@own_modes
@span("paint in style")
def paint_in_style(
    image: ImageLike,
    style_image: ImageLike,
    brush: str | Brush = "oil",
    strokes: int | str = 500,
    preset: str | Preset = "balanced",
    *,
    mode: Mode = "color+texture",
    strength: float = 1.0,
    weight: float = WEIGHT,
    steps: int = STEPS,
    features: str | Features = "auto",
    vgg: str | os.PathLike | None = None,
    size: int | None = None,
    background: str | Sequence[float] = "white",
    detail: ImageLike | None = "auto",
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
    """Paints a photo as the painter of a picture would, with nothing but the package's own networks.

    1. The photo is restyled (`neuralpaint.search.styled.target`), and a search paints that. Strokes run along its edges
       and where it has none as they do in the picture, as long and as wide as there.
    2. Their colours go to the picture's by optimal transport; some steps by the style loss then move all strokes, and
       no colour far from where transport has put it (`neuralpaint.search.styled.retouch`).

    Args:
        image: the photo, read into memory as a whole: see `neuralpaint.images.io.load_image`.
        style_image: a picture in the desired style.
        brush, strokes, size, background, detail, seed, device, renderer, progress, callback, memory, window, workers:
            as in `neuralpaint.paint`. Detail is looked for in the photo.
        preset: fast, balanced, best, or a `Preset` of the joint search.
        mode: "color+texture"; or "color", for the picture's colours with the strokes that show the photo best.
        strength: how much of the style, from 0, the photo, to 1.
        weight: of the style loss in the last steps, ≥ 0, as in `neuralpaint.restyle`; less, for the target has the
            style already.
        steps: number of these steps.
        features, vgg: what the style loss compares: see `neuralpaint.losses.StyleLoss`. "auto" is VGG-19 if its weights
            are on this machine, otherwise the bundled encoder.
        checkpoint, resume: as in `neuralpaint.paint`; the last steps have a folder "style" in the checkpoint's.

    Returns:
        The painting on the CPU. Its metadata entry "style" says how the losses changed in the last steps.

    Raises:
        ValueError: an argument is out of range, an image cannot be read, the style picture is a single colour or
            smaller than 32 pixels, or the checkpoint is of something else; the message names the argument.
        TypeError: an argument has the wrong type.
        OSError: the checkpoint cannot be written.
    """
    check_style_options(mode, strength, weight, steps)
    chosen = get_preset(preset)
    if chosen.method != "joint":
        raise ValueError(
            f"preset {chosen.name!r} cannot paint in a style: use fast, balanced or best, or restyle after"
        )
    if resume and checkpoint is None:
        raise ValueError("resume needs checkpoint, the folder to resume from")
    device, color = resolve_device(device), parse_color(background)
    photo = load_image(image, "cpu", background)
    picture, _ = load_style_picture(style_image, most=photo[0].numel(), background=background)
    network = find_style_features(features, vgg)
    guide = make_guide(photo, detail)
    count = strokes_needed(photo, guide) if strokes == AUTO else check_whole("strokes", strokes, 1, MAX_STROKES)
    with span("restyle the photo"):
        target = style_target(photo, picture, count, mode=mode, strength=strength, detail=guide.detail, seed=seed)
    painting = paint(
        target.picture,
        brush,
        count,
        chosen,
        size=size,
        background=color,
        guide=target.guide(guide),
        seed=seed,
        device=device,
        renderer=renderer,
        progress=progress,
        callback=callback,
        checkpoint=checkpoint,
        resume=resume,
        memory=memory,
        window=window,
        workers=workers,
    )
    style = StyleLoss(picture, mode=mode, features=network, device=device)
    drawn_by = get_renderer(renderer, painting.brush)
    search = Retouch(
        painting.to(device),
        target,
        style,
        drawn_by,
        weight=weight,
        steps=steps,
        strength=strength,
        detail=guide.detail,
    )
    store = None if checkpoint is None else Checkpoint(Path(checkpoint) / "style", _identity(painting, target, search))
    with progress_bar() if progress else nullcontext(None) as shown:
        run_search(search, store, [report for report in (shown, callback) if report is not None], resume)
    metadata = {**painting.metadata, "style": search.report() | {"strength": strength}}
    return Painting(search.strokes.cpu(), painting.brush, painting.aspect, painting.background, painting.size, metadata)


def check_style_options(mode: str, strength: float, weight: float, steps: int) -> None:
    """Raises ValueError or TypeError unless the options of `paint_in_style` are in their ranges."""
    check_mode(mode)
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be between 0 and 1, got {strength}")
    check_weight("weight", weight)
    check_whole("steps", steps, 1, MAX_STEPS)


def find_style_features(features: str | Features = "auto", vgg: str | os.PathLike | None = None) -> Features:
    """The features of that name. "auto": VGG-19 if its weights are on this machine, otherwise the bundled encoder."""
    from neuralpaint.losses.features import find_weights

    if features == "auto" and vgg is None and find_weights() is None:
        features = "distilled"
    return get_features(features, path=vgg)


def _identity(painting: Painting, target: StyleTarget, search: Retouch) -> dict[str, Any]:
    """What a checkpoint of the last steps belongs to."""
    style = search.style
    return {
        "photo": fingerprint(target.picture),
        "painting": fingerprint(painting.strokes),
        "style": fingerprint(style.picture),
        "features": style.identity,
        "weight": search.weight,
        "mode": style.mode,
        "steps": search.step_count,
        "renderer": getattr(search.renderer, "identity", type(search.renderer).__name__),
        "device": search.strokes.device.type,
    }
