"""Painting: an ordered set of strokes on a canvas, independent of resolution."""

from __future__ import annotations

import dataclasses
import itertools
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from neuralpaint import ops
from neuralpaint.brushes import Brush, get_brush
from neuralpaint.images.io import (
    MAX_ASPECT,
    ImageLike,
    check_output,
    load_image,
    parse_color,
    save_image,
    to_bytes,
    to_pil,
)
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.images.streaming import LARGE, STREAMED_SUFFIXES, LargePhoto, write_bands
from neuralpaint.painting.snp import read_snp
from neuralpaint.painting.stroke_file import read_painting, write_painting
from neuralpaint.utils.deprecation import renamed_argument
from neuralpaint.utils.loading import BadFile
from neuralpaint.utils.memory import PROCESS, budget, check_budget
from neuralpaint.utils.validation import MAX_SIZE, check_whole

if TYPE_CHECKING:
    from neuralpaint.painting.exporters import OutputSettings

_TILE = 1024
_WHOLE = 12  # bytes per pixel to render an image as a whole and compress it
_BAND_BYTES = 9  # bytes per pixel of a band: one being rendered, one being written
_STREAM = 3 * 2 * 512  # bytes per column that libvips buffers
_EDGE = 2.0  # pixels that an antialiased edge may extend beyond the outline of a stroke
_SLACK = 1e-3  # tolerance for rounding errors beyond the range of a parameter
_FAR = 2 * MAX_ASPECT  # positions and sizes beyond this many units are rejected


@dataclass(frozen=True, eq=False)
class Painting:
    """Strokes in painting order, and the canvas under them.

    Attributes:
        strokes: float32 `[N, P]`, parameters in the order of the brush. Positions and sizes are in units of the shorter
            side of the canvas, so positions along the longer side range up to its aspect.
        brush: a Brush, or the name of one.
        aspect: (height, width) of the canvas in units; the smaller is 1.
        background: background colour, (r, g, b) in [0, 1] or anything else that `images.parse_color` accepts.
        size: default render size, in pixels along the shorter side.
        metadata: JSON-serializable, saved with the strokes.

    Raises:
        ValueError: wrong shape, or values not finite or far out of range; the message names the argument.
        TypeError: wrong type.
    """

    strokes: torch.Tensor
    brush: Brush
    aspect: tuple[float, float] = (1.0, 1.0)
    background: tuple[float, float, float] = (1.0, 1.0, 1.0)
    size: int = 512
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        brush = get_brush(self.brush)
        brush.check(self.strokes)
        object.__setattr__(self, "brush", brush)
        object.__setattr__(self, "strokes", self.strokes.detach().to(torch.float32).contiguous())
        object.__setattr__(self, "aspect", _check_aspect(self.aspect))
        object.__setattr__(self, "background", parse_color(self.background))
        object.__setattr__(self, "size", check_whole("size", self.size, 1, MAX_SIZE, "pixels"))
        object.__setattr__(self, "metadata", dict(self.metadata))
        _check_strokes(self.strokes, brush)

    @property
    def canvas(self) -> tuple[float, float, float]:
        """The old name of `background`."""
        warnings.warn("Painting.canvas is now Painting.background", DeprecationWarning, stacklevel=2)
        return self.background

    def __len__(self) -> int:
        return len(self.strokes)

    def __repr__(self) -> str:
        height, width = self.pixels()
        return f"Painting({len(self)} {self.brush.name} strokes, {width}x{height})"

    def pixels(self, size: int | None = None) -> tuple[int, int]:
        """(height, width) in pixels, `size` along the shorter side (default: `self.size`)."""
        size = self.size if size is None else check_whole("size", size, 1, MAX_SIZE, "pixels")
        return round(self.aspect[0] * size), round(self.aspect[1] * size)

    def to(self, device: torch.device | str) -> Painting:
        """The same painting with its strokes on another device, where it then renders."""
        return Painting(self.strokes.to(device), self.brush, self.aspect, self.background, self.size, self.metadata)

    def render(self, size: int | None = None) -> Image.Image:
        """Renders an 8-bit RGB image, `size` pixels along the shorter side (default: `self.size`).

        Memory: 4 bytes per pixel, as Pillow stores RGB, plus one tile.
        """
        height, width = self.pixels(size)
        picture = Image.new("RGB", (width, height))
        for y, x, tile in self._tiles(size):
            picture.paste(to_pil(tile), (x, y))
        return picture

    def render_tensor(self, size: int | None = None) -> torch.Tensor:
        """Renders float32 `[3, H, W]` in [0, 1] on the device of the strokes, without gradients."""
        height, width = self.pixels(size)
        picture = torch.empty(3, height, width, dtype=torch.float32, device=self.strokes.device)
        for y, x, tile in self._tiles(size):
            picture[:, y : y + tile.shape[1], x : x + tile.shape[2]] = tile
        return picture

    def render_to(self, path: str | os.PathLike, size: int | None = None, *, memory: str | int | None = None) -> None:
        """Renders to an image file of any size; the suffix determines the format.

        Up to 33 million pixels, this is the image from `render`, saved by Pillow. Larger images are rendered in bands
        and streamed to libvips, so memory does not grow with the height of the image.

        Args:
            path: .png, .jpg, .webp or .tiff (tiled, and BigTIFF, if necessary).
            size: pixels along the shorter side; `self.size` by default.
            memory: memory limit in bytes, or a string such as "2G"; by default half of the available memory.

        Raises:
            ValueError: unknown suffix, too many pixels for the format, or too little memory; the message gives the
                minimum.
            WriteError: the file cannot be written; an existing file is left unchanged.
        """
        height, width = self.pixels(size)
        check_output(path, width, height)
        have = budget(memory)
        streamed = Path(path).suffix.lower() in STREAMED_SUFFIXES
        if height * width <= LARGE or not streamed:
            need = PROCESS + _WHOLE * height * width
            check_budget(have, need, f"a {Path(path).suffix} picture of {width}x{height} pixels")
            save_image(self.render(size), path)
            return
        fixed = PROCESS + _STREAM * width + 16 * _TILE * min(_TILE, width) + 128 * len(self)
        least = fixed + 32 * _BAND_BYTES * width
        check_budget(have, least, f"a picture of {width}x{height} pixels")
        rows = int((have - fixed) / (_BAND_BYTES * width))
        write_bands(path, height, width, self.bands(size, max(32, min(_TILE, rows // 32 * 32))))

    def export(
        self, path: str | os.PathLike, *, size: int | None = None, settings: OutputSettings | None = None
    ) -> None:
        """Writes a file of any kind that a painting can be written to; the suffix determines which.

        Args:
            path: an image (.png, .jpg, .webp, .tiff), a stroke file (.safetensors), or another of
                `neuralpaint.painting.exporters.export_suffixes()`.
            size: pixels along the shorter side; `self.size` by default.
            settings: how each kind is written; the defaults if None.

        Raises:
            ValueError: unknown suffix, a size or setting that the kind does not allow, or a library that it needs is
                not installed; the message names it.
            WriteError: the file cannot be written; an existing file is left unchanged.
        """
        from neuralpaint.painting.exporters import OutputSettings, find_exporter

        exporter = find_exporter(path)
        settings = OutputSettings() if settings is None else settings
        exporter.check(path, *self.pixels(size), settings)
        exporter.write(self if size is None else dataclasses.replace(self, size=size), path, settings)

    def bands(self, size: int | None = None, rows: int = _TILE) -> Iterator[np.ndarray]:
        """Renders bands from top to bottom, uint8 `[rows, W, 3]`; the last may have fewer rows."""
        width = self.pixels(size)[1]
        for _, row in itertools.groupby(self._tiles(size, rows), lambda tile: tile[0]):
            band = None
            for _, x, tile in row:
                if band is None:
                    band = np.empty((tile.shape[1], width, 3), np.uint8)
                band[:, x : x + tile.shape[2]] = to_bytes(tile)
            assert band is not None
            yield band

    @torch.no_grad()
    def _tiles(self, size: int | None, rows: int | None = None) -> Iterator[tuple[int, int, torch.Tensor]]:
        """Yields (row, column, tile `[3, h, w]`); each tile draws only the strokes whose bounds touch it."""
        rows = min(_TILE, rows or _TILE)
        if self.brush.engine:
            raise ValueError(
                f"brush {self.brush.name!r} is drawn by an engine: use neuralpaint.engines.draw_painting (--engine)"
            )
        height, width = self.pixels(size)
        scale = float(size or self.size)
        bounds = self.brush.bounds(self.strokes) * scale
        background = torch.tensor(self.background, dtype=torch.float32, device=self.strokes.device).view(1, 3, 1, 1)
        for y in range(0, height, rows):
            h = min(rows, height - y)
            row = self._overlapping(bounds, 1, y, h)
            for x in range(0, width, _TILE):
                w = min(_TILE, width - x)
                here = row[self._overlapping(bounds[row], 0, x, w)]
                tile = background.expand(1, 3, h, w).contiguous()
                if len(here):
                    origin = self.strokes.new_tensor([[x / scale, y / scale]])
                    tile = ops.render(tile, self.strokes[here][None], self.brush, origin=origin, pixels_per_unit=scale)
                yield y, x, tile[0]

    @staticmethod
    def _overlapping(bounds: torch.Tensor, axis: int, start: int, length: int) -> torch.Tensor:
        low, high = bounds[:, axis] - _EDGE, bounds[:, axis + 2] + _EDGE
        return ((high >= start) & (low <= start + length)).nonzero()[:, 0]

    def psnr(self, image: ImageLike | LargePhoto, size: int = 512) -> float:
        """PSNR in dB against an image, both `size` pixels along the shorter side; the image is area-averaged."""
        painted = self.render_tensor(size)
        if isinstance(image, LargePhoto):
            photo = image.shrunk(size).to(painted.device).float() / 255
        else:
            photo = load_image(image, painted.device, self.background)
        return psnr(painted, resize(photo, *painted.shape[-2:]))

    # ------------------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike) -> None:
        """Writes a stroke file (safetensors), including the texture of a custom brush. The output is deterministic.

        Raises:
            ValueError: the metadata is not JSON-serializable.
            WriteError: the file cannot be written; an existing file is left unchanged.
        """
        write_painting(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Painting:
        """Reads a stroke file.

        Raises:
            ValueError: the file is missing, truncated, not a neuralpaint stroke file, or from a newer version; or its
                contents are invalid: unknown brush, wrong shapes, NaN, values far out of range.
        """
        fields = read_painting(path)
        try:
            return cls(**fields)
        except (ValueError, TypeError) as error:
            raise BadFile(f"{path}: {error}") from error

    @classmethod
    def from_snp(
        cls,
        path: str | os.PathLike,
        brush: str | Brush | None = None,
        aspect: tuple[float, float] = (1.0, 1.0),
    ) -> Painting:
        """Reads a stroke file (.npz) of the reference implementation of Stylized Neural Painting (CVPR 2021).

        The file holds `x_ctt` [B, N, shape], `x_color` [B, N, 3 or 6] and `x_alpha` [B, N, 1] for B = m·m blocks.
        Strokes are converted from block to canvas coordinates and ordered by index: the first stroke of every block,
        then the second, and so on. Oil strokes rotate in the opposite direction there, so their angle is mirrored and
        their two colours swapped.

        Args:
            path: the file.
            brush: a brush with the same parameters; by default inferred from the shapes.
            aspect: (height, width) of the canvas in units. The reference implementation paints on a square: positions
                are stretched to this aspect, and sizes scaled by the geometric mean of the two factors.

        Raises:
            ValueError: not such a file, or its shapes do not match the brush or any brush.
        """
        fields = read_snp(path, brush, _check_aspect(aspect))
        try:
            return cls(**fields)
        except (ValueError, TypeError) as error:
            raise BadFile(f"{path}: {error}") from error


def _check_aspect(aspect: Any) -> tuple[float, float]:
    try:
        height, width = (float(side) for side in aspect)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"aspect must be (height, width), got {aspect!r}") from None
    low, high = sorted((height, width))
    if not (abs(low - 1.0) <= 1e-6 and high <= MAX_ASPECT * (1 + 1e-6)):  # also true for NaN
        raise ValueError(
            f"aspect must be (height, width), the smaller 1, the larger at most {MAX_ASPECT:g}, got {aspect}"
        )
    return height, width


def _check_strokes(strokes: torch.Tensor, brush: Brush) -> None:
    if strokes.ndim != 2:
        raise ValueError(f"strokes must be [N, {brush.num_parameters}], got shape {tuple(strokes.shape)}")
    if not torch.isfinite(strokes).all():
        raise ValueError("strokes contain NaN or infinite values")
    if len(strokes) == 0:
        return
    low, high = strokes.amin(0).tolist(), strokes.amax(0).tolist()
    for index, name in enumerate(brush.parameters):
        if index in brush.positions:
            allowed = (-_FAR, _FAR)
        elif index in brush.sizes:
            allowed = (0.0, _FAR)
        else:
            allowed = (0.0, 1.0)
        if low[index] < allowed[0] - _SLACK or high[index] > allowed[1] + _SLACK:
            raise ValueError(
                f"strokes: {name} is from {low[index]:g} to {high[index]:g}, outside [{allowed[0]:g}, {allowed[1]:g}]"
            )


Painting.__init__ = renamed_argument("canvas", "background")(Painting.__init__)  # type: ignore[method-assign]
