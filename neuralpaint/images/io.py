"""Reads images of many formats into tensors, and writes them."""

from __future__ import annotations

import io
import math
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

import numpy as np
from PIL import Image, ImageCms, ImageColor, ImageOps

from neuralpaint.utils.deprecation import renamed_argument
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    import torch

# Raster formats only: for PostScript and similar formats Pillow runs other programs.
_FORMATS = "JPEG PNG WEBP TIFF BMP GIF AVIF JPEG2000 PPM TGA ICO PCX SGI QOI DDS".split()
PHOTO_SUFFIXES = tuple(".jpg .jpeg .jfif .mpo .png .webp .tif .tiff .bmp .gif .avif .jp2 .ppm .pgm .tga".split())
# No chroma subsampling: paintings have sharp colour edges.
_SAVE_OPTIONS: dict[str, dict] = {
    ".png": {"format": "PNG", "compress_level": 3},  # Pillow's default, 6, takes twice as long for 6 % smaller files
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".webp": {"format": "WEBP", "quality": 95},
    ".tif": {"format": "TIFF", "compression": "tiff_deflate"},
    ".tiff": {"format": "TIFF", "compression": "tiff_deflate"},
}
OUTPUT_SUFFIXES = tuple(_SAVE_OPTIONS)
_LONGEST_SIDE = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}

MAX_PIXELS = 178_956_970  # also the limit of Pillow
MAX_ASPECT = 64.0

ImageLike: TypeAlias = "str | os.PathLike | Image.Image | np.ndarray | torch.Tensor"


@renamed_argument("canvas", "background")
def load_image(
    image: ImageLike,
    device: torch.device | str = "cpu",
    background: str | Sequence[float] = "white",
    *,
    name: str = "image",
) -> torch.Tensor:
    """Loads an image as RGB.

    Files and PIL images may have any mode and 8 or 16 bits per channel. EXIF orientation is applied, embedded colour
    profiles are converted to sRGB, animations give their first frame, and transparent pixels show `background`.

    Args:
        image: a path; a PIL image; an array `[H, W]`, `[H, W, 3]` or `[H, W, 4]`, uint8, uint16 or floats in [0, 1];
            or a tensor `[3, H, W]` or `[1, 3, H, W]`, uint8 or floats in [0, 1].
        device: device of the result.
        background: background colour of transparent pixels, as accepted by `parse_color`.
        name: name of the argument in error messages, for images without a path.

    Returns:
        float32 `[3, H, W]` in [0, 1].

    Raises:
        ValueError: the image is missing, a folder, empty, not an image, damaged, too large, longer than 64 times its
            width, of a wrong shape, or has values outside [0, 1] or not finite; the one-line message says what to do.
        TypeError: `image` has another type.
    """
    if _is_tensor(image):
        return _check_aspect(_from_tensor(image, name), name).to(device)
    rgb, alpha, label = _read(image, name)
    if alpha is not None:
        under = np.array(parse_color(background), dtype=np.float32)
        rgb = rgb * alpha[..., None] + under * (1 - alpha[..., None])
    import torch  # takes seconds, so only once the image is known to be good

    tensor = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.float32))
    return _check_aspect(tensor, label).to(device)


@contextmanager
def open_image(path: str | os.PathLike, formats: Sequence[str] | None = None) -> Iterator[Image.Image]:
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
    with open(path, "rb") as file:
        prefix = file.read(16)
        for name in Image.ID if formats is None else formats:
            factory, accept = Image.OPEN.get(name, (None, None))
            if factory is None or (accept is not None and accept(prefix) is not True):
                continue
            file.seek(0)
            try:
                image = factory(file, os.fspath(path))
            except (SyntaxError, IndexError, TypeError, struct.error):  # not of this format after all
                continue
            with image:
                yield image
            return
    raise Image.UnidentifiedImageError(f"cannot identify image file {os.fspath(path)!r}")


def load_grey(image: ImageLike, *, name: str = "image") -> tuple[np.ndarray, np.ndarray | None]:
    """Loads an image as (grey, alpha), float32 `[H, W]` in [0, 1]; alpha is None if the image has none.

    Raises as `load_image`.
    """
    if _is_tensor(image):
        rgb, alpha = _from_tensor(image, name).cpu().numpy().transpose(1, 2, 0), None
    else:
        rgb, alpha, _ = _read(image, name)
    return rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32), alpha


def to_pil(image: torch.Tensor) -> Image.Image:
    """`[3, H, W]`, clamped to [0, 1], as an 8-bit RGB image, rounded to nearest."""
    return Image.fromarray(to_bytes(image))


def to_bytes(image: torch.Tensor) -> np.ndarray:
    """`[3, H, W]`, clamped to [0, 1], as uint8 `[H, W, 3]`, rounded to nearest."""
    import torch

    planes = (image * 255.0).add_(0.5).clamp_(0.0, 255.0).to(torch.uint8)
    return torch.stack(planes.unbind(), dim=-1).cpu().numpy()


def check_output(path: str | os.PathLike, width: int = 1, height: int = 1) -> None:
    """Raises ValueError if `save_image` does not support the suffix, or the format does not support that size."""
    suffix = Path(path).suffix.lower()
    if suffix not in _SAVE_OPTIONS:
        given = f"the suffix {suffix!r}" if suffix else "no suffix"
        raise ValueError(f"cannot write an image to {path}: {given}; use one of {' '.join(OUTPUT_SUFFIXES)}")
    limit = _LONGEST_SIDE.get(suffix, math.inf)
    if max(width, height) > limit:
        raise ValueError(
            f"{width}x{height} pixels do not fit in a {suffix} file (at most {limit} per side): use .png or .tiff"
        )


def check_there(path: str | os.PathLike) -> None:
    """Raises ValueError, as `load_image` does, if the file does not exist or is empty."""
    label = os.fspath(path)
    path = Path(path)
    try:
        if path.is_dir():
            raise ValueError(f"{label} is a folder: choose an image in it")
        if not path.exists():
            raise ValueError(f"{label} does not exist: check the path")
        if path.is_file() and path.stat().st_size == 0:
            raise ValueError(f"{label} is an empty file (0 bytes)")
    except OSError as error:
        raise ValueError(f"{label} cannot be read: {error.strerror}") from error


def save_image(image: Image.Image, path: str | os.PathLike) -> None:
    """Writes an image; the suffix determines the format. The output is deterministic.

    Raises:
        ValueError: unknown suffix, or too many pixels for the format.
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    check_output(path, *image.size)
    with atomic_write(path) as file:
        image.save(file, **_SAVE_OPTIONS[Path(path).suffix.lower()])


def parse_color(color: str | Sequence[float]) -> tuple[float, float, float]:
    """(r, g, b) in [0, 1] from a CSS colour name, "#rrggbb", or three numbers in [0, 1].

    Raises:
        ValueError: if the colour is invalid.
    """
    if isinstance(color, str):
        try:
            r, g, b, *alpha = ImageColor.getrgb(color)
        except ValueError:
            raise ValueError(f"unknown colour {color!r}: use a name such as white, or #rrggbb") from None
        if alpha:
            raise ValueError(f"the colour {color!r} has an alpha, but must be opaque: use #rrggbb")
        return r / 255, g / 255, b / 255
    values = tuple(float(v) for v in color)
    if len(values) != 3 or not all(0.0 <= v <= 1.0 for v in values):
        raise ValueError(f"a colour is three numbers in [0, 1], got {values}")
    return values


# ----------------------------------------------------------------------------------------------------------------------


def _is_tensor(image: object) -> TypeGuard[torch.Tensor]:
    torch = sys.modules.get("torch")  # if image is a tensor, torch is already imported
    return torch is not None and isinstance(image, torch.Tensor)


def _read(image: object, name: str) -> tuple[np.ndarray, np.ndarray | None, str]:
    """(rgb `[H, W, 3]`, alpha `[H, W]` or None, label for messages), float32 in [0, 1]."""
    if isinstance(image, np.ndarray):
        rgb, alpha = _from_array(image, name)
        return rgb, alpha, name
    if isinstance(image, Image.Image):
        with _readable(name):
            rgb, alpha = _from_pil(image, name)
        return rgb, alpha, name
    if not isinstance(image, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path, a PIL image, an array or a tensor, got {type(image).__name__}")
    check_there(image)
    label, path = os.fspath(image), Path(image)
    with _readable(label), open_image(path, _FORMATS) as opened:
        rgb, alpha = _from_pil(opened, label)
    return rgb, alpha, label


@contextmanager
def _readable(label: str) -> Iterator[None]:
    """Converts whatever Pillow raises for a bad file into a one-line ValueError."""
    try:
        yield
    except (_ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise ValueError(_too_large(label)) from error
    except Image.UnidentifiedImageError as error:
        reason = "is not an image, or has an unsupported format: save it as JPEG, PNG, WebP or TIFF"
        raise ValueError(f"{label} {reason}") from error
    except PermissionError as error:
        raise ValueError(f"{label} cannot be read: permission denied") from error
    except Exception as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{label} is damaged or truncated ({detail})") from error


class _ImageError(ValueError):
    """An error that already has its final message."""


def _too_large(label: str) -> str:
    return f"{label} has more than {MAX_PIXELS // 10**6} million pixels: shrink it first"


def _from_pil(image: Image.Image, label: str) -> tuple[np.ndarray, np.ndarray | None]:
    if image.width * image.height > MAX_PIXELS:
        raise _ImageError(_too_large(label))
    if image.width == 0 or image.height == 0:
        raise _ImageError(f"{label} has no pixels ({image.width}x{image.height})")
    image.load()
    profile = image.info.get("icc_profile")
    try:
        image = ImageOps.exif_transpose(image)
    except Exception:  # unreadable EXIF is common and does not affect the pixels
        pass
    if image.mode.startswith("I") or image.mode == "F":
        grey = _wide_grey(np.asarray(image), image.mode, label)
        return np.repeat(grey[..., None], 3, axis=2), None
    alpha = None
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert(image.mode.upper())
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / 255
        image = image.convert("RGB")
    elif image.mode in ("P", "PA", "1"):
        image = image.convert("RGB")
    image = _to_srgb(image, profile)
    return np.asarray(image, dtype=np.float32) / 255, alpha


def _wide_grey(values: np.ndarray, mode: str, label: str) -> np.ndarray:
    """Grey with more than 8 bits: I;16 has 16 bits; I has 16 unless a value needs more; F is in [0, 1] or [0, 255]."""
    values = values.astype(np.float64)
    low, high = values.min(), values.max()
    if not (math.isfinite(low) and math.isfinite(high)) or low < 0 or (mode == "F" and high > 255):
        raise _ImageError(f"{label} has values out of range (from {low:g} to {high:g}): scale them to [0, 1]")
    if mode == "F":
        scale = 1.0 if high <= 1.0 else 255.0
    else:
        scale = 65535.0 if high <= 65535 else 2.0**31 - 1
    return (values / scale).astype(np.float32)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "LAB":
        return _convert(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if profile and image.mode in ("RGB", "L", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                return _convert(image, source)
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile, or one for other channels: convert without it
    return image.convert("RGB")


def _convert(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    target = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    assert converted is not None  # None only when it converts in place
    return converted


def _from_array(array: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or 0 in array.shape:
        raise ValueError(f"{name} must be an array [H, W], [H, W, 3] or [H, W, 4], got shape {array.shape}")
    if array.dtype in (np.uint8, np.uint16):
        values = array.astype(np.float32) / np.iinfo(array.dtype).max
    elif np.issubdtype(array.dtype, np.floating):
        values = array.astype(np.float32)
        _check_range(float(values.min()), float(values.max()), name)
    else:
        raise ValueError(f"{name} must be uint8, uint16 or floats in [0, 1], got {array.dtype}")
    if values.ndim == 2:
        return np.repeat(values[..., None], 3, axis=2), None
    return values[..., :3], values[..., 3] if values.shape[2] == 4 else None


def _from_tensor(tensor: torch.Tensor, name: str) -> torch.Tensor:
    import torch

    if tensor.ndim == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3 or tensor.shape[0] != 3 or tensor.numel() == 0:
        raise ValueError(f"{name} must be a tensor [3, H, W] or [1, 3, H, W], got shape {tuple(tensor.shape)}")
    tensor = tensor.detach()
    if tensor.dtype == torch.uint8:
        return tensor.float() / 255
    if not tensor.is_floating_point():
        raise ValueError(f"{name} must be uint8 or floats in [0, 1], got {tensor.dtype}")
    tensor = tensor.float()
    low, high = torch.aminmax(tensor)
    _check_range(low.item(), high.item(), name)
    return tensor.contiguous()


def _check_range(low: float, high: float, name: str) -> None:
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"{name} contains NaN: all values must be in [0, 1]")
    if low < 0.0 or high > 1.0:
        raise ValueError(f"{name} has values from {low:g} to {high:g}: floats must be in [0, 1] (or use uint8)")


def _check_aspect(tensor: torch.Tensor, name: str) -> torch.Tensor:
    height, width = tensor.shape[-2:]
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise ValueError(
            f"{name} is {width}x{height} pixels: its longer side is more than {MAX_ASPECT:g} times the shorter; "
            "crop or pad it"
        )
    return tensor
