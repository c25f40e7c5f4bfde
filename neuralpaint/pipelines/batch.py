"""Painting many photos: one after another, in several processes, or on a Ray cluster."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.painting.exporters import check_distinct, export_suffix, find_exporter
from neuralpaint.pipelines.paint_photo import Job, failed, paint_photo
from neuralpaint.pipelines.stdio import STDIO, named
from neuralpaint.pipelines.summary import FAILED, Row

if TYPE_CHECKING:
    from neuralpaint.parallel import Workers
    from neuralpaint.pipelines.settings import PaintSettings

_STROKES_SUFFIX, _REPORT_SUFFIX = ".safetensors", ".html"
_UNREAD = frozenset(".jxr .dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .pef .psd .exr .hdr".split())
_LISTED = 8  # names in a message


def paint_serially(jobs: Sequence[Job], paint_one: Callable[[Job], Row], stop_on_error: bool = False) -> Iterator[Row]:
    """Paints photos one after another. A failure becomes a row and the others continue, unless `stop_on_error` is set
    or there is only one photo."""
    for job in jobs:
        started = time.perf_counter()
        try:
            row = paint_one(job)
        except Exception as error:
            if stop_on_error or len(jobs) == 1:
                raise
            row = failed(job, error, time.perf_counter() - started)
        yield row


def paint_by_processes(jobs: Sequence[Job], settings: PaintSettings, resume: bool, workers: Workers) -> Iterator[Row]:
    """Like `paint_serially`, but several at a time; rows come in order of completion."""
    shared = workers.share(settings)
    for number, row in workers.run(_paint_here, ((job, shared, resume) for job in jobs)):
        yield row if isinstance(row, Row) else failed(jobs[number], row, 0.0)


def paint_by_cluster(jobs: Sequence[Job], settings: PaintSettings, workers: Workers) -> Iterator[Row]:
    """Like `paint_by_processes`, on machines that need not share a disk with this one: photos and paintings are sent
    with the tasks, and output files are written here."""
    from neuralpaint.utils.files import atomic_write

    shared = workers.share(settings)
    unread: dict[int, Exception] = {}

    def tasks() -> Iterator[tuple]:
        for number, job in enumerate(jobs):
            try:
                data = job.photo.read_bytes()
            except OSError as error:
                data, unread[number] = b"", ValueError(f"{job.photo} cannot be read: {error.strerror}")
            yield data, job, shared

    for number, answer in workers.run(_paint_there, tasks()):
        job = jobs[number]
        if number in unread or isinstance(answer, BaseException):
            yield failed(job, unread.get(number, answer), 0.0)
            continue
        values, contents = answer
        row = Row(str(job.photo), job.shown, **values)
        try:
            for target, content in zip(job.files, contents, strict=False):  # none if it failed
                with atomic_write(target) as file:
                    file.write(content)
        except OSError as error:
            row = failed(job, error, row.seconds)
        yield row


def _paint_here(job: Job, settings: PaintSettings, resume: bool) -> Row:
    started = time.perf_counter()
    try:
        return paint_photo(job, settings, resume=resume)
    except Exception as error:
        return failed(job, error, time.perf_counter() - started)


def _paint_there(data: bytes, job: Job, settings: PaintSettings) -> tuple[dict[str, Any], list[bytes]]:
    """(values of the row, contents of the job's files in their order; none if it failed)."""
    with tempfile.TemporaryDirectory() as temporary:
        photo = Path(temporary) / "in" / job.photo.name
        photo.parent.mkdir()
        photo.write_bytes(data)
        moved = job.moved(photo, Path(temporary))
        row = _paint_here(moved, settings, False)
        values = {
            "status": row.status,
            "psnr": row.psnr,
            "seconds": row.seconds,
            "strokes": row.strokes,
            "error": row.error.replace(str(photo), job.photo.name),
            "note": row.note,
        }
        return values, [] if row.status == FAILED else [file.read_bytes() for file in moved.files]


def check_target(path: Path, overwrite: bool) -> None:
    """Raises ValueError unless the file can be written."""
    from neuralpaint.utils.files import WriteError, check_writable

    try:
        check_writable(path)
    except WriteError as error:
        raise ValueError(str(error)) from error
    if path.is_file() and not overwrite:
        raise ValueError(f"{path} already exists: choose another file, or add --overwrite")


def check_targets(pictures: Sequence[Path], strokes: Path | None, overwrite: bool, photo: Path | None = None) -> None:
    """Raises ValueError unless the outputs and, optionally, the strokes can be written to these files."""
    if strokes is not None and strokes.suffix.lower() == ".npz":
        raise ValueError(f"--save {strokes}: must be a .safetensors file")
    check_distinct(pictures)
    if strokes is not None and os.path.realpath(strokes) in map(os.path.realpath, pictures):
        raise ValueError(f"{strokes} cannot hold both an output and the strokes: choose another file for --save")
    for target in filter(None, (*pictures, strokes)):
        if target == STDIO:
            continue
        if photo is not None and same_file(target, photo):
            raise ValueError(f"{target} is the photo itself: choose another output file")
        check_target(target, overwrite)


def same_file(a: Path, b: Path) -> bool:
    """True if both exist and are one file."""
    return os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b)


def plan(
    photos: Sequence[Path],
    outputs: Sequence[Path],
    save: Path | None,
    checkpoint: Path | None,
    formats: Sequence[str] = (),
    recursive: bool = False,
    report: Path | None = None,
) -> list[Job]:
    """Pairs each photo with its output files, in the sub-folder in which the photo is, and creates the folders.

    Args:
        outputs: files of the one photo, or one folder.
        formats: suffixes of the files in the folder, such as "png" or "png,svg"; PNG by default.
        report: a page about the painting, or a folder for those of several.

    Raises:
        ValueError: the paths do not fit together, there is no exporter for one of them, or a folder cannot be made.
    """
    from neuralpaint.utils.files import make_folder

    found, several = _placed(photos, recursive, [*outputs, *filter(None, (save, checkpoint, report))])
    suffixes = check_outputs(outputs, several, formats)
    if not several and report is not None and report.suffix.lower() != _REPORT_SUFFIX:
        raise ValueError(f"--report {report}: must be a {_REPORT_SUFFIX} file")
    if several and report is not None and report.suffix.lower() == _REPORT_SUFFIX and not os.path.isdir(report):
        raise ValueError(f"--report {report} is a single page, but there are several photos: choose a folder")
    if not suffixes:
        return [Job(found[0][0], tuple(outputs), save, checkpoint, report)]
    names = _distinct_places(found)
    try:
        for folder in {name.parent for name in names}:
            for root in filter(None, (outputs[0], save, report if several else None)):
                make_folder(root / folder)
    except OSError as error:
        raise ValueError(str(error)) from error
    return [
        Job(
            photo,
            tuple(outputs[0] / f"{name}{suffix}" for suffix in suffixes),
            None if save is None else save / f"{name}{_STROKES_SUFFIX}",
            None if checkpoint is None else checkpoint / name,
            report / f"{name}{_REPORT_SUFFIX}" if several and report is not None else report,
        )
        for (photo, _), name in zip(found, names, strict=True)
    ]


def check_outputs(outputs: Sequence[Path], several: bool, formats: Sequence[str] = ()) -> list[str]:
    """Suffixes of the files in the folder, if the output is one; none if the outputs are files.

    Args:
        several: whether there are several photos, or folders of them.
        formats: the suffixes, with or without the dot; one text may name several, separated by commas.

    Raises:
        ValueError: the outputs and formats do not fit together, or there is no exporter for one of them.
    """
    suffixes = ["." + name.strip().lower().lstrip(".") for text in formats for name in text.split(",")]
    for suffix in suffixes:
        find_exporter(f"name{suffix}")
        if suffixes.count(suffix) > 1:
            raise ValueError(f"--format names {suffix.lstrip('.')} twice")
    folders = [output for output in outputs if os.path.isdir(output) and (several or not output.suffix)]
    if several:
        if STDIO in outputs:
            raise ValueError("-o - writes one painting to standard output, but there are several photos: give a folder")
        if len(outputs) > 1:
            raise ValueError("there are several photos: give one folder with -o, and the formats with --format png,svg")
        if export_suffix(outputs[0]) and not folders:
            raise ValueError(f"{outputs[0]} is a single file, but there are several photos: choose a folder")
        return suffixes or [".png"]
    if folders and len(outputs) > 1:
        raise ValueError(f"{folders[0]} is a folder: give files with -o, or that folder alone and --format png,svg")
    if folders:
        return suffixes or [".png"]
    for output in map(named, outputs):
        find_exporter(output)
        if suffixes and export_suffix(output) not in suffixes:
            raise ValueError(f"--format is for a folder: {output} has its format from its suffix")
    return []


def _distinct_places(found: Sequence[tuple[Path, Path]]) -> list[Path]:
    """Where the files of each photo go below the output folders, without suffix: the photo's sub-folder and a name that
    is unique in it."""
    inside: dict[str, list[int]] = {}
    for number, (_, folder) in enumerate(found):
        inside.setdefault(str(folder).casefold(), []).append(number)
    places: dict[int, Path] = {}
    for numbers in inside.values():
        for number, name in zip(numbers, distinct_names([found[k][0] for k in numbers]), strict=True):
            places[number] = found[number][1] / name
    return [places[number] for number in range(len(found))]


def distinct_names(photos: Sequence[Path]) -> list[str]:
    """Unique file names, without suffix, for the photos; unique on case-insensitive file systems too.

    photo.jpg and photo.png become photo_jpg and photo_png; a second photo.jpg from another folder becomes photo_jpg_2.
    """
    stems = [photo.stem.casefold() for photo in photos]
    taken: set[str] = {stem for stem in stems if stems.count(stem) == 1}
    names = []
    for photo, stem in zip(photos, stems, strict=True):
        name = photo.stem
        if stems.count(stem) > 1:
            base, number = f"{photo.stem}_{photo.suffix.lstrip('.')}", 1
            name = base
            while name.casefold() in taken:
                number += 1
                name = f"{base}_{number}"
            taken.add(name.casefold())
        names.append(name)
    return names


def expand_photos(photos: Sequence[Path], recursive: bool = False, own: Sequence[Path] = ()) -> tuple[list[Path], bool]:
    """(the photos, with folders replaced by the images in them; whether this is a batch).

    Args:
        recursive: look into sub-folders too.
        own: folders of the results, which are not looked into.
    """
    found, several = _placed(photos, recursive, own)
    return [photo for photo, _ in found], several


def _placed(photos: Sequence[Path], recursive: bool, own: Sequence[Path]) -> tuple[list[tuple[Path, Path]], bool]:
    """Like `expand_photos`, with the sub-folder in which each photo was found."""
    from neuralpaint.images.io import PHOTO_SUFFIXES

    found: dict[Path, tuple[Path, Path]] = {}
    folders = False
    for photo in photos:
        files, above = [photo], photo.parent
        if os.path.isdir(photo):
            folders, above = True, photo
            files = [f for f in _inside(photo, recursive, own) if f.suffix.lower() in PHOTO_SUFFIXES and f.is_file()]
            if not files:
                omitted = left_out([photo], recursive, own)
                raise ValueError(
                    f"{photo} contains no images ({' '.join(PHOTO_SUFFIXES)})" + (f"; {omitted}" if omitted else "")
                )
        for file in files:
            found.setdefault(file.resolve(), (file, file.parent.relative_to(above)))
    return list(found.values()), folders or len(found) > 1


def _inside(folder: Path, recursive: bool, own: Sequence[Path]) -> Iterator[Path]:
    """What lies in a folder, sorted, but for hidden names and the folders of the results. With `recursive`, sub-folders
    are replaced by what lies in them (links to folders are not: they may form a circle)."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if any(same_file(entry, path) for path in own):
                continue
            if recursive and not entry.is_symlink():
                yield from _inside(entry, recursive, own)
                continue
        yield entry


def left_out(photos: Sequence[Path], recursive: bool = False, own: Sequence[Path] = ()) -> str:
    """One line that names the photos of unknown formats and the sub-folders that `expand_photos` leaves out of folders;
    empty if there are none."""
    files, folders = [], []
    for folder in filter(os.path.isdir, photos):
        for entry in _inside(folder, recursive, own):
            if entry.is_dir():
                folders.append(f"{entry.relative_to(folder)}{os.sep}")
            elif entry.suffix.lower() in _UNREAD:
                files.append(str(entry.relative_to(folder)))
    names = files + folders
    if not names:
        return ""
    kinds = [("file", files), ("folder", folders)]
    counts = [f"{len(found)} {kind}{'s' * (len(found) > 1)}" for kind, found in kinds if found]
    listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    hints = ["save them as JPEG or PNG"] * bool(files) + ["--recursive paints what is in folders"] * (
        bool(folders) and not recursive
    )
    return f"{' and '.join(counts)} left out: {listed}" + (f" ({'; '.join(hints)})" if hints else "")


def check_job(job: Job, overwrite: bool) -> None:
    """Raises ValueError if a file of the job exists already, would overwrite its photo, or is a folder."""
    check_targets([*job.outputs, *filter(None, [job.report])], job.strokes, overwrite, job.photo)
    if job.checkpoint is not None and job.checkpoint.exists() and not job.checkpoint.is_dir():
        raise ValueError(f"--checkpoint {job.checkpoint} is a file, but must be a folder")
