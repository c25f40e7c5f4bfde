"""Brush engines: black-box functions that draw strokes and cannot be differentiated.

This module imports only numpy, because the processes that call an engine import it. Names that need torch are imported
on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from neuralpaint.engines.spec import BEZIER, BOX, ONE_COLOR, TWO_COLORS, Engine, EngineError, EngineSpec, load_engine
from neuralpaint.engines.worker import open_engine

if TYPE_CHECKING:
    from neuralpaint.engines.drawing import draw_painting
    from neuralpaint.engines.pool import EnginePool
    from neuralpaint.engines.source import EngineSource

_LAZY = {"EnginePool": "pool", "EngineSource": "source", "draw_painting": "drawing"}

__all__ = [
    "BEZIER",
    "BOX",
    "ONE_COLOR",
    "TWO_COLORS",
    "Engine",
    "EngineError",
    "EnginePool",
    "EngineSource",
    "EngineSpec",
    "draw_painting",
    "load_engine",
    "open_engine",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"neuralpaint.engines.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
