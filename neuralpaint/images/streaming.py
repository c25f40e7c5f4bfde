"""Pictures larger than memory, read and written in bands by libvips (pyvips, in the extra `large`).

libvips reads and writes PNG, JPEG and tiled or striped (Big)TIFF as streams, whatever their size; tifffile knows TIFF
only, and Pillow keeps whole pictures.
"""

from __future__ import annotations

import errno
import os
import select
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from neuralpaint.images.io import MAX_ASPECT, MAX_PIXELS, check_output, parse_color
from neuralpaint.utils.files import WriteError, atomic_path, out_of_space

LARGE = 1 << 25  # pixels: 33 million, from which a picture is streamed
_BAND = 256  # rows read at a time
_MISSING = "needs pyvips, which reads and writes it in bands: pip install 'neuralpaint[large]'"


def require_vips(what: str) -> Any:
    """The module pyvips. ValueError, naming the picture, if it is not installed."""
    try:
        import pyvips
    except (ImportError, OSError) as error:  # OSError: without libvips itself
        raise ValueError(f"{what} {_MISSING} ({' '.join(str(error).split())})") from None
    pyvips.cache_set_max(0)  # it would keep what it has read
    return pyvips


def has_vips() -> bool:
    """Whether pyvips and libvips are there."""
    try:
        require_vips("")
    except ValueError:
        return False
    return True


# ---- reading ---------------------------------------------------------------------------------------------------------


class LargePhoto:
    """A photo in a file, read in bands; only shrunk copies of it are ever in memory.

    Attributes:
        path: the file.
        height, width: in pixels, as it is shown (EXIF orientation applied).

    Args:
        background: the colour under transparent pixels.

    Raises:
        ValueError: if pyvips is not there, the file is missing or no picture, or its sides differ too much.
    """

    def __init__(self, path: str | os.PathLike, background: str | Sequence[float] = "white") -> None:
        self.path, self._background = os.fspath(path), parse_color(background)
        image = self._open()
        self.height, self.width = image.height, image.width
        if max(self.height, self.width) > MAX_ASPECT * min(self.height, self.width):
            raise ValueError(
                f"{self.path} is {self.width}x{self.height} pixels: its longer side is more than {MAX_ASPECT:g} times "
                "the shorter; crop or pad it"
            )
        self._copy: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(3, height, width), as of a tensor."""
        return 3, self.height, self.width

    def shrunk(self, size: int) -> Tensor:
        """uint8 `[3, h, w]` with `size` pixels along the shorter side, or as many as it has: means over areas.

        The largest copy so far is kept, and smaller ones are made of it.

        Raises:
            ValueError: if the file is damaged or cut short.
        """
        shorter = min(self.height, self.width)
        size = min(size, shorter)
        height, width = (max(1, round(side * size / shorter)) for side in (self.height, self.width))
        if self._copy is not None and self._copy.shape[1] >= height and self._copy.shape[2] >= width:
            return shrink(self._copy, height, width)
        self._copy = _shrink_bands(self._bands(), self.height, self.width, height, width)
        return self._copy

    def _open(self) -> Any:
        """The picture as 8-bit sRGB, to be read from top to bottom."""
        pyvips = require_vips(f"a photo of more than {LARGE // 10**6} million pixels ({self.path})")
        try:
            image = pyvips.Image.new_from_file(self.path, access="sequential", fail_on="error")
            if image.format not in ("uchar", "ushort"):  # whose range nobody knows
                raise ValueError(f"{self.path} has {image.format} channels: convert it to 8 or 16 bits a channel")
            if image.get_typeof("orientation") and image.get("orientation") > 1:  # which cannot be done on the fly
                image = pyvips.Image.new_from_file(self.path, fail_on="error").autorot()
            if image.get_typeof("icc-profile-data"):
                try:
                    image = image.icc_transform("srgb", embedded=True, intent="relative")
                except pyvips.Error:  # a profile for other channels
                    pass
            image = image.colourspace("srgb")
            if image.hasalpha():
                image = image.flatten(background=[255 * value for value in self._background])
            return image.cast("uchar")
        except pyvips.Error as error:
            if "not a known file format" in str(error):
                raise _UnknownFormatError(f"libvips cannot read {self.path}: convert it to PNG or JPEG") from error
            raise _damaged(self.path, error) from error

    def _bands(self) -> Iterator[Tensor]:
        """uint8 `[rows, W, 3]`, from top to bottom."""
        pyvips = require_vips(self.path)
        image = self._open()
        try:
            region = pyvips.Region.new(image)
            for top in range(0, self.height, _BAND):
                rows = min(_BAND, self.height - top)
                pixels = np.frombuffer(region.fetch(0, top, self.width, rows), np.uint8)
                yield torch.from_numpy(pixels.reshape(rows, self.width, 3).copy())
        except pyvips.Error as error:
            raise _damaged(self.path, error) from error


def open_photo(
    path: object, background: str | Sequence[float] = "white", limit: int | None = None
) -> LargePhoto | None:
    """The photo of that file if it has more than `limit` pixels (33 million) and can be read in bands; else None.

    None also for what is no readable picture, and for one without pyvips that Pillow can still read: whoever reads it
    says what is wrong.
    """
    if not isinstance(path, (str, os.PathLike)):
        return None
    pixels = count_pixels(path)
    if pixels <= (LARGE if limit is None else limit) or (pixels <= MAX_PIXELS and not has_vips()):
        return None
    try:
        return LargePhoto(path, background)
    except _UnknownFormatError:
        if pixels <= MAX_PIXELS:
            return None
        raise


class _UnknownFormatError(ValueError):
    """libvips cannot read such files."""


def count_pixels(path: str | os.PathLike) -> int:
    """Pixels of the picture in a file, by its header; 0 if it is none."""
    try:
        Image.MAX_IMAGE_PIXELS, kept = None, Image.MAX_IMAGE_PIXELS
        try:
            with Image.open(path) as image:
                return image.width * image.height
        finally:
            Image.MAX_IMAGE_PIXELS = kept
    except Exception:  # Pillow's decoders raise many kinds
        return 0


def _damaged(path: str, error: Exception) -> ValueError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    detail = lines[-1] if lines else type(error).__name__
    return ValueError(f"{path} is damaged or cut short, get it again ({detail})")


def shrink(image: Tensor, height: int, width: int) -> Tensor:
    """uint8 `[3, H, W]` to fewer pixels: the mean over each new pixel's area, rounded, in bands."""
    if image.shape[1:] == (height, width):
        return image
    bands = (image[:, top : top + _BAND].permute(1, 2, 0) for top in range(0, image.shape[1], _BAND))
    return _shrink_bands(bands, image.shape[1], image.shape[2], height, width)


def _shrink_bands(bands: Iterable[Tensor], rows: int, columns: int, height: int, width: int) -> Tensor:
    """Bands `[r, columns, 3]` of a picture of rows × columns pixels to uint8 `[3, height, width]`."""
    result = torch.empty(3, height, width, dtype=torch.uint8)
    kept = torch.empty(3, 0, width)  # rows that are still needed, already narrowed
    top, row = 0, 0  # the first of them; the next row of the result
    for band in bands:
        narrow = F.interpolate(band.permute(2, 0, 1)[None].float(), size=(len(band), width), mode="area")[0]
        kept = torch.cat([kept, narrow], 1)
        while row < height and (end := -(-(row + 1) * rows // height)) <= top + kept.shape[1]:
            start = row * rows // height
            result[:, row] = kept[:, start - top : end - top].mean(1).round_()
            row += 1
        first = row * rows // height
        kept, top = kept[:, first - top :].clone(), first
    return result


# ---- writing ---------------------------------------------------------------------------------------------------------

_BIG = 2**31  # bytes of pixels, from which a TIFF file needs 64-bit offsets to be safe
_PATIENCE = 0.2  # seconds after which a writer looks whether its reader is still there
STREAMED_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def write_bands(path: str | os.PathLike, height: int, width: int, bands: Iterable[np.ndarray]) -> None:
    """Writes a picture, whose bands uint8 `[rows, width, 3]` come from top to bottom, in the format of the suffix.

    Args:
        path: .png, .jpg or .tiff (tiled; BigTIFF if it needs to be).

    Raises:
        ValueError: for another suffix, more pixels than the format holds, or if pyvips is not there.
        WriteError: if it cannot be written; nothing is left behind, and what stood at `path` still does.
    """
    check_output(path, width, height)
    suffix = Path(path).suffix.lower()
    if suffix not in STREAMED_SUFFIXES:
        raise ValueError(f"a {suffix} file cannot be written in bands: name a {' '.join(STREAMED_SUFFIXES)}")
    pyvips = require_vips(f"a painting of {width}x{height} pixels")
    with atomic_path(path) as temporary:
        _Pipe(pyvips, temporary, suffix, height, width).write(bands, path)


class _Pipe:
    """A thread in which libvips reads a picture from a pipe and writes it to a file."""

    def __init__(self, pyvips: Any, target: Path, suffix: str, height: int, width: int) -> None:
        self._pyvips, self._target, self._suffix = pyvips, str(target), suffix
        self._height, self._width = height, width
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._save, daemon=True)

    def write(self, bands: Iterable[np.ndarray], path: str | os.PathLike) -> None:
        self._thread.start()
        finished = False
        try:
            for data in _as_png(bands, self._height, self._width):
                self._send(data)
            finished = True
        except BrokenPipeError:
            pass  # libvips has given up, and says why
        finally:
            os.close(self._write)
            self._thread.join()
        if self._error is not None:
            raise _write_error(path, self._error)
        if not finished:
            raise OSError(f"cannot write {path}: libvips has stopped reading")

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while len(view):
            # libvips keeps a copy of the pipe's other end, so that one cannot tell from here when it has given up.
            if select.select([], [self._write], [], _PATIENCE)[1]:
                view = view[os.write(self._write, view) :]
            elif not self._thread.is_alive():
                raise BrokenPipeError

    def _save(self) -> None:
        try:
            source = self._pyvips.Source.new_from_descriptor(self._read)
            image = self._pyvips.Image.pngload_source(source, access="sequential", fail_on="error", unlimited=True)
            if self._suffix == ".png":
                image.pngsave(self._target, compression=3, filter="sub")
            elif self._suffix in (".jpg", ".jpeg"):
                image.jpegsave(self._target, Q=95, subsample_mode="off")
            else:
                big = 3 * self._height * self._width > _BIG
                image.tiffsave(self._target, compression="lzw", predictor="horizontal", tile=True, bigtiff=big)
        except Exception as error:
            self._error = error
        finally:
            os.close(self._read)  # so that whoever writes is told


def _as_png(bands: Iterable[np.ndarray], height: int, width: int) -> Iterator[bytes]:
    """A PNG stream without compression: what every libvips reads from a pipe."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))

    packer = zlib.compressobj(0)
    yield b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    for band in bands:
        rows = np.zeros((len(band), 3 * width + 1), np.uint8)  # each row begins with its filter, none
        rows[:, 1:] = band.reshape(len(band), 3 * width)
        for top in range(0, len(rows), 64):
            data = packer.compress(rows[top : top + 64].data)
            if data:
                yield chunk(b"IDAT", data)
    yield chunk(b"IDAT", packer.flush()) + chunk(b"IEND", b"")


def _write_error(path: str | os.PathLike, error: Exception) -> OSError:
    """libvips says in words what the system said in numbers."""
    if out_of_space(path) or "No space left" in str(error):
        return WriteError(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    return OSError(f"cannot write {path}: {' '.join(str(error).split())}")
