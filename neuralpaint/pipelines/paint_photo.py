"""From a photo's file to a painting's: read, restyle if wanted, search, move towards a style, draw, write."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.cli.progress import _progress
from neuralpaint.pipelines.summary import FAILED, PAINTED, SKIPPED, Row
from neuralpaint.utils.errors import explain

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from neuralpaint.engines import EnginePool
    from neuralpaint.images.io import ImageLike
    from neuralpaint.painting.painting import Painting


def paint_photo(job: Job, search: dict[str, Any], resume: bool, quiet: bool, engines: EnginePool | None = None) -> Row:
    """Paints one photo and writes its files.

    Args:
        search: arguments of `paint`; besides, if wanted, "look", how the photo is restyled first (see `find_look`), and
            "style", arguments of `restyle` for the painting.
    """
    from neuralpaint.engines.drawing import draw_by
    from neuralpaint.images.io import check_output, load_image, save_image
    from neuralpaint.images.streaming import LARGE, LargePhoto, open_photo
    from neuralpaint.search import paint
    from neuralpaint.utils.memory import budget

    started = time.perf_counter()
    search = dict(search)
    look, style = search.pop("look", None), search.pop("style", None)
    memory = search.get("memory")
    photo: LargePhoto | torch.Tensor | None = None
    if engines is None and look is None and style is None:
        photo = open_photo(job.photo, search["canvas"], min(LARGE, budget(memory) // 40))
    if photo is None:
        photo = load_image(job.photo, canvas=search["canvas"])
    if look is not None:
        assert not isinstance(photo, LargePhoto)
        photo = restyle_first(photo, look, search["device"])
    shorter = min(photo.shape[-2:])
    height, width = (round(side / shorter * (search["size"] or shorter)) for side in photo.shape[-2:])
    check_output(job.output, width, height)
    with _progress(job.photo.name, quiet) as callback:
        painting = paint(photo, **search, callback=callback, checkpoint=job.checkpoint, resume=resume)
    note = ""
    if style is not None:
        assert not isinstance(photo, LargePhoto)
        folder = None if job.checkpoint is None else job.checkpoint / "style"
        more = {"device": search["device"], "renderer": search["renderer"], "checkpoint": folder, "resume": resume}
        painting = restyle_shown(painting, photo, style, job.photo.name, quiet, **more)
        note = changes(painting)
    if job.strokes is not None:
        painting.save(job.strokes)
    if engines is None:
        painting.render_to(job.output, memory=memory)
        likeness = painting.psnr(photo)
    else:
        assert not isinstance(photo, LargePhoto)
        picture, likeness = draw_by(engines, painting, photo=photo, shown=not quiet)
        save_image(picture, job.output)
    seconds = time.perf_counter() - started
    return Row(str(job.photo), str(job.output), PAINTED, likeness, seconds, len(painting), note=note)


def restyle_shown(
    painting: Painting, photo: ImageLike, settings: dict[str, Any], name: str, quiet: bool, **more: Any
) -> Painting:
    """`restyle` with a bar, if a person can see it."""
    from contextlib import nullcontext

    from rich.console import Console

    from neuralpaint.search.restyle import restyle
    from neuralpaint.search.runner import bar

    with bar(name) if Console(stderr=True).is_terminal and not quiet else nullcontext() as callback:
        return restyle(painting, photo, **settings, callback=callback, **more)


def changes(painting: Painting) -> str:
    """What a restyling did, in a few words."""
    style, likeness = (painting.metadata["style"][key] for key in ("style_loss", "l1_grey"))
    return ", ".join(
        f"{name} {100 * (after / before - 1):+.0f} %" if before > 0 else f"{name} {after:.3g}"
        for name, (before, after) in (("style loss", style), ("difference to the photo", likeness))
    )


def find_look(style: str, network: str, memory: str | None) -> dict[str, Any]:
    """The network and the mix of its styles that a person asks for. ValueError if there is none."""
    from neuralpaint.styles.stylize import MEMORY, as_mix, get_style_network
    from neuralpaint.utils.memory import parse_bytes

    loaded = get_style_network(network)
    room = MEMORY if memory is None else parse_bytes(memory, "--memory")
    return {"network": loaded, "mix": as_mix(style, loaded), "memory": room}


def restyle_first(photo: Tensor, look: dict[str, Any], device: Any) -> Tensor:
    """`[3, H, W]` in that look, on the CPU."""
    from neuralpaint.styles.stylize import stylize_tensor

    network = look["network"].to(device)
    made = stylize_tensor(network, photo[None].to(device), look["mix"], memory=look["memory"])
    return made[0].clamp(0, 1).cpu().clone()


@dataclass(frozen=True)
class Job:
    """One photo and where its results go."""

    photo: Path
    output: Path
    strokes: Path | None
    checkpoint: Path | None


def skipped(job: Job) -> Row:
    return Row(str(job.photo), str(job.output), SKIPPED)


def failed(job: Job, error: BaseException, seconds: float) -> Row:
    message = explain(error)[0].removeprefix(f"{job.photo}: ")
    return Row(str(job.photo), str(job.output), FAILED, seconds=seconds, error=message)
