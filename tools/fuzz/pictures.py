"""Small pictures in all formats and modes that are read."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms, features

_SIDE = 24


def pictures() -> Iterator[tuple[str, bytes]]:
    """(name, contents). Formats that this Pillow cannot write are left out."""
    y, x = np.mgrid[:_SIDE, : _SIDE + 8]
    rgb = np.stack([x * 7, y * 9, (x * y) % 256], -1).astype(np.uint8)
    color = Image.fromarray(rgb)
    alpha = Image.fromarray((255 * (x > y)).astype(np.uint8))
    clear = color.copy()
    clear.putalpha(alpha)
    grey16 = Image.fromarray((x * 2000 + y * 7).astype(np.uint16))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    exif[0x010E] = "a small picture"
    turned = exif.tobytes()
    yield from _saved("rgb", color, "png jpeg tiff webp gif bmp ppm tga ico pcx sgi qoi dds jpeg2000 avif")
    yield from _saved("rgba", clear, "png tiff webp gif tga ico sgi qoi dds jpeg2000 avif")
    yield from _saved("palette", color.quantize(16), "png gif tiff bmp tga pcx")
    yield from _saved("clear-palette", clear.quantize(16), "png gif", transparency=3)
    yield from _saved("grey", color.convert("L"), "png jpeg tiff bmp ppm tga pcx sgi jpeg2000")
    yield from _saved("bits", color.convert("1"), "png tiff bmp ppm pcx")
    yield from _saved("grey16", grey16, "png tiff ppm jpeg2000")
    yield from _saved("float", Image.fromarray((rgb[..., 0] / 255).astype(np.float32)), "tiff")
    yield from _saved("cmyk", color.convert("CMYK"), "jpeg tiff")
    yield from _saved("lab", color.convert("LAB"), "tiff")
    yield from _saved("la", clear.convert("LA"), "png tiff")
    yield from _saved("turned", color, "jpeg png tiff webp", exif=turned)
    yield from _saved("profile", color, "jpeg png tiff webp", icc_profile=profile)
    yield from _saved("progressive", color, "jpeg", progressive=True, subsampling=2)
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg", "zstd", "lzma"):
        yield from _saved(compression, color, "tiff", compression=compression)
    yield from _saved("group4", color.convert("1"), "tiff", compression="group4")
    yield from _saved("tiled", color, "tiff", tile=(16, 16))
    more = [color.rotate(90 * k) for k in (1, 2)]
    yield from _saved("animated", color, "gif png webp tiff avif", save_all=True, append_images=more)
    yield from _jpeg_xl("rgba", np.asarray(clear))
    yield from _jpeg_xl("grey16", np.asarray(grey16))
    yield from _saved("two", color, "mpo", save_all=True, append_images=more)


def _jpeg_xl(name: str, pixels: np.ndarray) -> Iterator[tuple[str, bytes]]:
    try:
        import pyjpegxl
    except ImportError:  # needs Python 3.11
        return
    yield f"{name}.jxl", pyjpegxl.encode_from_numpy(np.ascontiguousarray(pixels), lossless=True)


def _saved(name: str, image: Image.Image, formats: str, **options: object) -> Iterator[tuple[str, bytes]]:
    for kind in formats.split():
        if kind in ("webp", "avif") and not features.check(kind):
            continue
        data = io.BytesIO()
        try:
            image.save(data, kind.upper(), **options)
        except (KeyError, OSError, ValueError, SystemError, RuntimeError):  # not in this build of Pillow
            continue
        yield f"{name}.{kind}", data.getvalue()
