"""Atomic file writes: a reader sees either the old file or the complete new one."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from neuralpaint.utils.temporary import clean_up, temporary_name

_REASONS = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "your disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOENT: "its folder does not exist",
    errno.ENOTDIR: "a part of its folder's path is a file, not a folder",
    errno.EISDIR: "it is a folder",
    errno.EEXIST: "it is a file, not a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EFBIG: "the file would be larger than the file system or a limit (ulimit -f) allows",
}


class WriteError(OSError):
    """A file or folder could not be written; the message is one line, `errno` the system's error code."""

    def __init__(self, path: str | os.PathLike, error: OSError) -> None:
        super().__init__(error.errno, error.strerror, os.fspath(path))
        reason = _REASONS.get(error.errno or 0, str(error.strerror or error).lower())
        if error.errno == errno.ENOSPC:
            reason += _free_space(Path(path))
        self.message = f"cannot write {path}: {reason}"

    def __str__(self) -> str:
        return self.message


class _File(io.BufferedWriter):
    """A file that keeps the first error of the system. It hides its descriptor: encoders in C that write to it
    themselves say that they failed, but not why."""

    error: OSError | None = None

    def __init__(self, path: Path, mode: int, fresh: bool) -> None:
        flags = os.O_WRONLY | getattr(os, "O_BINARY", 0) | (os.O_CREAT | os.O_EXCL if fresh else 0)
        self.descriptor = os.open(path, flags, mode)
        super().__init__(io.FileIO(self.descriptor, "wb"))

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.error = self.error or error
            raise


@contextmanager
def atomic_write(path: str | os.PathLike, follow: bool = True) -> Iterator[BinaryIO]:
    """Opens a binary file that replaces `path` only if the block ends without an error.

    The file is written under a temporary name in the same folder, flushed to disk, then renamed. It keeps the mode of a
    file that it replaces. Devices and pipes are written directly. The first write to a folder removes the temporary
    files that killed processes have left there.

    Args:
        follow: if `path` is a symbolic link, replace the file that it leads to; otherwise the link.

    Raises:
        WriteError: the file cannot be written; no partial file is left, and an existing file is unchanged.
    """
    file: _File | None = None
    try:
        target, temporary = _names(path, follow)
        if target.exists() and not target.is_file() and not target.is_symlink():
            with _File(target, 0, fresh=False) as file:
                yield file
            return
        mode = _mode(target)
        try:
            with _File(temporary, 0o666 if mode is None else mode, fresh=True) as file:
                yield file
                file.flush()
                os.fsync(file.descriptor)
            _replace(temporary, target, mode)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except Exception as error:
        if file is not None and file.error is not None:
            raise WriteError(path, file.error) from error
        if isinstance(error, OSError) and not isinstance(error, WriteError):
            raise WriteError(path, error) from error
        raise


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Like `atomic_write`, for writers that need a path: yields a temporary path in the same folder, renamed to `path`
    if the block ends without an error.

    Raises:
        WriteError: the file cannot be written; no partial file is left, and an existing file is unchanged.
    """
    try:
        target, temporary = _names(path)
        if target.exists() and not target.is_file():
            raise OSError(errno.EINVAL, "it is a device or a pipe")
        mode = _mode(target)
        try:
            _File(temporary, 0o666 if mode is None else mode | stat.S_IRUSR | stat.S_IWUSR, fresh=True).close()
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            _replace(temporary, target, mode)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except WriteError:
        raise
    except OSError as error:
        raise (WriteError(path, error) if error.errno else error) from error


def out_of_space(path: str | os.PathLike, least: int = 1 << 20) -> bool:
    """Whether the disk of `path` has less than `least` bytes free."""
    try:
        return shutil.disk_usage(Path(os.path.realpath(path)).parent).free < least
    except OSError:
        return False


def check_writable(path: str | os.PathLike) -> None:
    """Raises WriteError now if `atomic_write(path)` would fail later (except for lack of disk space)."""
    try:
        _, probe = _names(path)
        probe.open("xb").close()
        probe.unlink()
    except OSError as error:
        raise WriteError(path, error) from error


def check_readable(path: str | os.PathLike) -> None:
    """Raises ValueError if the path of a stroke file does not exist or is a folder."""
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder: choose a stroke file in it")
    if not os.path.exists(path):
        raise ValueError(f"{path} does not exist: check the path")


def make_folder(path: str | os.PathLike) -> Path:
    """Creates a folder and its parents if missing. Raises WriteError on failure."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(path, error) from error
    return Path(path)


def _names(path: str | os.PathLike, follow: bool = True) -> tuple[Path, Path]:
    """(the file that `path` resolves to, a temporary path next to it). OSError if it cannot be a file."""
    target = Path(os.path.realpath(path))
    if not follow and os.path.islink(path):
        target = Path(os.path.realpath(Path(path).parent), Path(path).name)
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    try:
        os.stat(target)  # detects a name that is too long, which the shorter temporary name would not
    except FileNotFoundError:
        pass
    clean_up(os.fspath(target.parent))
    return target, temporary_name(target)


def _mode(target: Path) -> int | None:
    """The permissions of an existing file; None if there is none, or it is a link."""
    try:
        found = os.lstat(target).st_mode
    except OSError:
        return None
    return None if stat.S_ISLNK(found) else stat.S_IMODE(found) & 0o777


def _replace(temporary: Path, target: Path, mode: int | None) -> None:
    if mode is not None:
        with suppress(OSError):  # a file system without permissions
            os.chmod(temporary, mode)  # which the umask may have reduced
    os.replace(temporary, target)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the rename durable, on file systems that support it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _free_space(path: Path) -> str:
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return ""
    return f" ({free / 2**20:.1f} MiB free in {path.parent})"
