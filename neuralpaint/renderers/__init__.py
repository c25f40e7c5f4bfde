"""Renderers: what turns strokes into pixels during a search, behind one interface.

The networks are loaded when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from neuralpaint.renderers.base import Renderer, get_renderer
from neuralpaint.renderers.exact import ExactRenderer

if TYPE_CHECKING:
    from neuralpaint.renderers.networks.base import NetworkRenderer
    from neuralpaint.renderers.networks.baselines import DCGANRenderer, PixelShuffleRenderer, UNetRenderer
    from neuralpaint.renderers.networks.coordinate import CoordinateRenderer
    from neuralpaint.renderers.networks.dual_pathway import (
        DualPathwayRenderer,
        RasterizationOnlyRenderer,
        ShadingOnlyRenderer,
    )
    from neuralpaint.renderers.neural import NeuralRenderer

_LAZY = {
    "CoordinateRenderer": "networks.coordinate",
    "DCGANRenderer": "networks.baselines",
    "DualPathwayRenderer": "networks.dual_pathway",
    "NetworkRenderer": "networks.base",
    "NeuralRenderer": "neural",
    "PixelShuffleRenderer": "networks.baselines",
    "RasterizationOnlyRenderer": "networks.dual_pathway",
    "ShadingOnlyRenderer": "networks.dual_pathway",
    "UNetRenderer": "networks.baselines",
}

__all__ = [
    "CoordinateRenderer",
    "DCGANRenderer",
    "DualPathwayRenderer",
    "ExactRenderer",
    "NetworkRenderer",
    "NeuralRenderer",
    "PixelShuffleRenderer",
    "RasterizationOnlyRenderer",
    "Renderer",
    "ShadingOnlyRenderer",
    "UNetRenderer",
    "get_renderer",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
