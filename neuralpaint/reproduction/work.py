"""Where an entry keeps its trainings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from neuralpaint.reproduction.entry import Request


@contextmanager
def work_folder(request: Request, name: str) -> Iterator[Path]:
    """The folder for the trainings of an entry; one that is removed if the request does not name one."""
    if request.work is not None:
        yield request.work / name
        return
    with TemporaryDirectory() as folder:
        yield Path(folder)
