"""The training data of style networks: paintings and photos."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from neuralpaint.images.io import PHOTO_SUFFIXES, load_image
from neuralpaint.images.resample import resize
from neuralpaint.training.styles.settings import STYLE_SIZE
from neuralpaint.utils.random import generator_of

SMALLEST_STYLE = 32  # minimum side of a painting, in pixels
LEAST_PHOTOS = 8
_ZOOM = 4.0  # crops have between 1/4 of the shorter side of a photo and all of it


def pictures_in(folder: str | os.PathLike, what: str) -> list[Path]:
    """The image files in a folder, sorted by name. ValueError if there are none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{what} {folder} is not a folder")
    files = (file for file in folder.iterdir() if file.is_file() and file.name[0] != ".")
    found = sorted(file for file in files if file.suffix.lower() in PHOTO_SUFFIXES)
    if not found:
        raise ValueError(f"{what} {folder} contains no images ({' '.join(PHOTO_SUFFIXES)})")
    return found


def style_name(path: str | os.PathLike) -> str:
    """Derives the name of a style from its file name: lower case, words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", Path(path).stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "style"


def load_style(path: str | os.PathLike, size: int = STYLE_SIZE) -> Tensor:
    """Loads a painting as `[3, H, W]` in [0, 1], `size` pixels along the shorter side.

    Raises:
        ValueError: the painting is unreadable or too small.
    """
    picture = load_image(path, name="style image")
    shorter = min(picture.shape[1:])
    if shorter < SMALLEST_STYLE:
        height, width = picture.shape[1:]
        raise ValueError(f"{path} is {width}x{height} pixels: a style needs at least {SMALLEST_STYLE} along each side")
    return resize(picture, *(max(1, round(side * size / shorter)) for side in picture.shape[1:]))


def load_styles(
    files: list[Path], size: int = STYLE_SIZE, *, skip: Callable[[str], None] | None = None
) -> dict[str, Tensor]:
    """Loads paintings as {style name: painting}.

    Args:
        skip: called with a message for each unreadable file, which is then skipped; by default, these raise errors.

    Raises:
        ValueError: a file is unusable, two files have the same style name, or no painting is left.
    """
    found: dict[str, Tensor] = {}
    for file in files:
        name = style_name(file)
        try:
            if name in found:
                raise ValueError(f"{file}: another style is also named {name!r}: rename the file")
            found[name] = load_style(file, size)
        except ValueError as error:
            if skip is None:
                raise ValueError(f"{error} (--skip-broken skips unreadable files)") from error
            skip(f"skipped: {error}")
    if not found:
        raise ValueError("no style image can be read")
    return found


class ContentPhotos(Dataset[Tensor]):
    """Random crops of photos, uint8 `[3, size, size]`; item k is always the same.

    A crop is a square of 1/4 to 1 times the shorter side of the photo, resized, and mirrored with probability 1/2. The
    order of the photos changes each epoch. Photos are cached in memory as uint8, up to `memory` bytes.

    Args:
        files: the photos.
        size: size of a crop, in pixels.
        seed: random seed of the crops.
        memory: limit of the cache, in bytes.

    Raises:
        ValueError: there are too few photos.
    """

    def __init__(self, files: list[Path], size: int, seed: int, memory: int = 1 << 30) -> None:
        if len(files) < LEAST_PHOTOS:
            raise ValueError(f"content: {len(files)} photos are too few, at least {LEAST_PHOTOS} are needed")
        self.files, self.size, self.seed = files, size, seed
        self._cache_left = memory  # bytes
        self._cache: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return 2**62

    def __getitem__(self, item: Any) -> Tensor:
        k = int(item)
        epoch, position = divmod(k, len(self.files))
        order = torch.randperm(len(self.files), generator=generator_of(self.seed, epoch, 0))
        photo = self._photo(int(order[position]))
        generator = generator_of(self.seed, k, 1)
        share, y, x, mirror = torch.rand(4, generator=generator).tolist()
        height, width = photo.shape[1:]
        side = max(1, round(_ZOOM**-share * min(height, width)))
        top, left = int(y * (height - side + 1)), int(x * (width - side + 1))
        piece = photo[:, top : top + side, left : left + side]
        piece = piece.flip(2) if mirror < 0.5 else piece
        return F.interpolate(piece[None], size=(self.size, self.size), mode="bilinear", antialias=True)[0]

    def _photo(self, index: int) -> Tensor:
        if index in self._cache:
            return self._cache[index]
        # Reduce large photos to the resolution that the crops can show.
        photo = load_image(self.files[index])
        limit = round(_ZOOM * self.size)
        shorter = min(photo.shape[1:])
        if shorter > limit:
            photo = resize(photo, *(round(side * limit / shorter) for side in photo.shape[1:]))
        photo = (photo * 255).round().to(torch.uint8)
        if photo.nbytes <= self._cache_left:
            self._cache_left -= photo.nbytes
            self._cache[index] = photo
        return photo
