"""The paintings and photos that a network learns from."""

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

SMALLEST_STYLE = 32  # pixels along each side of a painting: fewer have no texture
LEAST_PHOTOS = 8
_ZOOM = 4.0  # photos are seen at up to this many times the size of a piece, as those that are stylised later will be


def pictures_in(folder: str | os.PathLike, what: str) -> list[Path]:
    """The picture files of a folder, sorted by name. ValueError if it has none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{what} {folder} is not a folder")
    files = (file for file in folder.iterdir() if file.is_file() and file.name[0] != ".")
    found = sorted(file for file in files if file.suffix.lower() in PHOTO_SUFFIXES)
    if not found:
        raise ValueError(f"{what} {folder} contains no images ({' '.join(PHOTO_SUFFIXES)})")
    return found


def style_name(path: str | os.PathLike) -> str:
    """A style's name from its file's: lower case, words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", Path(path).stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "style"


def load_style(path: str | os.PathLike, size: int = STYLE_SIZE) -> Tensor:
    """A painting to learn from: `[3, H, W]` in [0, 1], the shorter side at `size` pixels.

    Raises:
        ValueError: it is unreadable or too small.
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
    """Paintings by the names of their styles.

    Args:
        skip: called with a line for each file that cannot be read, which is then left out; by default that is an error.

    Raises:
        ValueError: a file is no use, two have one name, or none is left.
    """
    found: dict[str, Tensor] = {}
    for file in files:
        name = style_name(file)
        try:
            if name in found:
                raise ValueError(f"{file}: another style is called {name!r}: rename the file")
            found[name] = load_style(file, size)
        except ValueError as error:
            if skip is None:
                raise ValueError(f"{error} (--skip-broken leaves out what cannot be read)") from error
            skip(f"left out: {error}")
    if not found:
        raise ValueError("no style image can be read")
    return found


class ContentPhotos(Dataset[Tensor]):
    """Random pieces of photos: item k is the same `[3, size, size]` uint8 whenever it is asked for.

    A piece is a square of a quarter to all of the photo's shorter side, resized, and mirrored half of the time. Photos
    go round in a new order each epoch. They are kept in memory as 8 bits while they take less than `memory` bytes.

    Args:
        files: the photos.
        size: pixels along each side of a piece.
        seed: of the pieces.
        memory: bytes.

    Raises:
        ValueError: there are too few photos.
    """

    def __init__(self, files: list[Path], size: int, seed: int, memory: int = 1 << 30) -> None:
        if len(files) < LEAST_PHOTOS:
            raise ValueError(f"content: {len(files)} photos are too few, take {LEAST_PHOTOS} or more")
        self.files, self.size, self.seed = files, size, seed
        self._room = memory
        self._kept: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return 2**62

    def __getitem__(self, item: Any) -> Tensor:
        k = int(item)
        epoch, place = divmod(k, len(self.files))
        order = torch.randperm(len(self.files), generator=generator_of(self.seed, epoch, 0))
        photo = self._photo(int(order[place]))
        generator = generator_of(self.seed, k, 1)
        share, y, x, mirror = torch.rand(4, generator=generator).tolist()
        height, width = photo.shape[1:]
        side = max(1, round(_ZOOM**-share * min(height, width)))
        top, left = int(y * (height - side + 1)), int(x * (width - side + 1))
        piece = photo[:, top : top + side, left : left + side]
        piece = piece.flip(2) if mirror < 0.5 else piece
        return F.interpolate(piece[None], size=(self.size, self.size), mode="bilinear", antialias=True)[0]

    def _photo(self, index: int) -> Tensor:
        if index in self._kept:
            return self._kept[index]
        # Pieces are small: of a large photo no more is kept than they can show.
        photo = load_image(self.files[index])
        limit = round(_ZOOM * self.size)
        shorter = min(photo.shape[1:])
        if shorter > limit:
            photo = resize(photo, *(round(side * limit / shorter) for side in photo.shape[1:]))
        photo = (photo * 255).round().to(torch.uint8)
        if photo.nbytes <= self._room:
            self._room -= photo.nbytes
            self._kept[index] = photo
        return photo
