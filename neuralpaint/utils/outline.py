"""Builds a network without its weights: their names and shapes, on the device "meta"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_FILLING = {"kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "mul_"}


@contextmanager
def outline() -> Iterator[None]:
    """Networks that are built in the block take no memory and draw no random numbers."""
    with torch.device("meta"), _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    """Leaves weights unfilled. On the device "meta", filling them at random imports torch's compiler, which takes
    seconds."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__name__", "") in _FILLING:
            return args[0] if args else (kwargs or {})["tensor"]
        return (torch.empty if func is torch.randn else func)(*args, **(kwargs or {}))
