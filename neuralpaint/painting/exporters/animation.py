"""Writes time-lapses as animations: GIF, animated PNG, animated WebP, frame by frame, compressed by Pillow."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np
from PIL import GifImagePlugin, Image

from neuralpaint.painting.exporters.base import export_suffix
from neuralpaint.painting.exporters.settings import VideoSettings
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

_Callback: TypeAlias = "Callable[[int, int], None] | None"

_LONGEST_SIDE = {".gif": 65535, ".apng": 65535, ".anim.webp": 16383}
_WEBP = {"quality": 85, "method": 2}
_PALETTE_SIDE = 96  # pixels along the shorter side of the pictures that the colours of a GIF are chosen from
_PALETTE_FRAMES = 12


def write_animation(
    painting: Painting,
    path: str | os.PathLike,
    settings: VideoSettings | None = None,
    callback: Callable[[int, int], None] | None = None,
) -> None:
    """Writes a time-lapse as .gif, .apng or .anim.webp, which loops; the last frame stays for `settings.hold` seconds.

    Frames hold only the box that has changed. A .gif has 255 colours, and delays in hundredths of a second.

    Args:
        callback: called with the number of frames drawn so far and of all frames.

    Raises:
        ValueError: a side is too long, or an engine draws the strokes.
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    settings = VideoSettings() if settings is None else settings
    check_animation(path, *painting.pixels(), settings)
    write = {".gif": _write_gif, ".apng": _write_apng, ".anim.webp": _write_webp}[export_suffix(path)]
    with atomic_write(path) as file:
        write(painting, file, settings, callback)


def check_animation(path: str | os.PathLike, height: int, width: int, settings: VideoSettings | None = None) -> None:
    """Raises ValueError if the format has no room for the frames, or cannot show so many in a second."""
    suffix = export_suffix(path)
    limit = _LONGEST_SIDE[suffix]
    if max(height, width) > limit:
        raise ValueError(f"{width}x{height} pixels do not fit in a {suffix} file (at most {limit} per side)")
    if suffix == ".gif" and settings is not None and settings.fps > 50:
        raise ValueError(f"fps must be at most 50 for a .gif, got {settings.fps}")


@dataclass(frozen=True)
class _Part:
    """What a frame changes: uint8 `[h, w, 3]` pixels at (x, y), those of bool `[h, w]` `changed`, shown from `start` to
    `end` milliseconds."""

    pixels: np.ndarray
    changed: np.ndarray
    x: int
    y: int
    start: int
    end: int


def _parts(painting: Painting, settings: VideoSettings, callback: _Callback) -> Iterator[_Part]:
    """The parts of a time-lapse. A frame in which nothing changes has none: the one before is shown for longer."""
    from neuralpaint.painting.timelapse import time_lapse

    shown: np.ndarray | None = None
    waiting: _Part | None = None
    for number, frame in enumerate(time_lapse(painting, settings, callback=callback)):
        if frame.box is None:
            continue
        x0, y0, x1, y1 = frame.box
        pixels = frame.pixels[y0:y1, x0:x1]
        if shown is None:
            shown, changed = np.zeros_like(frame.pixels), np.ones(pixels.shape[:2], bool)
        else:
            changed = (shown[y0:y1, x0:x1] != pixels).any(-1)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        if not len(rows):
            continue
        inner = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        shown[y0:y1, x0:x1] = pixels
        start = round(1000 * number / settings.fps)
        if waiting is not None:
            yield replace(waiting, end=start)
        waiting = _Part(pixels[inner].copy(), changed[inner], x0 + int(columns[0]), y0 + int(rows[0]), start, start)
    if waiting is not None:
        end = round(1000 * (settings.seconds + settings.hold))
        yield replace(waiting, end=max(end, waiting.start + round(1000 / settings.fps)))


# ---- GIF -------------------------------------------------------------------------------------------------------------

_CLEAR = 255  # the index of what stays as it is


def _write_gif(painting: Painting, file: BinaryIO, settings: VideoSettings, callback: _Callback) -> None:
    height, width = painting.pixels()
    palette = _palette(painting, settings)
    colors = (palette.getpalette("RGB") or [])[: 3 * _CLEAR]
    file.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + bytes(colors).ljust(768, b"\0"))
    file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")  # loop for ever
    shown = np.full((height, width), _CLEAR, np.uint8)
    for part in _parts(painting, settings, callback):
        # Undithered: strokes hide the steps, and what does not change keeps its colour from frame to frame.
        indices = np.asarray(Image.fromarray(part.pixels).quantize(palette=palette, dither=Image.Dither.NONE))
        under = shown[part.y : part.y + indices.shape[0], part.x : part.x + indices.shape[1]]
        picture = Image.fromarray(np.where(indices == under, np.uint8(_CLEAR), indices), "P")
        under[:] = indices
        delay = round(part.end / 10) - round(part.start / 10)  # hundredths: rounded so that they do not add up
        while delay > 0:  # a delay has 16 bits
            now = min(delay, 65535)
            more = {"duration": 10 * now, "disposal": 1, "transparency": _CLEAR}
            for block in GifImagePlugin.getdata(picture, (part.x, part.y), **more):
                file.write(block)
            delay, picture = delay - now, Image.new("P", (1, 1), _CLEAR)
    file.write(b";")


def _palette(painting: Painting, settings: VideoSettings) -> Image.Image:
    """An image whose palette has the 255 colours that suit the whole time-lapse.

    A colour counts by the square root of the pixels that have it: median cut alone would give all of the palette to
    what covers most of the picture, and none to two green eyes.
    """
    from neuralpaint.painting.timelapse import time_lapse

    small = replace(painting, size=min(_PALETTE_SIDE, painting.size))
    few = replace(settings, fps=1, seconds=float(_PALETTE_FRAMES))
    pixels = np.concatenate([frame.pixels.reshape(-1, 3).copy() for frame in time_lapse(small, few)])
    codes = (pixels >> 2).astype(np.int64) @ np.array([1 << 12, 1 << 6, 1])
    _, first, count = np.unique(codes, return_index=True, return_counts=True)
    sheet = np.repeat(pixels[first], np.ceil(np.sqrt(count)).astype(int), axis=0)
    return Image.fromarray(sheet[None]).quantize(_CLEAR, Image.Quantize.MEDIANCUT, kmeans=3)


# ---- animated PNG ----------------------------------------------------------------------------------------------------


def _write_apng(painting: Painting, file: BinaryIO, settings: VideoSettings, callback: _Callback) -> None:
    """Each part is compressed as a PNG, and its data moved to the chunks of an animation (PNG 3, §11.3)."""
    height, width = painting.pixels()

    def chunk(name: bytes, data: bytes) -> None:
        file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))

    file.write(b"\x89PNG\r\n\x1a\n")
    chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    control_at = file.tell()
    chunk(b"acTL", struct.pack(">II", 0, 0))
    sequence = frames = 0
    for part in _parts(painting, settings, callback):
        part_height, part_width, _ = part.pixels.shape
        shown, over = min(part.end - part.start, 65535), 1
        place = (part_width, part_height, part.x, part.y)
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, *place, shown, 1000, 0, over))
        sequence += 1
        for data in _image_data(part):
            chunk(b"IDAT" if frames == 0 else b"fdAT", data if frames == 0 else struct.pack(">I", sequence) + data)
            sequence += frames > 0
        frames += 1
    chunk(b"IEND", b"")
    file.seek(control_at)
    chunk(b"acTL", struct.pack(">II", frames, 0))
    file.seek(0, os.SEEK_END)


def _image_data(part: _Part) -> Iterator[bytes]:
    """The contents of the IDAT chunks of a PNG of a part, clear where nothing changes."""
    buffer = io.BytesIO()
    alpha = np.where(part.changed, np.uint8(255), np.uint8(0))[..., None]
    Image.fromarray(np.concatenate([part.pixels * part.changed[..., None], alpha], -1)).save(
        buffer, "PNG", compress_level=4
    )
    data, at = buffer.getvalue(), 8
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            yield data[at + 8 : at + 8 + length]
        at += 12 + length


# ---- animated WebP ---------------------------------------------------------------------------------------------------


def _write_webp(painting: Painting, file: BinaryIO, settings: VideoSettings, callback: _Callback) -> None:
    frames = _LazyFrames(painting, settings, callback)
    frames.save(file, "WEBP", save_all=True, duration=frames.durations, loop=0, **_WEBP)


class _LazyFrames(Image.Image):
    """An image of many frames, each drawn when Pillow seeks it, in their order: the encoder never has two of them."""

    def __init__(self, painting: Painting, settings: VideoSettings, callback: _Callback) -> None:
        from neuralpaint.painting.timelapse import frame_count, time_lapse

        super().__init__()
        self.n_frames = frame_count(settings)
        times = np.round(1000 * np.arange(self.n_frames + 1) / settings.fps).astype(int)
        self.durations = np.diff(times).tolist()
        self.durations[-1] += round(1000 * settings.hold)
        self._frames = time_lapse(painting, settings, callback=callback)
        self._number = -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        if frame == self._number + 1:
            drawn = Image.fromarray(next(self._frames).pixels)
            self.im, self._mode, self._size = drawn.im, drawn.mode, drawn.size
            self._number = frame

    def tell(self) -> int:
        return max(0, self._number)
