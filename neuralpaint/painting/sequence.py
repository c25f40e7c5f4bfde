"""A painting as a sequence of strokes: choosing, joining and comparing them, and as arrays and tables."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np
import torch

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

    from neuralpaint.brushes import Brush
    from neuralpaint.painting.finish import Finish

_LEVELS = "levels"  # of the metadata: how many strokes each level of a search added, which holds for all of them only


class StrokeSequence:
    """What `Painting` has in common with a list, whose elements are strokes, tensors `[P]`, in painting order.

    - `len(painting)`, `for stroke in painting`, `painting[3]`, `painting[-1]`: one stroke.
    - `painting[:100]`, `painting[[5, 2]]`, `painting[painting.strokes[:, 2] > 0.5]`: a painting of the strokes that a
      slice, a list, array or tensor of numbers, or a mask of N booleans chooses, in that order, on the same canvas.
      Raises IndexError for numbers and masks that do not fit, TypeError for anything else.
    - `first + second`: the strokes of the second laid over those of the first, whose background, finish, alpha and
      metadata the sum has. Raises ValueError if brush, aspect or size differ.
    - `first == second`: whether all attributes are equal, wherever the strokes are.
    - `numpy.asarray(painting)` is `painting.numpy()`.
    """

    strokes: torch.Tensor
    brush: Brush
    aspect: tuple[float, float]
    background: tuple[float, float, float]
    size: int
    metadata: Mapping[str, Any]
    finish: Finish
    alpha: torch.Tensor | None

    def __len__(self) -> int:
        return len(self.strokes)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(self.strokes.unbind(0))

    @overload
    def __getitem__(self, index: int) -> torch.Tensor: ...

    @overload
    def __getitem__(self, index: slice | Sequence[int] | Sequence[bool] | np.ndarray | torch.Tensor) -> Self: ...

    def __getitem__(self, index: Any) -> torch.Tensor | Self:
        numbers = _numbers(index, len(self))
        if isinstance(numbers, int):
            return self.strokes[numbers]
        if numbers.tolist() == list(range(len(self))):
            return self._with(self.strokes.clone(), self.metadata)
        return self._with(self.strokes[numbers.to(self.strokes.device)], _without_levels(self.metadata))

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, StrokeSequence):
            return NotImplemented
        for name in ("brush", "aspect", "size"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                shown = f"{ours} and {theirs}" if str(ours) != str(theirs) else f"two that are called {ours}"
                raise ValueError(f"paintings to join must have the same {name}, got {shown}")
        both = torch.cat([self.strokes, other.strokes.to(self.strokes.device)])
        return self._with(both, _without_levels(self.metadata))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StrokeSequence):
            return NotImplemented
        names = ("brush", "aspect", "background", "size", "finish", "metadata")
        return all(getattr(self, name) == getattr(other, name) for name in names) and all(
            a is b or (a is not None and b is not None and torch.equal(a.cpu(), b.cpu()))
            for a, b in ((self.strokes, other.strokes), (self.alpha, other.alpha))
        )

    def __hash__(self) -> int:
        return hash((self.brush, self.aspect, self.background, self.size, len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.strokes.cpu().numpy()
        if copy is False:
            if self.strokes.device.type != "cpu" or array.dtype != (dtype or array.dtype):
                raise ValueError("an array of these strokes takes a copy: leave copy=False out")
            return array
        return array.astype(dtype or array.dtype)

    def numpy(self) -> np.ndarray:
        """The strokes as a new array, float32 `[N, P]`."""
        return self.__array__()

    def to_pandas(self) -> pandas.DataFrame:
        """The strokes as a table: a row for each, in painting order, and a float32 column for each parameter.

        Raises:
            ImportError: pandas is not installed; the message says how to install it.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(f"a table needs pandas: pip install 'neuralpaint[pandas]' ({error})") from error
        rows = pandas.RangeIndex(len(self), name="stroke")
        return pandas.DataFrame(self.numpy(), rows, list(self.brush.parameters))

    def _with(self, strokes: torch.Tensor, metadata: Mapping[str, Any]) -> Self:
        return dataclasses.replace(cast("Any", self), strokes=strokes, metadata=metadata)


def _without_levels(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name != _LEVELS}


def _numbers(index: Any, count: int) -> int | torch.Tensor:
    """Which of `count` strokes an index means: one, or int64 `[K]` on the CPU."""
    if isinstance(index, slice):
        chosen = range(count)[index]
        return torch.arange(len(chosen)) * chosen.step + chosen.start
    if not isinstance(index, (bool, np.bool_)) and (number := _whole(index)) is not None:
        _check_range(number, number, count)
        return number % count
    values = index.detach().cpu().numpy() if isinstance(index, torch.Tensor) else _as_array(index)
    if values is None or values.ndim != 1 or values.dtype.kind not in "biu":
        raise TypeError(
            "strokes are chosen by a number, a slice, a list of numbers or a mask of booleans, got "
            f"{type(index).__name__}" + ("" if values is None else f" of {values.dtype} {list(values.shape)}")
        )
    if values.dtype.kind == "b":
        if len(values) != count:
            raise IndexError(f"the mask has {len(values)} booleans, the painting {count} strokes")
        values = np.nonzero(values)[0]
    if len(values):
        _check_range(int(values.min()), int(values.max()), count)
    return torch.from_numpy(np.where(values < 0, values + count, values).astype(np.int64))


def _whole(index: Any) -> int | None:
    """The index as one number, or None if it is none."""
    if isinstance(index, torch.Tensor) and (index.ndim or index.dtype == torch.bool or index.is_floating_point()):
        return None
    if isinstance(index, np.ndarray) and index.ndim:
        return None
    try:
        return operator.index(index)
    except TypeError:
        return None


def _as_array(index: Any) -> np.ndarray | None:
    """A list, a range, an array or a column of a table as an array; None if it is none of them."""
    if isinstance(index, (str, bytes, tuple)) or not hasattr(index, "__len__"):
        return None
    try:
        values = np.asarray(index)
    except ValueError:  # lists of different lengths
        return None
    return values if values.size or values.ndim != 1 else values.astype(np.int64)


def _check_range(low: int, high: int, count: int) -> None:
    for number in (low, high):
        if not -count <= number < count:
            raise IndexError(f"there is no stroke {number}: the painting has {count}")
