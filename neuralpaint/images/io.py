"""Reads images of many formats into tensors, and writes them."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, TypeGuard

import numpy as np
from PIL import Image, ImageColor
from PIL.PngImagePlugin import PngInfo

from neuralpaint.images.color import to_srgb
from neuralpaint.images.decoding import (
    MAX_PIXELS,
    ImageError,
    Pixels,
    check_need,
    from_pil,
    open_pixels,
    readable,
    too_large,
)
from neuralpaint.images.icc import matrix_profile
from neuralpaint.images.metadata import PhotoMetadata
from neuralpaint.images.orientation import stored_as, turned
from neuralpaint.images.sources import as_source, is_source
from neuralpaint.images.vips import forget, read_bands, reduced
from neuralpaint.utils.deprecation import renamed_argument
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    import torch

PHOTO_SUFFIXES = tuple(
    ".jpg .jpeg .jfif .mpo .png .webp .tif .tiff .bmp .gif .avif .heic .heif .hif .jxl .jp2 .ppm .pgm .tga".split()
)
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
_DEEP = (".png", ".tif", ".tiff")  # may have 16 bits a channel
ALPHA_SUFFIXES = tuple(suffix for suffix, options in _SAVE_OPTIONS.items() if options["format"] != "JPEG")
_LONGEST_SIDE = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}

MAX_ASPECT = 64.0
_TENSOR_BYTES = 16  # per pixel, of a tensor and the bands it is read in

ImageLike: TypeAlias = "str | os.PathLike | bytes | BinaryIO | Image.Image | np.ndarray | torch.Tensor"


@renamed_argument("canvas", "background")
def load_image(
    image: ImageLike,
    device: torch.device | str = "cpu",
    background: str | Sequence[float] = "white",
    *,
    name: str = "image",
    longest: int | None = None,
) -> torch.Tensor:
    """Loads an image as RGB.

    Files and PIL images may have any mode and 8 or 16 bits per channel. EXIF orientation is applied, embedded colour
    profiles are converted to sRGB, animations give their first frame, and transparent pixels show `background`.

    Args:
        image: a path; the contents of a file as bytes, or a binary stream of them; a PIL image; an array `[H, W]`,
            `[H, W, 3]` or `[H, W, 4]`, uint8, uint16 or floats in [0, 1]; or a tensor `[3, H, W]` or `[1, 3, H, W]`,
            uint8 or floats in [0, 1].
        device: device of the result.
        background: background colour of transparent pixels, as accepted by `parse_color`.
        name: name of the argument in error messages, for images without a path.
        longest: pixels along the longer side that are enough. A larger file is reduced as it is read, which takes less
            time and memory than afterwards. No limit by default.

    Returns:
        float32 `[3, H, W]` in [0, 1].

    Raises:
        ValueError: the image is missing, a folder, empty, not an image, damaged, too large, longer than 64 times its
            width, of a wrong shape, or has values outside [0, 1] or not finite; the one-line message says what to do.
        TypeError: `image` has another type.
    """
    if _is_tensor(image):
        tensor = _from_tensor(image, name)
        _check_aspect(tensor.shape[-2], tensor.shape[-1], name)
        return _limited(tensor, longest).to(device)
    rgb, _, _ = _read(image, name, parse_color(background), longest)
    import torch  # takes seconds, so only once the image is known to be good

    return _limited(torch.from_numpy(rgb), longest).to(device)


def load_transparent(
    image: ImageLike, background: str | Sequence[float] = "white", *, name: str = "image"
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Loads an image as RGB and alpha.

    Args:
        image: as for `load_image`.
        background: colour of pixels that cannot be seen at all. Others have the colour that they would have if they
            were opaque.
        name: as for `load_image`.

    Returns:
        (float32 `[3, H, W]` in [0, 1]; uint8 `[H, W]`, or None if all pixels are opaque).

    Raises as `load_image`.
    """
    if _is_tensor(image):
        return load_image(image, name=name), None
    rgb, alpha, label = _read(image, name)
    height, width = rgb.shape[1:]
    _check_aspect(height, width, label)
    import torch

    if alpha is None:
        return torch.from_numpy(rgb), None
    levels = (alpha * 255 + 0.5).astype(np.uint8)
    rgb[:, levels == 0] = np.array(parse_color(background), np.float32)[:, None]
    return torch.from_numpy(rgb), None if levels.min() == 255 else torch.from_numpy(levels)


def load_grey(image: ImageLike, *, name: str = "image") -> tuple[np.ndarray, np.ndarray | None]:
    """Loads an image as (grey, alpha), float32 `[H, W]` in [0, 1]; alpha is None if the image has none.

    Raises as `load_image`.
    """
    if _is_tensor(image):
        rgb, alpha = _from_tensor(image, name).cpu().numpy(), None
    else:
        rgb, alpha, _ = _read(image, name)
    return np.tensordot(np.array([0.299, 0.587, 0.114], dtype=np.float32), rgb, 1), alpha


def to_pil(image: torch.Tensor) -> Image.Image:
    """`[3, H, W]`, clamped to [0, 1], as an 8-bit RGB image, rounded to nearest."""
    return Image.fromarray(to_bytes(image))


def to_words(image: torch.Tensor) -> np.ndarray:
    """`[3, H, W]`, clamped to [0, 1], as uint16 `[H, W, 3]`, rounded to nearest."""
    values = (image * 65535.0).add_(0.5).clamp_(0.0, 65535.0).permute(1, 2, 0)
    return values.cpu().numpy().astype(np.uint16)


def to_bytes(image: torch.Tensor) -> np.ndarray:
    """`[3, H, W]`, clamped to [0, 1], as uint8 `[H, W, 3]`, rounded to nearest."""
    import torch

    planes = (image * 255.0).add_(0.5).clamp_(0.0, 255.0).to(torch.uint8)
    return torch.stack(planes.unbind(), dim=-1).cpu().numpy()


def check_output(path: str | os.PathLike, width: int = 1, height: int = 1, depth: int = 8) -> None:
    """Raises ValueError if `save_image` does not support the suffix, or the format not that size or depth."""
    suffix = Path(path).suffix.lower()
    if suffix not in _SAVE_OPTIONS:
        given = f"the suffix {suffix!r}" if suffix else "no suffix"
        raise ValueError(f"cannot write an image to {path}: {given}; use one of {' '.join(OUTPUT_SUFFIXES)}")
    if depth not in (8, 16):
        raise ValueError(f"depth must be 8 or 16 bits, got {depth!r}")
    if depth == 16 and suffix not in _DEEP:
        raise ValueError(f"a {suffix} file has 8 bits a channel: use {' or '.join(_DEEP)} for a depth of 16")
    limit = _LONGEST_SIDE.get(suffix, math.inf)
    if max(width, height) > limit:
        raise ValueError(
            f"{width}x{height} pixels do not fit in a {suffix} file (at most {limit} per side): use .png or .tiff"
        )


def save_image(
    image: Image.Image, path: str | os.PathLike, *, data: bool = False, metadata: PhotoMetadata | None = None
) -> None:
    """Writes an image, tagged as sRGB; the suffix determines the format. The output is deterministic. JPEG has no
    alpha: that of the image is left out.

    Args:
        data: the pixels are no colours: the file is not tagged.
        metadata: what to write as EXIF; None for nothing.

    Raises:
        ValueError: unknown suffix, or too many pixels for the format.
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    check_output(path, *image.size)
    options = _SAVE_OPTIONS[Path(path).suffix.lower()]
    if image.mode == "RGBA" and options["format"] == "JPEG":
        image = image.convert("RGB")
    if metadata is not None:
        options = options | metadata.save_options(options["format"])
    with atomic_write(path) as file:
        image.save(file, **options, **({} if data else _tag(Path(path).suffix)))


def _tag(suffix: str) -> dict[str, Any]:
    """Options of Pillow that say that the colours are sRGB: 13 bytes of PNG, a profile of 588 bytes elsewhere."""
    if suffix.lower() == ".png":
        chunks = PngInfo()
        chunks.add(b"sRGB", b"\1")  # rendered relative to the white point
        return {"pnginfo": chunks}
    return {"icc_profile": matrix_profile(name="sRGB")}


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


def _limited(image: torch.Tensor, longest: int | None) -> torch.Tensor:
    """`[3, H, W]` with at most so many pixels along its longer side."""
    from neuralpaint.images.resample import resize

    factor = 1.0 if longest is None else min(1.0, longest / max(image.shape[1:]))
    return resize(image, *(max(1, round(side * factor)) for side in image.shape[1:]))


def _read(
    image: object, name: str, background: tuple[float, float, float] | None = None, longest: int | None = None
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """(rgb `[3, H, W]`, alpha `[H, W]` or None, label for messages), float32 in [0, 1]. Given a background, rgb is what
    shows over it, and alpha is None; and the image may not be too long. Given `longest`, a file is reduced to it."""
    if isinstance(image, np.ndarray):
        rgb, alpha = _from_array(image, name)
        if alpha is not None and background is not None:
            rgb, alpha = over(np.concatenate([rgb, alpha[..., None]], -1), background), None
        if background is not None:
            _check_aspect(rgb.shape[0], rgb.shape[1], name)
        return np.ascontiguousarray(rgb.transpose(2, 0, 1)), alpha, name
    if isinstance(image, Image.Image):
        with readable(name):
            pixels = from_pil(image, name)
            return *_decode(pixels, background, name), name
    if not is_source(image):
        kinds = "a path, bytes, a binary stream, a PIL image, an array or a tensor"
        raise TypeError(f"{name} must be {kinds}, got {type(image).__name__}")
    source, label = as_source(image, name)
    with readable(label):
        pixels = open_pixels(source, label)
        count = pixels.image.width * pixels.image.height
        if count > MAX_PIXELS:
            raise ImageError(too_large(label))
        check_need(source, label, _TENSOR_BYTES * count)
        return *_decode(pixels, background, label, longest), label


def _decode(
    pixels: Pixels, background: tuple[float, float, float] | None, label: str, longest: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """(rgb, alpha) as `_read` returns them, upright."""
    image = to_srgb(pixels) if longest is None else reduced(to_srgb(pixels), longest)
    height, width = turned(image.height, image.width, pixels.orientation)
    if background is not None:
        _check_aspect(height, width, label)
    keep_alpha = image.bands == 4 and background is None
    planes = np.empty((4 if keep_alpha else 3, height, width), np.float32)
    target = stored_as(planes.transpose(1, 2, 0), pixels.orientation)  # a view
    top = 0
    for band in read_bands(image):
        target[top : top + len(band)] = band if background is None else over(band, background)
        top += len(band)
    forget(pixels.image)
    return planes[:3], planes[3] if keep_alpha else None


def over(pixels: np.ndarray, background: tuple[float, float, float]) -> np.ndarray:
    """Pixels `[..., 3 or 4]` in [0, 1] over a colour, by their alpha if they have one: `[..., 3]`."""
    if pixels.shape[-1] == 3:
        return pixels
    alpha = pixels[..., 3:]
    return pixels[..., :3] * alpha + np.array(background, dtype=np.float32) * (1 - alpha)


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


def _check_aspect(height: int, width: int, name: str) -> None:
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise ImageError(
            f"{name} is {width}x{height} pixels: its longer side is more than {MAX_ASPECT:g} times the shorter; "
            "crop or pad it"
        )
