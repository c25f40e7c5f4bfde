"""Reads the photos that clients send, in a worker process."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.serve.choices import NO_STYLE, PICTURE, Choices
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from neuralpaint.serve.tasks import Channel

MAX_PIXELS = 60_000_000
LONGEST = 2000  # pixels along the longer side of the photo that is painted; 4,000 are read at half the size
SHOWN = 1600  # and of the one that the page shows
STYLE = 1024  # and of a style picture
UPLOAD, PHOTO, VIEW, THUMBNAIL = "upload", "photo.png", "photo.jpg", "thumbnail.jpg"
STYLE_FILE, MASK_FILE = "style.png", "mask.png"
_NETWORK = "light"


def read_photo(channel: Channel, folder: str) -> dict[str, int]:
    """Reads the upload in a painting's folder: writes the photo to be painted, upright and in sRGB, and the one to be
    shown, and removes the upload.

    Returns:
        The size of the photo to be painted: {"width", "height"}.

    Raises:
        ValueError: it is no picture, damaged, or too large.
    """
    image = _read(Path(folder) / UPLOAD, "the photo", LONGEST)
    size = {"width": image.width, "height": image.height}
    for longest, name in ((LONGEST, PHOTO), (SHOWN, VIEW), (240, THUMBNAIL)):
        image = _within(image, longest)
        _write(image, Path(folder) / name)
    (Path(folder) / UPLOAD).unlink(missing_ok=True)
    return size


def warm_up() -> None:
    """Reads a small photo: what is loaded once is there for the first real one then."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG")
    _decoded(buffer.getvalue(), "the photo", 32)


def read_style(channel: Channel, folder: str) -> None:
    """Reads the upload in a painting's folder as its style picture. Raises as `read_photo`."""
    from neuralpaint.styles.pictures.style import check_style_picture

    image = _read(Path(folder) / UPLOAD, "the style picture", STYLE)
    check_style_picture(_tensor(image), "the style picture")
    _write(image, Path(folder) / STYLE_FILE)
    (Path(folder) / UPLOAD).unlink(missing_ok=True)


def prepared(folder: Path, choices: Choices) -> Tensor:
    """The photo that a search looks at, `[3, H, W]`: cropped, and in the chosen style."""
    from neuralpaint.images.io import load_image

    photo = load_image(folder / PHOTO)
    height, width = photo.shape[1:]
    left, top, right, bottom = choices.crop
    x0, y0 = int(left * width), int(top * height)
    x1, y1 = max(x0 + 8, round(right * width)), max(y0 + 8, round(bottom * height))
    photo = photo[:, y0:y1, x0:x1].contiguous()
    return photo if choices.style == NO_STYLE or choices.strength == 0 else _styled(photo, folder, choices)


def _styled(photo: Tensor, folder: Path, choices: Choices) -> Tensor:
    from neuralpaint.images.io import load_image
    from neuralpaint.images.resample import resize

    shorter = min(photo.shape[1:])
    if shorter > 640:  # as much as strokes can show
        photo = resize(photo, *(round(side * 640 / shorter) for side in photo.shape[1:]))
    if choices.style == PICTURE:
        from neuralpaint.styles.transfer_style import transfer_style

        return load_image(transfer_style(photo, folder / STYLE_FILE, strength=choices.strength))
    import torch

    from neuralpaint.pipelines.settings import Stylization

    styled = Stylization.find(choices.style, _NETWORK, None).apply(photo, torch.device("cpu"))
    return torch.lerp(photo, styled, choices.strength)


def write_mask(folder: Path, width: int, height: int, values: bytes) -> None:
    """Writes a mask of detail, a byte for each point, row by row."""
    from PIL import Image

    with atomic_write(folder / MASK_FILE) as file:
        Image.frombytes("L", (width, height), values).save(file, "PNG")


def mask_of(folder: Path, choices: Choices) -> Any:
    """The mask of detail of the cropped photo, as `paint(detail=…)` takes it."""
    from PIL import Image

    if choices.detail == "none":
        return None
    if choices.detail == "auto" or not (folder / MASK_FILE).exists():
        return "auto"
    with Image.open(folder / MASK_FILE) as opened:
        mask = opened.convert("L")
    left, top, right, bottom = choices.crop
    box = (left * mask.width, top * mask.height, right * mask.width, bottom * mask.height)
    x0, y0, x1, y1 = (round(value) for value in box)
    mask = mask.crop((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)))
    return mask if mask.getextrema()[1] else "auto"  # nothing is marked in this part


def _read(path: Path, name: str, longest: int) -> Image.Image:
    return _decoded(path.read_bytes(), name, longest)


def _decoded(data: bytes, name: str, longest: int) -> Image.Image:
    from neuralpaint.images.decoding import read_size, readable
    from neuralpaint.images.io import load_image, to_pil

    heif = _is_heif(data)
    with readable(name):
        height, width = read_size(data) if not heif else (1, 1)
    _check_pixels(height, width, name)
    image = to_pil(load_image(data, name=name, longest=None if heif else longest))
    _check_pixels(image.height, image.width, name)
    if min(image.size) < 16:
        raise ValueError(f"{name} is {image.width}x{image.height} pixels: it needs 16 along each side")
    return _within(image, longest)


def _check_pixels(height: int, width: int, name: str) -> None:
    if height * width > MAX_PIXELS:
        raise ValueError(f"{name} has more than {MAX_PIXELS // 10**6} million pixels: shrink it first")


def _is_heif(data: bytes) -> bool:
    """Such files are measured as they are read: the message about a missing decoder comes from there."""
    return data[4:8] == b"ftyp"


def _within(image: Image.Image, longest: int) -> Image.Image:
    from PIL import Image

    factor = longest / max(image.size)
    if factor >= 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BOX)  # area averages, as everywhere here


def _tensor(image: Image.Image) -> Tensor:
    from neuralpaint.images.io import load_image

    return load_image(image)


def _write(image: Image.Image, path: Path) -> None:
    options: dict[str, Any] = {"compress_level": 1} if path.suffix == ".png" else {"quality": 90, "subsampling": 0}
    with atomic_write(path) as file:
        image.save(file, "PNG" if path.suffix == ".png" else "JPEG", **options)
