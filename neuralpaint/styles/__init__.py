"""Stylizes photos with one feed-forward network for many styles. Names that need torch are imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuralpaint.styles.network import StyleNetwork
    from neuralpaint.styles.norm import ConditionalInstanceNorm2d

_LAZY = {"ConditionalInstanceNorm2d": "norm", "StyleNetwork": "network"}

__all__ = ["ConditionalInstanceNorm2d", "StyleNetwork"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
