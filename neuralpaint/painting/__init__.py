"""Paintings: strokes, rendering, stroke files and what else a painting is written to.

`Painting` is loaded when it is first asked for: outputs can be checked without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neuralpaint.painting.finish import Finish

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting

__all__ = ["Finish", "Painting"]


def __getattr__(name: str) -> Any:
    if name == "Painting":
        from neuralpaint.painting.painting import Painting

        return Painting
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
