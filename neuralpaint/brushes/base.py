"""What a stroke means: the parameters of each brush, how they move with the canvas, how they are sampled."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, SupportsIndex

import numpy as np

from neuralpaint.brushes.outlines import swept_discs
from neuralpaint.brushes.starts import Starts
from neuralpaint.brushes.texture import (
    as_fake,
    built_in_texture,
    pack_texture,
    touch_texels,
    upload_once,
)

if TYPE_CHECKING:
    import torch

    from neuralpaint.brushes.geometry import Geometry
    from neuralpaint.brushes.svg import Shapes, Writer
    from neuralpaint.brushes.turning import Turning

ONE_COLOR = ("r", "g", "b")
TWO_COLORS = ("r0", "g0", "b0", "r2", "g2", "b2")

_PACKAGE = f"{__name__.partition('.')[0]}."

BRUSHES: dict[str, Brush] = {}
"""The built-in brushes by name, as their files register them."""
ALIASES: dict[str, str] = {}
"""Other names that they are known by."""


def register(brush: Brush, *aliases: str) -> Brush:
    """Makes a brush a built-in one: `get_brush` finds it by its name and its aliases. Returns it."""
    for name in (brush.name, *aliases):
        if name in BRUSHES or name in ALIASES:
            raise ValueError(f"there is a brush {name!r} already")
    BRUSHES[brush.name] = brush
    ALIASES.update(dict.fromkeys(aliases, brush.name))
    return brush


def registered_brush(name: str) -> Brush:
    """The built-in brush of exactly this name, which pickles refer to. Raises ValueError if there is none."""
    if name not in BRUSHES:
        raise ValueError(f"there is no brush {name!r} in this version of neuralpaint")
    return BRUSHES[name]


@dataclass(frozen=True)
class Brush(Starts):
    """A brush: the parameter space of its strokes, and what a search, a renderer and a person must know of them.

    A stroke is a vector of `num_parameters` numbers in [0, 1], in the order of `parameters`: shape, colour(s), opacity.
    Positions are in units (1 = the canvas's shorter side), and so are sizes, each with a factor of its brush: a tape is
    w/2 wide, a curve's radius is radius0/4. After `transform` both may leave [0, 1]. docs/conventions.md has the unit
    and formula of every parameter.

    A kind of brush is a subclass in a file of its own. It says where its strokes lie (`placement`, `geometry`,
    `_reach`) and how a search starts them (`_lay`, `_start`, of `Starts`).

    Attributes:
        name: what `get_brush` knows it by.
        kind: the number that the kernels know it by, or from 16 on what no kernel draws but an engine.
        parameters: names, in order.
        held: (index, value) of parameters that a search must leave at that value.
        description: one line for people.
    """

    name: str
    kind: int
    parameters: tuple[str, ...]
    held: tuple[tuple[int, float], ...] = ()
    description: str = ""

    placement: ClassVar[tuple[str, ...]] = ()
    """The first parameters, which place a stroke; empty if nobody knows which they are."""
    x_names: ClassVar[tuple[str, ...]] = ("xc", "x0", "x2")
    y_names: ClassVar[tuple[str, ...]] = ("yc", "y0", "y2")
    length_names: ClassVar[tuple[str, ...]] = ("w", "h", "radius0", "radius2")
    angle: ClassVar[int | None] = None
    """Index of the angle, if there is one: half a turn wide, it wraps around from 1 to 0."""

    engine: ClassVar[bool] = False
    """True if only an engine can draw it."""
    touch: ClassVar[str] = ""
    """Name of the built-in texture that it is drawn with (see `touches`), unless it has its own; empty if with none."""
    uneven: ClassVar[bool] = False
    """True if its paint differs from place to place in a stroke."""
    split: ClassVar[float] = 0.0
    """Strokes of a larger area than this (units²) look different from smaller ones; 0 if all look alike."""
    view: ClassVar[float] = 1.0
    """The share of a preset's working pixels along a side that a search of its strokes takes."""
    operations: ClassVar[tuple[int, int]] = (0, 0)
    """Arithmetic operations (add, multiply, minimum, compare, select, root, division: one each) for a pixel under a
    stroke: forward, and forward with backward, blending included. Counted in csrc/common: about ±10 %."""

    examples_between: ClassVar[dict[str, tuple[float, float]]] = {"a": (0.75, 1.0)}
    """From where to where parameters run in strokes to show the brush by; others run from 0 to 1."""

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
    def num_parameters(self) -> int:
        """Numbers in a stroke, P."""
        return len(self.parameters)

    @property
    def count(self) -> int:
        """The old name of `num_parameters`."""
        warnings.warn("Brush.count is now Brush.num_parameters", DeprecationWarning, stacklevel=2)
        return self.num_parameters

    @property
    def boxed(self) -> bool:
        """Old: whether `placement` is that of a box."""
        warnings.warn("Brush.boxed will go: look at Brush.placement", DeprecationWarning, stacklevel=2)
        return self.placement[:1] == ("xc",)

    @property
    def curved(self) -> bool:
        """Old: whether `placement` is that of a Bézier curve."""
        warnings.warn("Brush.curved will go: look at Brush.placement", DeprecationWarning, stacklevel=2)
        return "x1" in self.placement

    @property
    def opaque(self) -> bool:
        """True if the search holds the opacity at 1."""
        return (self.opacity, 1.0) in self.held

    @property
    def shape(self) -> slice:
        """The geometry, which comes first."""
        return slice(0, self.num_parameters - 1 - 3 * len(self.colors))

    @property
    def colors(self) -> tuple[slice, ...]:
        """One or two slices of three: RGB; with two, the colour runs from the first to the second."""
        number = 2 if "r2" in self.parameters else 1
        first = self.opacity - 3 * number
        return tuple(slice(first + 3 * k, first + 3 * (k + 1)) for k in range(number))

    @property
    def opacity(self) -> int:
        """Index of a, always the last."""
        return self.num_parameters - 1

    @cached_property
    def x_positions(self) -> tuple[int, ...]:
        return self._indices(self.x_names)

    @cached_property
    def y_positions(self) -> tuple[int, ...]:
        return self._indices(self.y_names)

    @cached_property
    def positions(self) -> tuple[int, ...]:
        """Indices of coordinates in units. A curve's control point is not among them: it is a ratio of its end
        points."""
        return tuple(sorted(self.x_positions + self.y_positions))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Indices of lengths in units, without the factor that the brush has for them."""
        return self._indices(self.length_names)

    def _indices(self, names: Sequence[str]) -> tuple[int, ...]:
        return tuple(i for i, name in enumerate(self.parameters) if name in names)

    @property
    def texture(self) -> torch.Tensor:
        """The packed rip-map, int32 `[2, 2·TH, 2·TW, 2]` on the CPU, of a brush with a texture; else an empty int32
        tensor."""
        return built_in_texture(self.touch, "cpu") if self._own_texture is None else self._own_texture

    @property
    def fingerprint(self) -> str:
        """A hash of kind, parameters and texture: equal names may hide different brushes."""
        facts = (self.kind, tuple(self.parameters), getattr(self, "digest", ""))
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def texels(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(alpha, ridge), uint8 `[2, TH, TW]` each: the large texture, then the small one. None for an untextured
        brush."""
        return touch_texels(self.touch) if self.touch else None

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """A brush of the package is pickled by its name, any other by its fields."""
        if BRUSHES.get(self.name) == self and type(self).__module__.startswith(_PACKAGE):
            return registered_brush, (self.name,)
        return super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[str, Any]:
        """With the packed texture of its own, if it has one, so that it is not packed again wherever the brush goes."""
        return {name: value for name, value in self.__dict__.items() if name != "_uploaded"}

    def texture_on(self, device: torch.device | str) -> torch.Tensor:
        """`texture` on a device, uploaded once. Of fake tensors' mode a fake one."""
        import torch

        key, own = str(device), self._own_texture
        if own is None:
            texture = built_in_texture(self.touch, key)
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

        device = generator.device if generator else device
        strokes = torch.rand(n, self.num_parameters, generator=generator, dtype=torch.float32, device=device)
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
            torch.tensor([i in indices for i in range(self.num_parameters)], device=strokes.device)
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
        if not self.placement:
            raise ValueError(f"nobody knows where strokes of brush {self.name!r} lie: its geometry is unknown")
        x, y = strokes[..., list(self.x_positions)], strokes[..., list(self.y_positions)]
        low, high = torch.stack([x.amin(-1), y.amin(-1)], -1), torch.stack([x.amax(-1), y.amax(-1)], -1)
        reach = self._reach(strokes[..., list(self.sizes)])
        return torch.cat([low - reach[..., None], high + reach[..., None]], -1)

    def _reach(self, lengths: torch.Tensor) -> torch.Tensor:
        """How far strokes of these `sizes` `[..., K]` reach beyond their positions: `[...]`, in units."""
        raise NotImplementedError

    def centre_line(self, strokes: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Strokes `[N, P]` as lines for a tip: points `[N, K, 2]` in units, and how wide the stroke is there `[N, K]`.

        Raises:
            ValueError: the geometry of the brush is unknown.
        """
        return self._line(self._rows(strokes))

    def outline(self, strokes: torch.Tensor) -> np.ndarray:
        """What strokes `[N, P]` cover: each is the union of L convex shapes of M corners, `[N, L, M, 2]`, in units.
        Textures and soft edges do not count.

        Raises:
            ValueError: the geometry of the brush is unknown.
        """
        return self._outline(self._rows(strokes))

    def _rows(self, strokes: torch.Tensor) -> np.ndarray:
        self.check(strokes)
        if not self.placement:
            raise ValueError(f"nobody knows where strokes of brush {self.name!r} lie: its geometry is unknown")
        return strokes.detach().cpu().numpy().astype(np.float64)

    def _line(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError

    def _outline(self, strokes: np.ndarray) -> np.ndarray:
        points, width = self._line(strokes)
        return swept_discs(points, width / 2)

    @property
    def geometry(self) -> Geometry:
        """How its first parameters place a stroke."""
        from neuralpaint.brushes.geometry import Canvas

        return Canvas()

    def held_opaque(self) -> Brush:
        """The same brush, its opacity held at 1."""
        others = tuple((index, value) for index, value in self.held if index != self.opacity)
        return dataclasses.replace(self, held=(*others, (self.opacity, 1.0)))

    def along(self, strokes: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """How far along their strokes points lie, for drawing a stroke from its start to its end.

        Args:
            strokes: `[N, P]`.
            x, y: `[N, K]`, points in units.

        Returns:
            `[N, K]` in [0, 1]: 0 where the brush is set down, 1 where it is lifted.
        """
        scale = 1024.0  # geometries smooth what is smaller than a pixel: pixels that are small enough
        return self.geometry.frame(strokes, x * scale, y * scale, strokes.new_zeros(len(strokes), 2), scale).along

    def same_strokes(self, other: Brush) -> bool:
        """True if this brush's strokes are also strokes of `other`, which draws them alike."""
        texture = self.touch or self.engine
        return self == other or (not texture and self.kind == other.kind and self.parameters == other.parameters)

    def same_kind(self, other: Brush) -> bool:
        """True if strokes of both have the same parameters and are drawn in the same way, but for their textures."""
        return self.kind == other.kind and self.parameters == other.parameters

    def paint(
        self,
        strokes: torch.Tensor,
        x: torch.Tensor,
        y: torch.Tensor,
        origin: torch.Tensor,
        scale: float,
        softness: float,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the kernels compute, in plain torch: slow, readable, in any floating dtype, differentiable by autograd.

        Args:
            strokes: `[N, P]`.
            x, y: `[K]`, pixel centres.
            origin: `[N, 2]`, units, where pixel (0, 0) lies.
            scale: pixels in a unit.
            softness: width of an antialiased edge, in pixels.

        Returns:
            coverage `[N, K]`, the opacity left out, and colours `[N, 3, K]`.
        """
        raise NotImplementedError(f"brush {self.name!r} has no reference")

    def svg(self, writer: Writer) -> Shapes:
        """How its strokes become SVG (see `neuralpaint.painting.exporters.svg`).

        Raises:
            ValueError: only an engine can draw it.
        """
        if self.engine:
            raise ValueError(
                f"brush {self.name!r} is drawn by an engine, which makes pixels, not outlines: write a picture instead"
            )
        raise ValueError(f"brush {self.name!r} has no outlines for SVG: write a picture instead")

    @property
    def turning(self) -> Turning:
        """How its strokes turn.

        Raises:
            ValueError: the geometry of the brush is unknown.
        """
        raise ValueError(f"nobody knows where strokes of brush {self.name!r} lie: its geometry is unknown")

    def examples(self, n: int) -> torch.Tensor:
        """`[n, P]` strokes to show the brush by: random, but near the middle of the unit square and of a good size."""
        import torch

        strokes = self.sample(n, torch.Generator("cpu").manual_seed(3))
        held = {index for index, _ in self.held}
        for index, name in enumerate(self.parameters):
            if name in self.examples_between and index not in held:
                low, high = self.examples_between[name]
                strokes[:, index] = low + (high - low) * strokes[:, index]
        return strokes

    # ------------------------------------------------------------------------------------------------------------------

    def check(self, strokes: torch.Tensor) -> None:
        """Raises TypeError / ValueError unless `strokes` is a floating-point tensor `[..., P]` of this brush."""
        import torch

        if not isinstance(strokes, torch.Tensor) or not strokes.is_floating_point():
            raise TypeError(f"strokes must be a floating-point tensor, got {getattr(strokes, 'dtype', type(strokes))}")
        if strokes.ndim < 1 or strokes.shape[-1] != self.num_parameters:
            raise ValueError(
                f"strokes of brush {self.name!r} have {self.num_parameters} parameters "
                f"({' '.join(self.parameters)}), got shape {tuple(strokes.shape)}"
            )
