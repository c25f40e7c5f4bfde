"""From photo file to painting file: read, stylize (optional), search, restyle (optional), render, write."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.pipelines.report import History, about, write_report
from neuralpaint.pipelines.reporter import SILENT, Reporter
from neuralpaint.pipelines.stdio import named, output_path, photo_source
from neuralpaint.pipelines.summary import FAILED, PAINTED, SKIPPED, Row
from neuralpaint.utils.errors import explain

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from neuralpaint.engines import EnginePool
    from neuralpaint.guides.guide import Guide
    from neuralpaint.images.streaming import LargePhoto
    from neuralpaint.painting import Painting
    from neuralpaint.painting.exporters import OutputSettings
    from neuralpaint.parallel import Workers
    from neuralpaint.pipelines.settings import PaintSettings


@dataclass(frozen=True)
class Job:
    """One photo and its output paths.

    Attributes:
        outputs: files of the painting, one or more.
        strokes: a stroke file besides, or None.
        report: a page about the painting, or None.
    """

    photo: Path
    outputs: tuple[Path, ...]
    strokes: Path | None
    checkpoint: Path | None
    report: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are written."""
        return tuple(path for path in (self.strokes, *self.outputs, self.report) if path is not None)

    @property
    def done(self) -> bool:
        """Whether all of its outputs exist."""
        return all(output.exists() for output in (*self.outputs, *filter(None, [self.report])))

    @property
    def shown(self) -> str:
        """The outputs, for the summary."""
        return ", ".join(map(str, self.outputs))

    def moved(self, photo: Path, folder: Path) -> Job:
        """The job for another copy of the photo, with all of its files in a folder and without a checkpoint."""
        outputs = (folder / f"{number}{''.join(path.suffixes[-2:])}" for number, path in enumerate(self.outputs))
        strokes = None if self.strokes is None else folder / "painting.safetensors"
        return Job(photo, tuple(outputs), strokes, None, None if self.report is None else folder / "report.html")


def skipped(job: Job) -> Row:
    """The row of a photo that was left alone."""
    return Row(str(job.photo), job.shown, SKIPPED)


def failed(job: Job, error: BaseException, seconds: float) -> Row:
    """The row of a photo that could not be painted, with the reason in one line."""
    message = explain(error)[0].removeprefix(f"{job.photo}: ")
    return Row(str(job.photo), job.shown, FAILED, seconds=seconds, error=message)


def paint_photo(
    job: Job,
    settings: PaintSettings,
    *,
    resume: bool = False,
    workers: Workers | None = None,
    engines: EnginePool | None = None,
    reporter: Reporter = SILENT,
) -> Row:
    """Paints one photo and writes its files.

    Args:
        resume: continue from the job's checkpoint, if it exists.
        workers: run the windows of a windowed search; by default this process does.
        engines: draw the painting if its brush belongs to an engine.
        reporter: shows progress.
    """
    import torch

    from neuralpaint.engines.drawing import draw_by

    started = time.perf_counter()
    photo, alpha, outputs, guide = _read(job, settings, whole=engines is not None)
    history = History()
    with reporter.search(job.photo.name) as callback:
        painting = _search(
            photo,
            settings,
            guide,
            workers=workers,
            callback=callback if job.report is None else history.before(callback),
            checkpoint=job.checkpoint,
            resume=resume,
        )
    if settings.style is not None:
        painting = _restyle(painting, photo, job, settings, resume, reporter)
    note = describe_restyling(painting) if "style" in painting.metadata else ""
    painting = dataclasses.replace(painting, finish=settings.finish, alpha=alpha)
    if job.strokes is not None:
        painting.save(job.strokes)
    if engines is None:
        note = ", ".join(filter(None, [note, *write_outputs(painting, job.outputs, outputs, reporter=reporter)]))
        psnr = painting.psnr(photo)
    else:
        assert isinstance(photo, torch.Tensor)
        with reporter.drawing(engines.engine.address) as report:
            picture, psnr = draw_by(engines, painting, photo=photo, callback=report)
        write_outputs(painting, job.outputs, outputs, picture=picture)
    row = Row(str(job.photo), job.shown, PAINTED, psnr, time.perf_counter() - started, len(painting), note=note)
    if job.report is not None:
        write_report(about(row, photo, painting, history, settings), job.report)
    return row


def write_outputs(
    painting: Painting,
    paths: Sequence[Path],
    settings: OutputSettings,
    *,
    size: int | None = None,
    picture: Image.Image | None = None,
    reporter: Reporter = SILENT,
) -> list[str]:
    """Writes a painting to several files, each of the kind that its suffix says.

    Args:
        size: pixels along the shorter side.
        picture: the painting as its engine has drawn it, which then becomes the images.
        reporter: shows progress.

    Returns:
        What there is to say about the files, a line for each of some.
    """
    from neuralpaint.images.io import save_image
    from neuralpaint.painting.exporters import find_exporter
    from neuralpaint.painting.exporters.plotter import PlotReport
    from neuralpaint.painting.painting import is_streamed

    notes = []
    for target in paths:
        with output_path(target) as path:
            if picture is not None and find_exporter(path).kind == "image":
                save_image(picture, path, metadata=settings.image.metadata)
            else:
                with reporter.writing(target.name) if find_exporter(path).reports else nullcontext() as callback:
                    told = painting.export(path, size=size, settings=settings, callback=callback)
                if isinstance(told, PlotReport):
                    notes.append(str(told))
                if settings.image.metadata and find_exporter(path).kind == "image":
                    notes += [f"no EXIF in {target}, which is too large"] * is_streamed(path, *painting.pixels(size))
    return notes


def check_sizes(
    paths: Sequence[Path], height: int, width: int, settings: OutputSettings, transparent: bool = False
) -> None:
    """Raises ValueError if one of the files cannot hold a painting of that size in pixels, or `transparent` one."""
    from neuralpaint.painting.exporters import find_exporter
    from neuralpaint.painting.painting import check_alpha

    for path in map(named, paths):
        exporter = find_exporter(path)
        exporter.check(path, height, width, settings)
        if transparent and exporter.kind == "image":
            check_alpha(path, width, height, settings.image.depth)


def _read(
    job: Job, settings: PaintSettings, whole: bool
) -> tuple[LargePhoto | Tensor, Tensor | None, OutputSettings, Guide | None]:
    """(the photo, stylized if requested; its alpha, if that is kept; the settings of its files; what a search of a
    stylized photo looks at).

    Raises:
        ValueError: the photo cannot be read, or the painting would be too large for the format of an output.
    """
    from neuralpaint.images.io import load_image, load_transparent
    from neuralpaint.images.metadata import read_metadata
    from neuralpaint.images.streaming import LARGE, LargePhoto, open_photo
    from neuralpaint.utils.memory import budget

    source, label = photo_source(job.photo)
    photo: LargePhoto | Tensor | None = None
    alpha: Tensor | None = None
    guide: Guide | None = None
    in_memory = (settings.stylization, settings.style, settings.stroke_style) != (None, None, None)
    if not whole and not in_memory:
        limit = min(LARGE, budget(settings.memory) // 40)
        photo = open_photo(source, settings.background, limit, name=label)
    if photo is None:
        if settings.keep_alpha:
            photo, alpha = load_transparent(source, settings.background, name=label)
        else:
            photo = load_image(source, background=settings.background, name=label)
        if settings.stylization is not None:
            photo, original = settings.stylization.apply(photo, settings.device), photo
            guide = _stylized_guide(original, photo, settings)
    if (
        alpha is not None
        and alpha.numel() > LARGE
        or isinstance(photo, LargePhoto)
        and settings.keep_alpha
        and photo.has_alpha
    ):
        raise ValueError(f"{label} has transparency, but is too large for --keep-alpha: shrink it first")
    shorter = min(photo.shape[-2:])
    height, width = (round(side / shorter * (settings.size or shorter)) for side in photo.shape[-2:])
    check_sizes(job.outputs, height, width, settings.outputs, alpha is not None)
    if not settings.keep_metadata:
        return photo, alpha, settings.outputs, guide
    image = dataclasses.replace(settings.outputs.image, metadata=read_metadata(source))
    return photo, alpha, dataclasses.replace(settings.outputs, image=image), guide


def _stylized_guide(photo: Tensor, stylized: Tensor, settings: PaintSettings) -> Guide | None:
    """The guide of a stylized photo; None if the preset takes none, or there is a picture to take it from."""
    from neuralpaint.search.styled.target import stylized_guide

    if settings.preset.method != "joint" or settings.stroke_style is not None:
        return None
    return stylized_guide(photo, stylized, settings.detail)


def _search(photo: LargePhoto | Tensor, settings: PaintSettings, guide: Guide | None, **more: Any) -> Painting:
    """The painting of a photo, in the style of a picture if that is asked for."""
    from neuralpaint.images.streaming import LargePhoto
    from neuralpaint.search import paint, paint_in_style

    if settings.stroke_style is None:
        given: dict[str, Any] = {} if guide is None else {"guide": guide}
        return paint(photo, **settings.arguments, **given, **more)
    assert not isinstance(photo, LargePhoto)
    kept = {name: value for name, value in settings.arguments.items() if name not in ("palette", "opaque")}
    return paint_in_style(photo, **settings.stroke_style.arguments, **kept, **more)


def _restyle(
    painting: Painting,
    photo: LargePhoto | Tensor,
    job: Job,
    settings: PaintSettings,
    resume: bool,
    reporter: Reporter,
) -> Painting:
    """Restyles the painting: moves its strokes towards the style of an image. Uses its own checkpoint."""
    from neuralpaint.images.streaming import LargePhoto
    from neuralpaint.search import restyle

    assert settings.style is not None and not isinstance(photo, LargePhoto)
    with reporter.search(job.photo.name) as callback:
        return restyle(
            painting,
            photo,
            **settings.style.arguments,
            device=settings.device,
            renderer=settings.renderer,
            checkpoint=None if job.checkpoint is None else job.checkpoint / "style",
            resume=resume,
            callback=callback,
        )


def describe_restyling(painting: Painting) -> str:
    """A short summary of how restyling changed the losses."""
    found = painting.metadata["style"]
    names = {"style_loss": "style loss", "l1_grey": "difference to the photo", "l1_target": "difference to the target"}
    return ", ".join(
        f"{name} {100 * (after / before - 1):+.0f} %" if before > 0 else f"{name} {after:.3g}"
        for name, (before, after) in ((name, found[key]) for key, name in names.items() if key in found)
    )
