"""What shows a painting's progress: a terminal, a page, or nobody."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralpaint.search import Progress


class Reporter:
    """Gives the callbacks of what takes long, each within a `with` block. This one shows nothing."""

    def search(self, name: str) -> AbstractContextManager[Callable[[Progress], None] | None]:
        """For the search of the strokes of a photo of that name."""
        return nullcontext()

    def drawing(self, engine: str) -> AbstractContextManager[Callable[[int, int], None] | None]:
        """For strokes that an engine draws: the callback takes those done, and all."""
        return nullcontext()


SILENT = Reporter()
