"""Painting: an ordered set of strokes on a canvas, independent of resolution."""

from __future__ import annotations

import dataclasses
import itertools
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from neuralpaint.brushes import Brush, get_brush
from neuralpaint.images.io import (
    ALPHA_SUFFIXES,
    MAX_ASPECT,
    ImageLike,
    check_output,
    load_image,
    parse_color,
    save_image,
    to_bytes,
    to_pil,
    to_words,
)
from neuralpaint.images.metadata import PhotoMetadata
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.images.streaming import LARGE, STREAMED_SUFFIXES, LargePhoto, write_bands
from neuralpaint.painting.finish import Finish
from neuralpaint.painting.sequence import StrokeSequence
from neuralpaint.painting.snp import read_snp
from neuralpaint.painting.stroke_file import read_painting, write_painting
from neuralpaint.painting.tiles import TILE, height_tiles, normal_tiles, picture_tiles
from neuralpaint.utils.deprecation import renamed_argument
from neuralpaint.utils.loading import BadFile
from neuralpaint.utils.memory import PROCESS, budget, check_budget
from neuralpaint.utils.validation import MAX_SIZE, check_whole

if TYPE_CHECKING:
    from neuralpaint.painting.exporters import OutputSettings

_WHOLE = 12  # bytes per pixel to render an image as a whole and compress it
_ALPHA = 5  # more, if it has an alpha
_BAND_BYTES = 9  # bytes per pixel of a band: one being rendered, one being written
_STREAM = 3 * 2 * 512  # bytes per column that libvips buffers
_FINISHED = 400  # bytes per pixel of a tile that is finished
_SLACK = 1e-3  # tolerance for rounding errors beyond the range of a parameter
_FAR = 2 * MAX_ASPECT  # positions and sizes beyond this many units are rejected


@dataclass(frozen=True, eq=False)
class Painting(StrokeSequence):
    """Strokes in painting order, and the canvas under them. It is a sequence of its strokes: see `StrokeSequence`.

    Attributes:
        strokes: float32 `[N, P]`, parameters in the order of the brush, in the units that docs/conventions.md lists.
            Positions along the longer side of the canvas range up to its aspect.
        brush: a Brush, or the name of one.
        aspect: (height, width) of the canvas in units; the smaller is 1.
        background: background colour, (r, g, b) in [0, 1] or anything else that `images.parse_color` accepts.
        size: default render size, in pixels along the shorter side.
        metadata: JSON-serializable, saved with the strokes.
        finish: relief, light, ground and watercolour effects of what is rendered; by default flat.
        alpha: uint8 `[h, w]` on the CPU, h·w at most 33 million: how opaque images of the painting are, 255 for opaque,
            resized to theirs from any size of the same aspect. None if all of it is opaque.

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
    finish: Finish = Finish()
    alpha: torch.Tensor | None = None

    def __post_init__(self) -> None:
        brush = get_brush(self.brush)
        brush.check(self.strokes)
        object.__setattr__(self, "brush", brush)
        object.__setattr__(self, "strokes", self.strokes.detach().to(torch.float32).contiguous())
        object.__setattr__(self, "aspect", _check_aspect(self.aspect))
        object.__setattr__(self, "background", parse_color(self.background))
        object.__setattr__(self, "size", check_whole("size", self.size, 1, MAX_SIZE, "pixels"))
        object.__setattr__(self, "metadata", dict(self.metadata))
        if not isinstance(self.finish, Finish):
            raise TypeError(f"finish must be a Finish, got {type(self.finish).__name__}")
        self.finish.check_brush(brush.name)
        _check_strokes(self.strokes, brush)
        if self.alpha is not None:
            object.__setattr__(self, "alpha", _check_alpha(self.alpha, self.aspect))

    @property
    def canvas(self) -> tuple[float, float, float]:
        """The old name of `background`."""
        warnings.warn("Painting.canvas is now Painting.background", DeprecationWarning, stacklevel=2)
        return self.background

    def __repr__(self) -> str:
        height, width = self.pixels()
        return f"Painting({len(self)} {self.brush.name} strokes, {width}x{height})"

    def _repr_html_(self) -> str:
        """The painting with a play button, in notebooks."""
        from neuralpaint.painting.playback import as_html

        return as_html(self)

    def pixels(self, size: int | None = None) -> tuple[int, int]:
        """(height, width) in pixels, `size` along the shorter side (default: `self.size`)."""
        size = self.size if size is None else check_whole("size", size, 1, MAX_SIZE, "pixels")
        return round(self.aspect[0] * size), round(self.aspect[1] * size)

    def to(self, device: torch.device | str) -> Painting:
        """The same painting with its strokes on another device, where it then renders."""
        return replace(self, strokes=self.strokes.to(device))

    def render(self, size: int | None = None) -> Image.Image:
        """Renders an 8-bit RGB image, `size` pixels along the shorter side (default: `self.size`); RGBA if the painting
        has an alpha.

        Memory: 4 bytes per pixel, as Pillow stores RGB, plus one tile.
        """
        height, width = self.pixels(size)
        picture = Image.new("RGB", (width, height))
        for y, x, tile in picture_tiles(self, size):
            picture.paste(to_pil(tile), (x, y))
        if self.alpha is not None:
            picture.putalpha(Image.fromarray(self.alpha.numpy()).resize(picture.size, Image.Resampling.BILINEAR))
        return picture

    def render_tensor(self, size: int | None = None) -> torch.Tensor:
        """Renders float32 `[3, H, W]` in [0, 1] on the device of the strokes, without gradients and alpha."""
        height, width = self.pixels(size)
        picture = torch.empty(3, height, width, dtype=torch.float32, device=self.strokes.device)
        for y, x, tile in picture_tiles(self, size):
            picture[:, y : y + tile.shape[1], x : x + tile.shape[2]] = tile
        return picture

    def render_to(
        self,
        path: str | os.PathLike,
        size: int | None = None,
        *,
        memory: str | int | None = None,
        depth: int = 8,
        metadata: PhotoMetadata | None = None,
    ) -> None:
        """Renders to an image file of any size; the suffix determines the format.

        Up to 33 million pixels, this is the image from `render`, saved by Pillow. Larger images are rendered in bands
        and streamed to libvips, so memory does not grow with the height of the image.

        A painting with an alpha gives an image with one, but for .jpg. Such images are not streamed.

        Args:
            path: .png, .jpg, .webp or .tiff (tiled, and BigTIFF, if necessary).
            size: pixels along the shorter side; `self.size` by default.
            memory: memory limit in bytes, or a string such as "2G"; by default half of the available memory.
            depth: bits per channel: 8, or 16 in .png and .tiff, rounded from float32.
            metadata: written as EXIF to an image that is not streamed.

        Raises:
            ValueError: unknown suffix, too many pixels or bits for the format, or too little memory; the message gives
                the minimum.
            WriteError: the file cannot be written; an existing file is left unchanged.
        """
        height, width = self.pixels(size)
        check_output(path, width, height, depth)
        if self.alpha is not None:
            check_alpha(path, width, height, depth)
        have = budget(memory)
        if not is_streamed(path, height, width, depth):
            need = PROCESS + (_WHOLE + (0 if self.alpha is None else _ALPHA)) * height * width
            check_budget(have, need, f"a {Path(path).suffix} picture of {width}x{height} pixels")
            save_image(self.render(size), path, metadata=metadata)
            return
        tile = 16 if self.finish.flat else _FINISHED
        fixed = PROCESS + _STREAM * width + tile * TILE * min(TILE, width) + 128 * len(self)
        row = _BAND_BYTES * width * depth // 8
        least = fixed + 32 * row
        check_budget(have, least, f"a picture of {width}x{height} pixels")
        rows = int((have - fixed) / row)
        bands = self.bands(size, max(32, min(TILE, rows // 32 * 32)), depth=depth)
        write_bands(path, height, width, bands, depth=depth)

    def export(
        self,
        path: str | os.PathLike,
        *,
        size: int | None = None,
        settings: OutputSettings | None = None,
        callback: Callable[[int, int], None] | None = None,
    ) -> Any:
        """Writes a file of any kind that a painting can be written to; the suffix determines which.

        Args:
            path: an image (.png, .jpg, .webp, .tiff), a stroke file (.safetensors), or another of
                `neuralpaint.painting.exporters.export_suffixes()`.
            size: pixels along the shorter side; `self.size` by default.
            settings: how each kind is written; the defaults if None.
            callback: called with (done, total) frames while a time-lapse is written.

        Returns:
            What the exporter tells about the file: lengths and times for a pen plotter, otherwise little of use.

        Raises:
            ValueError: unknown suffix, a size or setting that the kind does not allow, or a library that it needs is
                not installed; the message names it.
            WriteError: the file cannot be written; an existing file is left unchanged.
        """
        from neuralpaint.painting.exporters import OutputSettings, find_exporter

        exporter = find_exporter(path)
        settings = OutputSettings() if settings is None else settings
        exporter.check(path, *self.pixels(size), settings)
        painting = self if size is None else dataclasses.replace(self, size=size)
        return exporter.write(painting, path, settings, callback)

    def bands(self, size: int | None = None, rows: int = TILE, *, depth: int = 8) -> Iterator[np.ndarray]:
        """Renders bands from top to bottom, `[rows, W, 3]` of uint8, or of uint16 for a depth of 16; the last may have
        fewer rows."""
        convert, kind = (to_bytes, np.uint8) if depth == 8 else (to_words, np.uint16)
        width = self.pixels(size)[1]
        for _, row in itertools.groupby(picture_tiles(self, size, rows), lambda tile: tile[0]):
            band = None
            for _, x, tile in row:
                if band is None:
                    band = np.empty((tile.shape[1], width, 3), kind)
                band[:, x : x + tile.shape[2]] = convert(tile)
            assert band is not None
            yield band

    def height_map(self, size: int | None = None) -> np.ndarray:
        """Height of the paint for printers and 3-D programs, uint16 `[H, W]`: ¼ of the range where there is none,
        bristles around ¾."""
        height, width = self.pixels(size)
        result = np.empty((height, width), np.uint16)
        for y, x, tile in height_tiles(self, size):
            values = (tile[0] * 65535 + 0.5).cpu().numpy()
            result[y : y + tile.shape[1], x : x + tile.shape[2]] = values
        return result

    def normal_map(self, size: int | None = None) -> np.ndarray:
        """Normals of the surface, uint16 `[H, W, 3]`: right, up and out from [-1, 1] to [0, 65535] (as OpenGL has
        them). Of the painting's finish, or of full relief if that is flat."""
        height, width = self.pixels(size)
        result = np.empty((height, width, 3), np.uint16)
        for y, x, tile in normal_tiles(self, size):
            result[y : y + tile.shape[1], x : x + tile.shape[2]] = to_words(tile)
        return result

    def psnr(self, image: ImageLike | LargePhoto, size: int = 512) -> float:
        """PSNR in dB against an image, both `size` pixels along the shorter side; the image is area-averaged. The
        painting counts without its finish."""
        painted = replace(self, finish=Finish()).render_tensor(size)
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


def is_streamed(path: str | os.PathLike, height: int, width: int, depth: int = 8) -> bool:
    """Whether `Painting.render_to` streams an image of that size in pixels, without EXIF."""
    return depth != 8 or (height * width > LARGE and Path(path).suffix.lower() in STREAMED_SUFFIXES)


def check_alpha(path: str | os.PathLike, width: int, height: int, depth: int = 8) -> None:
    """Raises ValueError if the image of a painting with an alpha would have to be streamed."""
    if Path(path).suffix.lower() in ALPHA_SUFFIXES and (depth != 8 or height * width > LARGE):
        raise ValueError(
            f"{path} would have {width}x{height} pixels of {depth} bits: with transparency, it is at most "
            f"{LARGE // 10**6} million pixels of 8 bits"
        )


def _check_alpha(alpha: torch.Tensor, aspect: tuple[float, float]) -> torch.Tensor:
    if not isinstance(alpha, torch.Tensor):
        raise TypeError(f"alpha must be a tensor, got {type(alpha).__name__}")
    shape = tuple(alpha.shape)
    if alpha.dtype != torch.uint8 or alpha.ndim != 2 or not 0 < alpha.numel() <= LARGE:
        raise ValueError(
            f"alpha must be uint8 [h, w] of at most {LARGE // 10**6} million pixels, got {alpha.dtype} {shape}"
        )
    if any(abs(side - part * min(shape)) > 1 for side, part in zip(shape, aspect, strict=True)):
        raise ValueError(f"alpha has the shape {shape}, which does not fit the aspect {aspect} of the canvas")
    return alpha.detach().cpu().contiguous()


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
