"""Interface for showing the progress of a painting, in a terminal or elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralpaint.search import Progress


class Reporter:
    """Provides progress callbacks as context managers. This base class shows nothing."""

    def search(self, name: str) -> AbstractContextManager[Callable[[Progress], None] | None]:
        """Callback for the search on the photo of that name."""
        return nullcontext()

    def drawing(self, engine: str) -> AbstractContextManager[Callable[[int, int], None] | None]:
        """Callback for strokes drawn by an engine; it takes (done, total)."""
        return nullcontext()

    def writing(self, name: str) -> AbstractContextManager[Callable[[int, int], None] | None]:
        """Callback for a file of that name whose frames are written; it takes (done, total)."""
        return nullcontext()


SILENT = Reporter()
