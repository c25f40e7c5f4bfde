"""Definition of a brush engine: a drawing function and the meaning of its stroke parameters."""

from __future__ import annotations

import hashlib
import importlib
import itertools
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralpaint.brushes import brushes
from neuralpaint.brushes.base import ONE_COLOR, TWO_COLORS
from neuralpaint.brushes.box import RECTANGLE
from neuralpaint.brushes.curve import CURVE
from neuralpaint.brushes.engine import engine_brush
from neuralpaint.utils.schema import shown

if TYPE_CHECKING:
    from neuralpaint.brushes import Brush

BOX, BEZIER = RECTANGLE, CURVE
GEOMETRIES: dict[str, tuple[str, ...]] = {"box": BOX, "bezier": BEZIER, "unknown": ()}
_TAKEN = (*brushes(), "exact", "neural")
_LONGEST, _PARAMETERS = 100, 256  # characters of a name; parameters of a stroke
_READ = 10_000  # characters of a message that are looked at
_ROUNDING = 1e-5  # tolerance for float32 rounding beyond [0, 1]

Draw = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


class EngineError(ValueError):
    """An engine is invalid or failed; the message is one line that names the engine."""


@dataclass(frozen=True)
class EngineSpec:
    """The stroke parameters of an engine, all in [0, 1]: the shape, then one or two RGB colours, then opacity.

    `geometry` defines the first shape parameters. More may follow, with any names, that do not affect the position.

    - "box": `xc yc w h theta`: the stroke lies in a rectangle of w × h centred at (xc, yc), rotated by π·theta.
    - "bezier": `x0 y0 x1 y1 x2 y2 radius0 radius2`: a quadratic Bézier curve from (x0, y0) to (x2, y2) with control
      point (x0 + x1·(x2 − x0), y0 + y1·(y2 − y0)), swept by a disc of radius radius0 / 4 at the start to radius2 / 4
      at the end.
    - "unknown": any parameters. A whole-image network can learn to draw them, but they cannot be used to paint, because
      it is unknown how to move such a stroke.

    Lengths are in units of the image side; y points down. Paint outside the box or curve is not learned.

    Can be used as a decorator that marks a function as an engine.

    Attributes:
        name: brush name for files and messages: letters, digits, dots, dashes, underscores.
        parameters: names in order; the last are `r g b a` or `r0 g0 b0 r2 g2 b2 a`.
        geometry: "box", "bezier" or "unknown".
        ranges: (low, high) within [0, 1] from which training samples a parameter; default: uniform in [0, 1].
        held: values of fixed parameters, such as {"a": 1.0} for an opaque brush.
        version: change this when the engine draws differently, to invalidate cached strokes.

    Raises:
        EngineError: an attribute is invalid; the message names it.
    """

    name: str
    parameters: tuple[str, ...]
    geometry: str = "unknown"
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    held: Mapping[str, float] = field(default_factory=dict)
    version: str = "1"

    def __post_init__(self) -> None:
        _normalize(self)
        if not self.name or not set(self.name) <= _LETTERS:
            raise EngineError(f"name must be letters, digits, '.', '-' and '_', got {shown(self.name)}")
        if self.name.lower() in _TAKEN:
            raise EngineError(f"name {self.name!r} is taken by a built-in brush: choose another")
        if self.geometry not in GEOMETRIES:
            raise EngineError(f"geometry must be one of {', '.join(GEOMETRIES)}, got {shown(self.geometry)}")
        names = self.parameters
        if len(set(names)) != len(names):
            raise EngineError(f"parameters must be distinct names, got {shown(' '.join(names))}")
        first = GEOMETRIES[self.geometry]
        if names[: len(first)] != first:
            raise EngineError(f"parameters of geometry {self.geometry!r} must begin with {' '.join(first)}")
        colors = next((c for c in (TWO_COLORS, ONE_COLOR) if names[-len(c) - 1 :] == (*c, "a")), None)
        if colors is None or len(names) == len(colors) + 1:
            raise EngineError(
                f"parameters must be those of the shape, then r g b a or r0 g0 b0 r2 g2 b2 a, got "
                f"{shown(' '.join(names))}"
            )
        for name, (low, high) in self.ranges.items():
            if name not in names or not 0 <= low <= high <= 1:
                raise EngineError(
                    f"ranges must be 0 ≤ low ≤ high ≤ 1 of parameters, got {shown(name)}: ({low}, {high})"
                )
        for name, value in self.held.items():
            if name not in names or not 0 <= value <= 1:
                raise EngineError(f"held must be values in [0, 1] of parameters, got {shown(name)}: {value}")

    def __call__(self, draw: Draw) -> Draw:
        draw.spec = self  # type: ignore[attr-defined]
        return draw

    @property
    def fingerprint(self) -> str:
        """A hash of all attributes."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def brush(self) -> Brush:
        """The brush for these strokes. Only the engine can draw it."""
        held = tuple((self.parameters.index(name), float(value)) for name, value in sorted(self.held.items()))
        return engine_brush(self.name, self.geometry, self.parameters, held)

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Random strokes, float32 `[count, P]`, uniform in their ranges."""
        strokes = generator.random((count, len(self.parameters)), dtype=np.float32)
        for index, name in enumerate(self.parameters):
            low, high = self.ranges.get(name, (0.0, 1.0))
            strokes[:, index] = np.float32(low) + np.float32(high - low) * strokes[:, index]
            if name in self.held:
                strokes[:, index] = self.held[name]
        return strokes

    def describe(self, stroke: np.ndarray) -> str:
        """The parameters of a stroke as "name=value, …"."""
        return ", ".join(f"{name}={value:.6g}" for name, value in zip(self.parameters, stroke, strict=True))


def _normalize(spec: EngineSpec) -> None:
    """Turns the attributes into plain strings and floats, such as those of numpy. Raises EngineError."""
    for name in ("name", "geometry", "version"):
        value = getattr(spec, name)
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise EngineError(f"{name} must be a text of at most {_LONGEST} characters, got {shown(value)}")
        object.__setattr__(spec, name, str(value))
    try:
        names = tuple(itertools.islice(spec.parameters, _PARAMETERS + 1))
    except TypeError:
        raise EngineError(f"parameters must be a list of names, got {shown(spec.parameters)}") from None
    if len(names) > _PARAMETERS:
        raise EngineError(f"parameters must be at most {_PARAMETERS}, got more")
    if not all(isinstance(name, str) and len(name) <= _LONGEST for name in names):
        raise EngineError(f"parameters must be names of at most {_LONGEST} characters, got {shown(names)}")
    object.__setattr__(spec, "parameters", tuple(map(str, names)))
    ranges, held = {}, {}
    for name, pair in _entries(spec.ranges, "ranges"):
        low, high = pair if isinstance(pair, (tuple, list, np.ndarray)) and len(pair) == 2 else (None, None)
        ranges[name] = (_number(low, f"ranges[{name!r}]"), _number(high, f"ranges[{name!r}]"))
    for name, value in _entries(spec.held, "held"):
        held[name] = _number(value, f"held[{name!r}]")
    object.__setattr__(spec, "ranges", ranges)
    object.__setattr__(spec, "held", held)


def _entries(values: Any, what: str) -> list[tuple[str, Any]]:
    if not isinstance(values, Mapping) or len(values) > _PARAMETERS:
        raise EngineError(f"{what} must map names of parameters to numbers, got {shown(values)}")
    for name in values:
        if not isinstance(name, str) or len(name) > _LONGEST:
            raise EngineError(f"{what} must map names of parameters to numbers, got {shown(name)}")
    return [(str(name), value) for name, value in values.items()]


def _number(value: Any, what: str) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise EngineError(f"{what} must hold numbers in [0, 1], got {shown(value)}")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def said(error: BaseException) -> str:
    """The class and the message of an exception of an engine, on one short line."""
    name = shorten(type(error).__name__)
    try:
        text = " ".join(str(error)[:_READ].split())
    except BaseException:  # whatever its own code does
        return f"{name} (without a message)"
    return f"{name}: {shorten(text)}" if text else name


def shorten(text: str, most: int = 300) -> str:
    """At most so many characters of a text."""
    return text if len(text) <= most else text[: most - 1] + "…"


_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


@dataclass(frozen=True)
class Engine:
    """An engine with its address `package.module:function`.

    Calling it validates what the function returns. `draw` takes strokes, float32 `[N, P]`, and the image size S in
    pixels. It returns floating-point numpy arrays in [0, 1]: foreground `[N, 3, S, S]`, RGB not multiplied by alpha and
    0 where there is no paint, and alpha `[N, 1, S, S]`.
    """

    address: str
    draw: Draw
    spec: EngineSpec

    def __call__(self, strokes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Foreground and alpha, float32, of strokes `[N, P]`.

        Raises:
            EngineError: the function raises or returns an invalid result; the message gives the engine and the
                parameters of the stroke.
        """
        try:
            result = self._checked(strokes, size)
        except EngineError as error:
            if len(strokes) == 1:
                raise EngineError(self._at(str(error), strokes[0], size)) from None
            for stroke in strokes:  # find the stroke that fails
                self(stroke[None], size)
            raise EngineError(self._at(f"{error} (for a batch of {len(strokes)} strokes; the first", strokes[0], size)
                              + ")") from None  # fmt: skip
        return result

    def _at(self, problem: str, stroke: np.ndarray, size: int) -> str:
        return f"engine {self.address} {problem}, at size {size}, {self.spec.describe(stroke)}"

    def _checked(self, strokes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        try:
            result = self.draw(strokes.copy(), size)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise EngineError(f"raised {said(error)}") from error
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise EngineError(f"returned {shorten(type(result).__name__)}, not (foreground, alpha)")
        count = len(strokes)
        foreground = _picture("foreground", result[0], (count, 3, size, size))
        return foreground, _picture("alpha", result[1], (count, 1, size, size))


def _picture(what: str, array: Any, shape: tuple[int, ...]) -> np.ndarray:
    """What an engine returned, float32 in [0, 1]. Raises EngineError."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise EngineError(f"returned {what} of type {shorten(str(kind))}, not a floating-point numpy array")
    if isinstance(array, np.ma.MaskedArray):
        raise EngineError(f"returned {what} as a masked array: return its .filled(0)")
    array = np.asarray(array)  # of no subclass
    if array.shape != shape:
        raise EngineError(f"returned {what} of shape {list(array.shape)}, not {list(shape)}")
    low, high = float(array.min(initial=0)), float(array.max(initial=1))
    if not (low == low and high == high):  # noqa: PLR0124 (NaN)
        raise EngineError(f"returned NaN in {what}")
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        worst = low if low < -_ROUNDING else high
        raise EngineError(f"returned {what} with values outside [0, 1] ({worst:.6g})")
    return array.astype(np.float32).clip(0, 1)


def load_engine(address: str) -> Engine:
    """Loads the engine at `package.module:function`, running the code of the module in this process. Also searches the
    working folder. `open_engine` runs the code in a process of its own.

    The function must have an attribute `spec`: an `EngineSpec`, or a mapping of its fields.

    Raises:
        EngineError: the function does not exist, its module cannot be imported, or its spec is invalid.
    """
    module_name, colon, function_name = address.partition(":")
    if not (module_name and colon and function_name):
        raise EngineError(f"engine must be package.module:function, got {address!r}")
    if module_name.endswith(".py") or os.sep in module_name:
        raise EngineError(f"engine must be package.module:function, not a file ({address!r}): run from its folder")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise EngineError(f"engine {address} cannot be imported: {said(error)}") from error
    draw: Any = getattr(module, function_name, None)
    if not callable(draw):
        raise EngineError(f"engine {address}: module {module_name} has no function {function_name!r}")
    spec = getattr(draw, "spec", None)
    if spec is None:
        raise EngineError(f"engine {address} has no attribute 'spec': decorate it with neuralpaint.engines.EngineSpec")
    if not isinstance(spec, EngineSpec):
        try:
            spec = EngineSpec(**spec)
        except (TypeError, EngineError) as error:
            raise EngineError(f"engine {address} has an invalid spec: {shorten(str(error))}") from error
    return Engine(address, draw, spec)
