"""Draws pictures, files and the time-lapse of a painting, in a worker process."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from neuralpaint.serve.painter import shown_size, version_file
from neuralpaint.serve.photos import THUMBNAIL
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    from neuralpaint.painting import Painting
    from neuralpaint.serve.tasks import Channel

KINDS = {"png": ".png", "jpg": ".jpg", "svg": ".svg", "mp4": ".mp4", "gif": ".gif", "strokes": ".safetensors"}
"""What a painting can be downloaded as, and the suffix of each."""
MAX_SIDE = 12_000  # pixels of a picture along its longer side
MAX_VIDEO = 1920
_PLAYED = 720  # pixels along the longer side of the time-lapse on the page
_SECONDS, _RATE = 6.0, 20


def write_picture(channel: Channel, folder: str, number: int, longest: int, thumbnail: bool) -> str:
    """Draws a version, `longest` pixels along its longer side, and writes it beside the strokes. Returns the file's
    name."""
    painting = _load(folder, number)
    picture = painting.render(shown_size(painting.aspect, longest))
    name = f"version-{number}-{longest}.png"
    with atomic_write(Path(folder) / name) as file:
        picture.save(file, "PNG", compress_level=1)
    if thumbnail:
        picture.thumbnail((240, 240))
        with atomic_write(Path(folder) / THUMBNAIL) as file:
            picture.convert("RGB").save(file, "JPEG", quality=88)
    return name


def export(channel: Channel, folder: str, number: int, kind: str, longest: int) -> str:
    """Writes a version as a file of a kind in `KINDS`. Returns the file's name."""
    from neuralpaint.painting.exporters import OutputSettings, VideoSettings

    painting = _load(folder, number)
    name = f"version-{number}-{longest}-export{KINDS[kind]}"
    size = None if kind == "strokes" else shown_size(painting.aspect, longest)
    settings = OutputSettings(video=VideoSettings(seconds=10.0, fps=24 if kind == "mp4" else 10, hold=2.0))

    def report(done: int, total: int) -> None:
        channel.send("progress", {"share": done / max(1, total)})

    painting.export(Path(folder) / name, size=size, settings=settings, callback=report)
    return name


def playback(channel: Channel, folder: str, number: int) -> str:
    """Draws the time-lapse of a version for the page: sends each frame as "part" as it is drawn, and writes all of them
    to a file, whose name is returned. See `parts`."""
    for path in Path(folder).glob("version-*-playback.bin"):  # one at a time: they are large
        path.unlink(missing_ok=True)
    name = f"version-{number}-playback.bin"
    with atomic_write(Path(folder) / name) as file:
        for piece in parts(_load(folder, number)):
            file.write(piece)
            channel.send("part", piece)
    return name


def parts(painting: Painting) -> Iterator[bytes]:
    """A time-lapse as pictures of what changes from frame to frame. First a header, then a part for each frame: its
    length as 4 bytes, low ones first, and so many bytes. The header is JSON; a frame is x and y as 2 bytes each, and a
    picture to be drawn there, WebP, or nothing if the frame is as the one before."""
    from neuralpaint.painting.exporters import VideoSettings
    from neuralpaint.painting.playback import changes, header

    shown = replace(painting, size=shown_size(painting.aspect, _PLAYED))
    settings = VideoSettings(seconds=_SECONDS, fps=_RATE)
    yield _part(json.dumps(header(shown, settings)).encode())
    for change in changes(shown, settings, quality=None):  # lossy WebP halves colours: 35 dB with a dry brush
        yield _part(struct.pack("<HH", change.x, change.y) + change.picture if change.picture else b"")


def _part(content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + content


def _load(folder: str, number: int) -> Painting:
    from neuralpaint.painting import Painting

    return Painting.load(version_file(Path(folder), number))
