"""Images larger than memory, read and written in bands by libvips.

libvips streams PNG, JPEG and tiled or striped (Big)TIFF of any size. tifffile supports TIFF only, and Pillow loads
whole images.
"""

from __future__ import annotations

import errno
import math
import os
import select
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.images.color import to_srgb
from neuralpaint.images.decoding import find_loader, open_pixels, read_size, readable
from neuralpaint.images.icc import matrix_profile
from neuralpaint.images.io import MAX_ASPECT, check_output, over, parse_color
from neuralpaint.images.orientation import turned, upright
from neuralpaint.images.sources import Source, as_source
from neuralpaint.images.vips import BAND, forget, load_vips, read_bands
from neuralpaint.utils.files import WriteError, atomic_path, out_of_space

LARGE = 1 << 25  # images with more pixels than this (33 million) are streamed


# ---- reading ---------------------------------------------------------------------------------------------------------


class LargePhoto:
    """A photo file read in bands; only reduced copies of it are ever in memory.

    Attributes:
        path: the file; or what contents without a name are called.
        height, width: in pixels, after applying the EXIF orientation.
        has_alpha: whether the file has a channel of alpha.

    Args:
        image: a path; the contents of a file as bytes, or a binary stream of them.
        background: background colour of transparent pixels.
        name: what an image without a path is called.

    Raises:
        ValueError: the file is missing, not an image, or of a format that cannot be read in bands; or its aspect is too
            extreme.
    """

    def __init__(
        self,
        image: str | os.PathLike | bytes | BinaryIO,
        background: str | Sequence[float] = "white",
        *,
        name: str = "image",
    ) -> None:
        self._background = parse_color(background)
        self._source, self.path = as_source(image, name)
        if find_loader(self._source) is None:
            raise _UnknownFormatError(f"{self.path} cannot be read in bands: convert it to PNG, JPEG or TIFF")
        pixels = open_pixels(self._source, self.path)
        self.height, self.width = turned(pixels.image.height, pixels.image.width, pixels.orientation)
        if max(self.height, self.width) > MAX_ASPECT * min(self.height, self.width):
            raise ValueError(
                f"{self.path} is {self.width}x{self.height} pixels: its longer side is more than {MAX_ASPECT:g} times "
                "the shorter; crop or pad it"
            )
        self.has_alpha = pixels.has_alpha
        self._copy: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(3, height, width), like that of a tensor."""
        return 3, self.height, self.width

    def shrunk(self, size: int) -> Tensor:
        """Area-averaged copy, uint8 `[3, h, w]`, at most `size` pixels along the shorter side; never enlarged.

        The largest copy so far is cached, and smaller ones are computed from it.

        Raises:
            ValueError: the file is damaged or truncated.
        """
        shorter = min(self.height, self.width)
        size = min(size, shorter)
        height, width = (max(1, round(side * size / shorter)) for side in (self.height, self.width))
        if self._copy is not None and self._copy.shape[1] >= height and self._copy.shape[2] >= width:
            return shrink(self._copy, height, width)
        with readable(self.path):
            pixels = open_pixels(self._source, self.path)
            image = to_srgb(pixels)
            rows = (torch.from_numpy(over(band, self._background)) * 255 for band in read_bands(image))
            stored = turned(height, width, pixels.orientation)
            reduced = _shrink_bands(rows, image.height, image.width, *stored).permute(1, 2, 0).numpy()
            forget(pixels.image)
        turned_copy = np.ascontiguousarray(upright(reduced, pixels.orientation).transpose(2, 0, 1))
        self._copy = torch.from_numpy(turned_copy)
        return self._copy


def open_photo(
    image: object, background: str | Sequence[float] = "white", limit: int | None = None, *, name: str = "image"
) -> LargePhoto | None:
    """Opens a photo for reading in bands if it has more than `limit` pixels (default: 33 million); otherwise None.

    Also None if the file is not a readable image, so that `load_image` reports the error, or has a format that is read
    as a whole; or if `image` is neither a path nor the contents of a file.
    """
    if not isinstance(image, (str, os.PathLike, bytes)) or count_pixels(image) <= (LARGE if limit is None else limit):
        return None
    try:
        return LargePhoto(image, background, name=name)
    except _UnknownFormatError:
        return None


class _UnknownFormatError(ValueError):
    """The file has a format that is not read in bands."""


def count_pixels(image: Source) -> int:
    """Number of pixels of an image file, from its header; 0 if it is not an image, or may be read once only."""
    try:
        if isinstance(image, bytes) or os.path.isfile(image):
            return math.prod(read_size(image))
        return 0
    except ImportError:
        raise
    except Exception:  # decoders raise many types
        return 0


def shrink(image: Tensor, height: int, width: int) -> Tensor:
    """Reduces uint8 `[3, H, W]` by area averaging, with rounding, in bands."""
    if image.shape[1:] == (height, width):
        return image
    bands = (image[:, top : top + BAND].permute(1, 2, 0) for top in range(0, image.shape[1], BAND))
    return _shrink_bands(bands, image.shape[1], image.shape[2], height, width)


def _shrink_bands(bands: Iterable[Tensor], rows: int, columns: int, height: int, width: int) -> Tensor:
    """Reduces an image of rows × columns pixels, given as bands `[r, columns, 3]`, to uint8 `[3, height, width]`."""
    result = torch.empty(3, height, width, dtype=torch.uint8, device="cpu")
    kept = torch.empty(
        3, 0, width, dtype=torch.float32, device="cpu"
    )  # input rows still needed, already reduced to `width`
    top, row = 0, 0  # the index of the first of them; the next row of the result
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

_BIG = 2**31  # use BigTIFF (64-bit offsets) above this many bytes of pixels
_POLL_SECONDS = 0.2  # how often the writer checks that its reader is still alive
STREAMED_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def write_bands(
    path: str | os.PathLike,
    height: int,
    width: int,
    bands: Iterable[np.ndarray],
    *,
    depth: int = 8,
    data: bool = False,
) -> None:
    """Writes an image from bands, `[rows, width, 3]`, top to bottom, tagged as sRGB.

    Args:
        path: .png, .jpg or .tiff (tiled; BigTIFF if necessary).
        bands: uint8, or uint16 for a depth of 16.
        depth: bits per channel: 8, or 16 in .png and .tiff.
        data: the pixels are no colours: the file is not tagged.

    Raises:
        ValueError: unknown suffix, or too many pixels for the format.
        WriteError: the file cannot be written; no partial file is left, and an existing file is unchanged.
    """
    check_output(path, width, height, depth)
    suffix = Path(path).suffix.lower()
    if suffix not in STREAMED_SUFFIXES:
        raise ValueError(f"a {suffix} file cannot be written in bands: use one of {' '.join(STREAMED_SUFFIXES)}")
    with atomic_path(path) as temporary:
        _Pipe(load_vips(), temporary, suffix, height, width, depth, data).write(bands, path)


class _Pipe:
    """A thread in which libvips reads an image from a pipe and writes it to a file."""

    def __init__(self, pyvips: Any, target: Path, suffix: str, height: int, width: int, depth: int, data: bool) -> None:
        self._data = data
        self._pyvips, self._target, self._suffix = pyvips, os.fsencode(target), suffix
        self._height, self._width, self._depth = height, width, depth
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._save, daemon=True)

    def write(self, bands: Iterable[np.ndarray], path: str | os.PathLike) -> None:
        self._thread.start()
        finished = False
        try:
            for data in _as_png(bands, self._height, self._width, self._depth):
                self._send(data)
            finished = True
        except BrokenPipeError:
            pass  # libvips has failed and reports why
        finally:
            os.close(self._write)
            self._thread.join()
        if self._error is not None:
            raise _write_error(path, self._error)
        if not finished:
            raise OSError(f"cannot write {path}: libvips stopped reading")

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while len(view):
            # libvips duplicates the other end of the pipe, so a failed reader does not break the pipe.
            if select.select([], [self._write], [], _POLL_SECONDS)[1]:
                view = view[os.write(self._write, view) :]
            elif not self._thread.is_alive():
                raise BrokenPipeError

    def _save(self) -> None:
        try:
            source = self._pyvips.Source.new_from_descriptor(self._read)
            image = self._pyvips.Image.pngload_source(
                source, access="sequential", fail_on="error", unlimited=True
            ).copy()
            if not self._data:
                image.set_type(self._pyvips.GValue.blob_type, "icc-profile-data", matrix_profile(name="sRGB"))
            if self._suffix == ".png":
                image.pngsave(self._target, compression=3, filter="sub")
            elif self._suffix in (".jpg", ".jpeg"):
                image.jpegsave(self._target, Q=95, subsample_mode="off")
            else:
                big = 3 * self._depth // 8 * self._height * self._width > _BIG
                image.tiffsave(self._target, compression="lzw", predictor="horizontal", tile=True, bigtiff=big)
        except Exception as error:
            self._error = error
        finally:
            os.close(self._read)  # so that the writer gets an error


def _as_png(bands: Iterable[np.ndarray], height: int, width: int, depth: int) -> Iterator[bytes]:
    """An uncompressed PNG stream, which every build of libvips can read from a pipe."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))

    packer = zlib.compressobj(0)
    yield b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    for band in bands:
        values = band.astype(">u2").view(np.uint8) if depth == 16 else band
        rows = np.zeros((len(band), 3 * depth // 8 * width + 1), np.uint8)  # first a filter byte, 0: none
        rows[:, 1:] = values.reshape(len(band), -1)
        for top in range(0, len(rows), 64):
            data = packer.compress(rows[top : top + 64].data)
            if data:
                yield chunk(b"IDAT", data)
    yield chunk(b"IDAT", packer.flush()) + chunk(b"IEND", b"")


def _write_error(path: str | os.PathLike, error: Exception) -> OSError:
    """Converts the text of a libvips error into an OSError."""
    if out_of_space(path) or "No space left" in str(error):
        return WriteError(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    return OSError(f"cannot write {path}: {' '.join(str(error).split())}")
