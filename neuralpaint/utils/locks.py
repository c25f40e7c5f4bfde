"""Locks of folders: one writer at a time."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from neuralpaint.utils.files import make_folder
from neuralpaint.utils.temporary import clean_up

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".neuralpaint-lock"
_HELD = (errno.EWOULDBLOCK, errno.EACCES)


class FolderInUse(ValueError):
    """Another process or thread writes to the folder."""


@contextlib.contextmanager
def folder_lock(folder: str | os.PathLike) -> Iterator[None]:
    """Locks a folder, which is created if missing, against other writers that ask for its lock, and removes what killed
    ones have left there.

    The system gives it back when the process dies, however it does. Does nothing where there are no such locks
    (Windows, some network file systems), or where no file can be made: the writer finds out itself.

    Raises:
        FolderInUse: it is locked.
        WriteError: the folder cannot be made.
    """
    path = make_folder(folder) / LOCK
    clean_up(os.path.realpath(folder))
    descriptor = None if fcntl is None else _lock(path)
    try:
        yield
    finally:
        if descriptor is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)  # before it is released: nobody else's
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # forked children have the file open, too
            os.close(descriptor)


def _lock(path: Path) -> int | None:
    """The locked file; None if it cannot be locked."""
    while True:
        try:
            descriptor = _open(path)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
                return descriptor
        except FileNotFoundError:
            pass  # its holder has just put it away
        except OSError as error:
            os.close(descriptor)
            if error.errno in _HELD:
                raise FolderInUse(
                    f"another run is writing to {path.parent}: wait until it has ended, or choose another folder"
                ) from None
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        return os.open(path, os.O_RDONLY)  # another user's
