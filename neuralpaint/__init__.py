"""neuralpaint: turns photos into paintings made of brush strokes.

import neuralpaint
painting = neuralpaint.paint("photo.jpg", brush="oil", strokes=500)
painting.render(2048).save("painting.png")
"""

from __future__ import annotations

import importlib

from neuralpaint import _deprecated
from neuralpaint._version import __version__

TYPE_CHECKING = False  # of typing, which would take longer to import than the rest
if TYPE_CHECKING:
    from typing import Any

    from neuralpaint import brushes
    from neuralpaint.brushes import Brush, TexturedBrush, get_brush
    from neuralpaint.painting.painting import Painting
    from neuralpaint.search.paint import paint
    from neuralpaint.search.restyle import restyle
    from neuralpaint.search.runner import Progress
    from neuralpaint.search.styled.paint import paint_in_style
    from neuralpaint.styles.stylize import stylize
    from neuralpaint.styles.transfer_style import transfer_style

# The module of each public name. Imported on first use, so that `neuralpaint --help` does not import torch.
_HOMES = {
    "paint": "neuralpaint.search",
    "paint_in_style": "neuralpaint.search",
    "restyle": "neuralpaint.search",
    "Progress": "neuralpaint.search",
    "Painting": "neuralpaint.painting.painting",
    "Brush": "neuralpaint.brushes",
    "TexturedBrush": "neuralpaint.brushes",
    "get_brush": "neuralpaint.brushes",
    "stylize": "neuralpaint.styles.stylize",
    "transfer_style": "neuralpaint.styles.transfer_style",
}

__all__ = ["Brush", "Painting", "Progress", "TexturedBrush", "__version__", "brushes", "get_brush", "paint", "restyle"]
__all__ += ["paint_in_style", "stylize", "transfer_style"]

_deprecated.install()


def __getattr__(name: str) -> Any:
    if name == "brushes":
        return importlib.import_module("neuralpaint.brushes")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
