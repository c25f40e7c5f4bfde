"""What a painting is compared by: differentiable losses between a canvas and a target."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from neuralpaint.losses.transport import TransportLoss

if TYPE_CHECKING:
    from neuralpaint.losses.style import StyleLoss

__all__ = ["StyleLoss", "TransportLoss"]


def __getattr__(name: str) -> Any:
    if name == "StyleLoss":  # only on first use: a search without a style need not wait for the features
        return importlib.import_module("neuralpaint.losses.style").StyleLoss
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
