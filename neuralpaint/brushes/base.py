"""What a stroke means: the parameters of each brush, how they move with the canvas, how they are sampled."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from neuralpaint.brushes.texture import (
    as_fake,
    bristle_texels,
    built_in_texture,
    pack_texture,
    upload_once,
)

if TYPE_CHECKING:
    import torch


OIL, WATERCOLOR, MARKER, TAPE = range(4)
# Brushes that only an engine of the user's can draw (neuralpaint.engines), by how their strokes lie.
ENGINE_BOX, ENGINE_CURVE, ENGINE_UNKNOWN = range(16, 19)

_RECTANGLE = ("xc", "yc", "w", "h", "theta")
_CURVE = ("x0", "y0", "x1", "y1", "x2", "y2", "radius0", "radius2")
_ONE_COLOR = ("r", "g", "b")
_TWO_COLORS = ("r0", "g0", "b0", "r2", "g2", "b2")
_POSITIONS_X = ("xc", "x0", "x2")
_POSITIONS_Y = ("yc", "y0", "y2")
_SIZES = ("w", "h", "radius0", "radius2")


@dataclass(frozen=True)
class Brush:
    """A brush: the parameter space of its strokes.

    A stroke is a vector of `count` numbers in [0, 1], in the order of `parameters`: shape, colour(s), opacity.
    Positions and sizes are in units (1 = the canvas's shorter side), so after `transform` they may leave [0, 1].

    Attributes:
        name: what `get_brush` knows it by.
        kind: the kernels' number: 0 textured rectangle (oil), 1 watercolor, 2 marker, 3 tape; from 16 on, what no
            kernel draws but an engine: 16 in a box, 17 along a curve, 18 unknown.
        parameters: names, in order.
        held: (index, value) of parameters that a search must leave at that value.
        description: one line for people.
    """

    name: str
    kind: int
    parameters: tuple[str, ...]
    held: tuple[tuple[int, float], ...] = ()
    description: str = ""

    # The packed texture of a brush that has its own. It is there before anything is traced with it.
    _own_texture: ClassVar[torch.Tensor | None] = None
    _uploaded: ClassVar[dict[str, torch.Tensor]] = {}

    def __post_init__(self) -> None:
        if type(self).texels is not Brush.texels and (texels := self.texels()) is not None:
            object.__setattr__(self, "_own_texture", pack_texture(*texels))
            object.__setattr__(self, "_uploaded", {})

    def __str__(self) -> str:
        return self.name

    @property
    def count(self) -> int:
        """Numbers in a stroke, P."""
        return len(self.parameters)

    @property
    def engine(self) -> bool:
        """True if only an engine can draw it."""
        return self.kind >= ENGINE_BOX

    @property
    def boxed(self) -> bool:
        """True if the first parameters are xc yc w h theta."""
        return self.kind in (OIL, TAPE, ENGINE_BOX)

    @property
    def curved(self) -> bool:
        """True if the first parameters are x0 y0 x1 y1 x2 y2 radius0 radius2."""
        return self.kind in (WATERCOLOR, MARKER, ENGINE_CURVE)

    @property
    def opaque(self) -> bool:
        """True if the search holds the opacity at 1."""
        return (self.opacity, 1.0) in self.held

    @property
    def shape(self) -> slice:
        """The geometry, which comes first."""
        return slice(0, self.count - 1 - 3 * len(self.colors))

    @property
    def colors(self) -> tuple[slice, ...]:
        """One or two slices of three: RGB; with two, the colour runs from the first to the second."""
        number = 2 if "r2" in self.parameters else 1
        return tuple(slice(self.count - 1 - 3 * k, self.count - 1 - 3 * (k - 1)) for k in range(number, 0, -1))

    @property
    def opacity(self) -> int:
        """Index of a, always the last."""
        return self.count - 1

    @cached_property
    def x_positions(self) -> tuple[int, ...]:
        return self._indices(_POSITIONS_X)

    @cached_property
    def y_positions(self) -> tuple[int, ...]:
        return self._indices(_POSITIONS_Y)

    @cached_property
    def positions(self) -> tuple[int, ...]:
        """Indices of coordinates in units. A curve's control point is not among them: it is a ratio of its end
        points."""
        return tuple(sorted(self.x_positions + self.y_positions))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Indices of lengths in units."""
        return self._indices(_SIZES)

    def _indices(self, names: Sequence[str]) -> tuple[int, ...]:
        return tuple(i for i, name in enumerate(self.parameters) if name in names)

    @property
    def texture(self) -> torch.Tensor:
        """The packed rip-map, int32 `[2, 2·TH, 2·TW, 2]` on the CPU, for kind 0; else an empty int32 tensor."""
        return built_in_texture(self.kind == OIL, "cpu") if self._own_texture is None else self._own_texture

    @property
    def fingerprint(self) -> str:
        """A hash of kind, parameters and, if it is the user's own, texture: equal names may hide different brushes."""
        facts = (self.kind, tuple(self.parameters), getattr(self, "digest", ""))
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def texels(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(alpha, ridge), uint8 `[2, TH, TW]` each: the large texture, then the small one. None for an untextured
        brush."""
        return bristle_texels() if self.kind == OIL else None

    def __getstate__(self) -> dict[str, Any]:
        """With the packed texture, so that it is not packed again wherever the brush goes."""
        kept = {name: value for name, value in self.__dict__.items() if name != "_uploaded"}
        return kept | {"_own_texture": self.texture}

    def texture_on(self, device: torch.device | str) -> torch.Tensor:
        """`texture` on a device, uploaded once. Of fake tensors' mode a fake one."""
        import torch

        key, own = str(device), self._own_texture
        if own is None:
            texture = built_in_texture(self.kind == OIL, key)
        elif key == "cpu":
            texture = own
        elif torch.compiler.is_compiling():  # nothing may be kept that is made in a trace
            texture = self._uploaded[key] if key in self._uploaded else own.to(device)
        else:
            texture = upload_once(self._uploaded, own, key)
        return texture if torch.compiler.is_compiling() else as_fake(texture)

    def sample(
        self, n: int, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> torch.Tensor:
        """`n` random strokes, float32 `[n, P]`: every parameter uniform in [0, 1], those in `held` at their value."""
        import torch

        strokes = torch.rand(n, self.count, generator=generator, device=generator.device if generator else device)
        for index, value in self.held:
            strokes[:, index] = value
        return strokes if device is None else strokes.to(device)

    def transform(
        self,
        strokes: torch.Tensor,
        scale: float | torch.Tensor,
        offset: Sequence[float | torch.Tensor] | torch.Tensor = (0.0, 0.0),
    ) -> torch.Tensor:
        """Moves strokes from a block's coordinates to the canvas's: positions · scale + offset, sizes · scale.

        Angles, curve ratios, colours and opacity stay. Differentiable in all three arguments.

        Args:
            strokes: `[..., P]`.
            scale: a number, or a tensor that broadcasts with `[...]`.
            offset: (x, y) in units after scaling: numbers, tensors that broadcast with `[...]`, or one tensor `[...,
                2]`.

        Returns:
            `[..., P]`.
        """
        import torch

        self.check(strokes)
        x, y = (offset[..., 0], offset[..., 1]) if isinstance(offset, torch.Tensor) else offset
        moved_x, moved_y, resized = (
            torch.tensor([i in indices for i in range(self.count)], device=strokes.device)
            for indices in (self.x_positions, self.y_positions, self.positions + self.sizes)
        )
        scale, x, y = (
            torch.as_tensor(value, dtype=strokes.dtype, device=strokes.device)[..., None] for value in (scale, x, y)
        )
        factor = torch.where(resized, scale, 1.0)
        shift_x = torch.where(moved_x, x, 0.0)
        shift_y = torch.where(moved_y, y, 0.0)
        return strokes * factor + (shift_x + shift_y)

    def bounds(self, strokes: torch.Tensor) -> torch.Tensor:
        """Boxes that hold the strokes, edges' softness not counted: `[..., 4]` as x0, y0, x1, y1 in units."""
        import torch

        self.check(strokes)
        if not (self.boxed or self.curved):
            raise ValueError(f"nobody knows where strokes of brush {self.name!r} lie: its geometry is unknown")
        x, y = strokes[..., list(self.x_positions)], strokes[..., list(self.y_positions)]
        low, high = torch.stack([x.amin(-1), y.amin(-1)], -1), torch.stack([x.amax(-1), y.amax(-1)], -1)
        lengths = strokes[..., list(self.sizes)]
        if self.kind in (OIL, ENGINE_BOX):
            reach = lengths.norm(dim=-1) / 2
        elif self.kind == TAPE:
            reach = lengths.norm(dim=-1) / 4
        elif self.kind == MARKER:
            reach = lengths[..., 0] / 4 * math.sqrt(2.0)
        else:
            reach = lengths.amax(-1) / 4
        return torch.cat([low - reach[..., None], high + reach[..., None]], -1)

    def check(self, strokes: torch.Tensor) -> None:
        """Raises TypeError / ValueError unless `strokes` is a floating-point tensor `[..., P]` of this brush."""
        import torch

        if not isinstance(strokes, torch.Tensor) or not strokes.is_floating_point():
            raise TypeError(f"strokes must be a floating-point tensor, got {getattr(strokes, 'dtype', type(strokes))}")
        if strokes.ndim < 1 or strokes.shape[-1] != self.count:
            raise ValueError(
                f"strokes of brush {self.name!r} have {self.count} parameters "
                f"({' '.join(self.parameters)}), got shape {tuple(strokes.shape)}"
            )
