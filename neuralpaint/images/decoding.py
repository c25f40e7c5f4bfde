"""Opens image files: by libvips in bands (JPEG, PNG, TIFF, WebP, GIF, AVIF), by pyjpegxl (JPEG XL), else by Pillow."""

from __future__ import annotations

import io
import os
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from neuralpaint.images import jxl
from neuralpaint.images.color import Pixels, UnknownRangeError
from neuralpaint.images.profiles import HdrError, box_profile, from_gamma, png_profile
from neuralpaint.images.sources import Source
from neuralpaint.images.vips import from_array, load_vips
from neuralpaint.utils.loading import BoundedFile
from neuralpaint.utils.memory import format_bytes

MAX_PIXELS = 178_956_970  # also the limit of Pillow
SMALL_FILE, SMALL_MEMORY = 2 << 20, 1 << 30  # a file below the first may not take more memory than the second
_SIGNATURES = {
    "jpegload": rb"\xff\xd8\xff",
    "pngload": rb"\x89PNG\r\n\x1a\n",
    "tiffload": rb"II[*+]\0|MM\0[*+]",
    "webpload": rb"RIFF....WEBP",
    "gifload": rb"GIF8[79]a",
    "heifload": rb"....ftypavi[fs]",
}
# What Pillow itself reads: raster formats only, since for PostScript and similar formats it runs other programs.
_FORMATS = "JPEG PNG WEBP TIFF BMP GIF AVIF JPEG2000 PPM TGA ICO PCX SGI QOI DDS".split()
_MODELS = {"b-w": "grey", "grey16": "grey", "cmyk": "cmyk", "lab": "lab", "labs": "lab"}
_HEIF, _HEIF_START = "HEIF", rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)"
_WHOLE = ("webpload", "gifload", "heifload", "tiffload")  # decoded as a whole, or in strips of any size
# What libvips says of TIFFs that Pillow reads: those with 12 bits a channel, and with 8 bits in CIELAB.
_LEFT_TO_PILLOW = re.compile("not a whole number of bytes|bad labq format")
_PACKED_BY = ("lzma", "zstd", "webp")  # TIFFs that not every build of libvips reads
_PILLOW_BYTES = 12  # per pixel that Pillow decodes, including copies


class ImageError(ValueError):
    """A picture cannot be read. The message is one line that names it."""


@contextmanager
def readable(label: str) -> Iterator[None]:
    """Converts whatever happens while a picture is read into one `ImageError` that names it."""
    try:
        yield
    except (ImageError, MemoryError, ImportError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(too_large(label)) from error
    except Image.UnidentifiedImageError as error:
        reason = "is not an image, or has an unsupported format: save it as JPEG, PNG, WebP or TIFF"
        raise ImageError(f"{label} {reason}") from error
    except UnknownRangeError as error:
        raise ImageError(f"{label} has values out of range ({error}): scale them to [0, 1]") from error
    except HdrError as error:
        raise ImageError(f"{label} is an HDR picture ({error}): convert it to sRGB first") from error
    except PermissionError as error:
        raise ImageError(f"{label} cannot be read: permission denied") from error
    except Exception as error:
        if "not supported" in str(error):
            raise ImageError(
                f"{label} is stored in a way that is not supported ({_detail(error)}): save it as JPEG, PNG or WebP"
            ) from error
        raise ImageError(f"{label} is damaged or truncated ({_detail(error)})") from error


def too_large(label: str) -> str:
    """The message about a picture of more than `MAX_PIXELS`."""
    return f"{label} has more than {MAX_PIXELS // 10**6} million pixels: shrink it first"


def open_pixels(source: Source, label: str) -> Pixels:
    """Opens a file. Its pixels are decoded when they are read, or here if Pillow does.

    Args:
        label: the name of the file in messages.

    Raises:
        ImageError: it is not an image, is damaged, or would take too much memory for its size.
    """
    loader = find_loader(source)
    if loader is None:
        return _read_jxl(source, label) if _jxl_is_ours(source) else _by_pillow(source, label)
    with readable(label):
        if loader == "tiffload" and _compression(source) in _PACKED_BY:
            return _by_pillow(source, label)
        try:
            image = _load(source, loader)
        except load_vips().Error as error:
            if not _LEFT_TO_PILLOW.search(str(error)):
                raise
            return _by_pillow(source, label)
        _check_memory(source, label, image, loader)
        with _stream(source) as file:
            profile = _profile(image, loader, file)
        orientation = image.get("orientation") if image.get_typeof("orientation") else 1
        return Pixels(image, _model(image), profile, orientation, lambda: _load(source, loader))


def _compression(source: Source) -> str:
    """How the pixels of a TIFF are packed; empty if that cannot be told."""
    try:
        with open_image(source, ["TIFF"]) as opened:
            return str(opened.info.get("compression", ""))
    except Exception:  # damaged, or of a kind that Pillow does not know: libvips says what is wrong with it
        return ""


def find_loader(source: Source) -> str | None:
    """The function of libvips that reads a file; None if Pillow has to. Found by how the file begins."""
    with _stream(source) as file:
        prefix = file.read(16)
    return next((name for name, start in _SIGNATURES.items() if re.match(start, prefix, re.DOTALL)), None)


def read_size(source: Source) -> tuple[int, int]:
    """(height, width) as stored, from the header. Raises whatever the decoders raise if it is not an image."""
    loader = find_loader(source)
    if loader is not None:
        try:
            image = _load(source, loader)
            return image.height, image.width
        except load_vips().Error as error:
            if not _LEFT_TO_PILLOW.search(str(error)):
                raise
    elif _jxl_is_ours(source):
        with _stream(source) as file:
            header = jxl.read_header(file)
            return header.height, header.width
    with open_image(source, pillow_formats()) as opened:
        return opened.height, opened.width


def pillow_formats() -> list[str]:
    """The formats that Pillow may read: `_FORMATS`, and those that the host program has registered."""
    Image.init()
    own = [name for name, (factory, _) in Image.OPEN.items() if not _is_pillows(factory)]
    return [*_FORMATS, _HEIF, *own]


@contextmanager
def open_image(source: Source, formats: Sequence[str] | None = None) -> Iterator[Image.Image]:
    """`PIL.Image.open` for images of any size: its limit on pixels and its warning are global, so they are left alone.

    Args:
        formats: names of the formats to try; by default all that Pillow knows.

    Raises:
        PIL.UnidentifiedImageError: none of the formats fits.
        OSError, or whatever else Pillow raises for a damaged file.
    """
    Image.preinit()
    if formats is None or not all(name in Image.OPEN for name in formats):
        Image.init()
    name = "" if isinstance(source, bytes) else os.fspath(source)
    with _stream(source) as file:
        prefix = file.read(16)
        known = Image.OPEN | _heif_opener(prefix)
        for kind in Image.ID if formats is None else formats:
            factory, accept = known.get(kind, (None, None))
            if factory is None or (accept is not None and accept(prefix) is not True):
                continue
            file.seek(0)
            try:
                image = factory(file, name)
            except (SyntaxError, IndexError, TypeError, struct.error):  # not of this format after all
                continue
            with image:
                yield image
            return
    raise Image.UnidentifiedImageError(f"cannot identify image file {name!r}")


def from_pil(image: Image.Image, label: str) -> Pixels:
    """The pixels of a PIL image, with the profile that its `info` holds."""
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(too_large(label))
    if image.width == 0 or image.height == 0:
        raise ImageError(f"{label} has no pixels ({image.width}x{image.height})")
    image.load()
    try:
        orientation = int(image.getexif().get(274, 1))
    except Exception:  # unreadable EXIF is common and does not affect the pixels
        orientation = 1
    profile = image.info.get("icc_profile")
    if not profile and "srgb" not in image.info and image.format in (None, "PNG"):
        profile = from_gamma(image.info.get("gamma"), image.info.get("chromaticity"))
    if image.mode.startswith("I") or image.mode == "F":
        values, maximum = _deep(image)
        return Pixels(values, "grey", profile, orientation, maximum=maximum)
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert(image.mode.upper())
    if image.mode == "LAB":
        lightness, a, b = (np.asarray(image.getchannel(k), dtype=np.float32) for k in range(3))
        lab = np.stack([lightness * (100 / 255), a - 128, b - 128], -1)
        return Pixels(from_array(lab).copy(interpretation="lab"), "lab", None, orientation)
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK") or (
        image.has_transparency_data and image.mode not in ("LA", "RGBA")
    ):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    model = {"L": "grey", "LA": "grey", "CMYK": "cmyk"}.get(image.mode, "rgb")
    return Pixels(from_array(np.asarray(image)), model, profile, orientation)


# ----------------------------------------------------------------------------------------------------------------------


def _heif_opener(prefix: bytes) -> dict[str, Any]:
    """What reads a HEIF file, by pillow-heif if it is installed. It is not registered with Pillow, which is global."""
    if not re.match(_HEIF_START, prefix, re.DOTALL) or _HEIF in Image.OPEN:
        return {}
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        return {}
    return {_HEIF: (HeifImageFile, None)}


def _stream(source: Source) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else BoundedFile(io.FileIO(source))


def _load(source: Source, loader: str) -> Any:
    """Reads the header. Of the pixels libvips takes each row once, from top to bottom."""
    pyvips = load_vips()
    if isinstance(source, bytes):
        opened = pyvips.Source.new_from_memory(source)
    else:
        opened = pyvips.Source.new_from_file(os.fsencode(source))
    # Without the limits of libtiff, which are on the size of a strip: a TIFF may well be a single one.
    options = {"unlimited": True} if loader == "tiffload" else {}
    return getattr(pyvips.Image, f"{loader}_source")(opened, access="sequential", fail_on="error", **options)


def _profile(image: Any, loader: str, file: BinaryIO) -> bytes | None:
    embedded = image.get("icc-profile-data") if image.get_typeof("icc-profile-data") else None
    if loader == "pngload":
        return png_profile(file, embedded)
    return box_profile(file, embedded) if loader == "heifload" else embedded


def _model(image: Any) -> str:
    if image.interpretation in _MODELS:
        return _MODELS[image.interpretation]
    return "grey" if image.bands < 3 else "rgb"


def _check_memory(source: Source, label: str, image: Any, loader: str) -> None:
    """Refuses a small file whose decoder would take more than `SMALL_MEMORY`."""
    pixels = image.width * image.height
    each = image.bands * {"uchar": 1, "ushort": 2, "double": 8}.get(image.format, 4)
    if image.get_typeof("jpeg-multiscan"):
        check_need(source, label, 2 * image.bands * pixels)  # its coefficients
    elif loader in _WHOLE or image.get_typeof("interlaced"):
        check_need(source, label, each * pixels)


def check_need(source: Source, label: str, need: int) -> None:
    """Raises ImageError if a file of less than `SMALL_FILE` bytes would take more than `SMALL_MEMORY` to be read."""
    size = len(source) if isinstance(source, bytes) else os.stat(source).st_size
    if need > SMALL_MEMORY and size < SMALL_FILE:
        raise ImageError(
            f"{label} has only {format_bytes(size)}, but would take {format_bytes(need)} of memory: shrink it first"
        )


def _jxl_is_ours(source: Source) -> bool:
    """Whether this is a JPEG XL file and pyjpegxl is there to read it."""
    with _stream(source) as file:
        return jxl.is_jxl(file.read(12)) and jxl.available()


def _read_jxl(source: Source, label: str) -> Pixels:
    with readable(label):
        with _stream(source) as file:
            header = jxl.read_header(file)
        if header.width * header.height > MAX_PIXELS:
            raise ImageError(too_large(label))
        check_need(source, label, jxl.memory(header))
        with _stream(source) as file:
            return jxl.decode(file)


def _by_pillow(source: Source, label: str) -> Pixels:
    with readable(label), _opened(source, label) as opened:
        check_need(source, label, _PILLOW_BYTES * opened.width * opened.height)
        found = from_pil(opened, label)
        if opened.format in ("JPEG2000", "AVIF", "HEIF") and found.profile is None:
            with _stream(source) as file:
                found = Pixels(found.image, found.model, box_profile(file, None), found.orientation)
        return found


@contextmanager
def _opened(source: Source, label: str) -> Iterator[Image.Image]:
    """`open_image` of the formats that Pillow may read; ImageError, naming the extra, if HEIC or JPEG XL is not."""
    try:
        with open_image(source, pillow_formats()) as opened:
            yield opened
    except Image.UnidentifiedImageError as error:
        with _stream(source) as file:
            prefix = file.read(16)
        if jxl.is_jxl(prefix):
            raise ImageError(f"{label} is a JPEG XL picture, which {jxl.NEED}") from error
        if not re.match(_HEIF_START, prefix, re.DOTALL):
            raise
        need = "needs pillow-heif: pip install 'neuralpaint[heif]'"
        raise ImageError(f"{label} is a HEIC photo, which {need}") from error


def _deep(image: Image.Image) -> tuple[Any, float | None]:
    """Grey with more than 8 bits, and the value of white if it is not the type's. From a TIFF, 12 bits stay 12, and 0
    may be white."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    bits = (tags.get(258) or (16,))[0]
    if image.mode.startswith("I;16"):
        values = values.astype(np.uint16)
        maximum = float(2**bits - 1) if bits < 16 else None
        if tags.get(262) == 0:
            values = np.uint16(maximum or 65535) - values
        return from_array(values), maximum
    return from_array(values.astype(np.float32 if image.mode == "F" else np.int32)), None


def _is_pillows(factory: Callable) -> bool:
    return (getattr(factory, "__module__", "") or "").split(".")[0] == "PIL"


def _detail(error: Exception) -> str:
    """What an error says, in one line; of the lines of libvips, which collects them, the last."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return lines[-1] if isinstance(error, load_vips().Error) else " ".join(lines)
