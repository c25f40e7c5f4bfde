"""Paints in a worker process: a search that shows its strokes as it goes, and can be paused."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.serve.choices import Choices
from neuralpaint.serve.photos import mask_of, prepared

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from neuralpaint.painting import Painting
    from neuralpaint.search import Progress
    from neuralpaint.serve.tasks import Channel

PREVIEW = 800  # pixels along the longer side of what is shown while it is being painted
PAUSE, CANCEL = "pause", "cancel"
_SHARE = 0.06  # of the time that pictures for the page may take
_OFTEN = 0.1  # seconds between them at least
_FRAME = {"quality": 96, "subsampling": 0}  # 38 dB and more to the PNG, with every brush
_SKETCH, _SKETCH_SIZE, _SKETCH_STEPS = 24, 64, 20  # strokes, pixels along the shorter side, steps


class Cancelled(ValueError):
    """The painter has stopped the search and does not want to go on."""


def paint_here(
    channel: Channel, folder: str, choices: dict[str, Any], number: int, resume: bool, start: int | None
) -> dict[str, Any]:
    """Searches for the strokes of a painting and writes them as a version. Sends "progress" and "frame" messages; the
    first frame of a new painting is a `sketch`.

    Args:
        folder: of the painting.
        choices: as `Choices.from_json` takes them.
        number: of the version.
        resume: go on from the checkpoint.
        start: number of the version whose strokes to go on from.

    Returns:
        {"state": "done" or "paused", "strokes": how many, "psnr": in dB}.
    """
    from neuralpaint.painting import Painting
    from neuralpaint.search import SearchPaused, paint

    chosen, place = Choices.from_json(choices), Path(folder)
    checkpoint = place / "checkpoint"
    photo = prepared(place, chosen)
    shower = _Shower(channel, chosen, photo.shape[1:])
    arguments: dict[str, Any] = {
        "brush": chosen.brush,
        "strokes": chosen.strokes,
        "preset": chosen.preset,
        "background": chosen.background,
        "palette": chosen.palette or None,
        "opaque": chosen.opaque,
        "detail": mask_of(place, chosen),
        "seed": chosen.seed,
        "start": None if start is None else Painting.load(version_file(place, start)),
    }
    if start is None and not (resume and checkpoint.is_dir()):
        shower.show(sketch(photo, chosen))
    state = "done"
    try:
        painting = paint(photo, **arguments, checkpoint=checkpoint, resume=resume, callback=shower)
        painting = replace(painting, finish=shower.finish)
    except SearchPaused:
        state, found = "paused", shower.painting
        assert found is not None
        painting = replace(found, size=min(photo.shape[1:]), metadata={"preset": chosen.preset, "seed": chosen.seed})
    painting.save(version_file(place, number))
    shower.show(painting)
    psnr = painting.psnr(photo, min(512, *photo.shape[1:]))
    return {"state": state, "strokes": len(painting), "psnr": round(psnr, 2)}


def sketch(photo: Tensor, choices: Choices) -> Painting:
    """The large strokes that a painting may begin with, of a very small view of the photo `[3, H, W]`: there is
    something to see while the search looks for faces, and for what stands out."""
    from neuralpaint.images.resample import resize
    from neuralpaint.painting.finish import Finish
    from neuralpaint.search import Preset, paint
    from neuralpaint.search.problem import aspect_of

    factor = min(1.0, _SKETCH_SIZE / min(photo.shape[1:]))
    small = resize(photo, *(max(8, round(side * factor)) for side in photo.shape[1:]))
    with _one_thread():
        painting = paint(
            small,
            choices.brush,
            min(_SKETCH, choices.strokes),
            Preset("sketch", stages=1, rounds=1, steps=_SKETCH_STEPS, refine=0),
            background=choices.background,
            palette=choices.palette or None,
            opaque=choices.opaque,
            detail=None,
            follow=False,
            seed=choices.seed,
        )
    return replace(painting, aspect=aspect_of(*photo.shape[1:]), finish=Finish(**choices.finish))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small work is done sooner by one thread, above all if other processes are busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def version_file(folder: Path, number: int) -> Path:
    """The strokes of a version of a painting."""
    return folder / f"version-{number}.safetensors"


def shown_size(aspect: tuple[float, float], longest: int) -> int:
    """Pixels along the shorter side, for so many along the longer one."""
    return max(1, int(longest / max(aspect)))


def as_jpeg(image: Image.Image) -> bytes:
    """A picture for the page, of which another follows soon."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", **_FRAME)
    return buffer.getvalue()


def warm_up() -> None:
    """Paints a small picture: what is loaded and set up once is ready for the first photo then."""
    import torch

    from neuralpaint.search import paint

    y, x = torch.meshgrid(torch.linspace(0, 1, 96), torch.linspace(0, 1, 96), indexing="ij")
    photo = torch.stack([x, y, (x * y * 40).sin().abs()])
    as_jpeg(sketch(photo, Choices()).render(96))
    paint(photo, strokes=20, preset="fast")


class _Shower:
    """The callback of the search: sends its strokes as pictures, no oftener than they are worth."""

    def __init__(self, channel: Channel, choices: Choices, shape: Any) -> None:
        from neuralpaint.brushes import get_brush
        from neuralpaint.images.io import parse_color
        from neuralpaint.painting.finish import Finish
        from neuralpaint.search.problem import aspect_of

        self._channel = channel
        self._brush, self._background = get_brush(choices.brush), parse_color(choices.background)
        self._aspect = aspect_of(*shape)
        self.finish = Finish(**choices.finish)
        self.painting: Painting | None = None
        self._next = self._told = 0.0

    def __call__(self, progress: Progress) -> None:
        from neuralpaint.painting import Painting
        from neuralpaint.search import SearchPaused

        assert progress.found is not None
        now = time.perf_counter()
        size = shown_size(self._aspect, PREVIEW)
        strokes = progress.found.detach().cpu()
        word = self._channel.word()
        if now >= self._next or word == PAUSE:
            self.painting = Painting(
                strokes.clone(), self._brush, self._aspect, self._background, size, finish=self.finish
            )
        if word == PAUSE:
            raise SearchPaused
        if word == CANCEL:
            raise Cancelled("stopped")
        self._channel.send(
            "progress",
            {
                "stage": progress.stage,
                "share": progress.step / max(1, progress.steps),
                "strokes": progress.strokes,
                "psnr": round(progress.psnr, 2),
                "remaining": round(progress.remaining, 1),
            },
        )
        if now >= self._next and self.painting is not None:
            self.show(self.painting)
            took = time.perf_counter() - now
            self._next = now + max(_OFTEN, took / _SHARE)

    def show(self, painting: Painting) -> None:
        """Sends a picture of the painting."""
        self._channel.send("frame", as_jpeg(painting.render(shown_size(painting.aspect, PREVIEW))))
