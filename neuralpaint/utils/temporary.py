"""Names of temporary files that say who writes them, so that those of killed processes can be removed."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets
import time
from pathlib import Path

_NAME = re.compile(r"\..*\.([0-9a-f]{8})-(\d{1,10})-(\d{1,20})-[0-9a-f]{8}\.neuralpaint\.tmp", re.DOTALL)
_STEM = 120  # bytes of the name of the target; a name may have 255
_DAY = 24 * 3600.0
_FOLDERS = 1024  # remembered as cleaned up


def temporary_name(target: Path) -> Path:
    """A new temporary name in the folder of a file: it holds a mark of this machine since it was started, and the
    number and the start of this process."""
    stem = os.fsencode(target.name)[:_STEM].decode("utf-8", "ignore")
    process = os.getpid()
    begun = _begun(process)
    return target.with_name(
        f".{stem}.{_machine()}-{process}-{begun[0] if begun else 0}-{secrets.token_hex(4)}.neuralpaint.tmp"
    )


@functools.lru_cache(_FOLDERS)
def clean_up(folder: str) -> None:
    """Removes temporary files from a folder, once a process: those of processes of this machine that have ended, and
    those of other machines that nobody has written to for a day. Never raises OSError."""
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if entry.name.endswith(".neuralpaint.tmp")]
    except OSError:
        return
    for entry in found:
        try:
            if entry.is_file(follow_symlinks=False) and _abandoned(entry):
                os.unlink(entry.path)
        except OSError:
            pass  # another run has removed it, or it is another user's


def _abandoned(entry: os.DirEntry[str]) -> bool:
    match = _NAME.fullmatch(entry.name)
    if match is None:
        return False
    machine, process, begun = match[1], int(match[2]), int(match[3])
    if machine == _machine():
        return not _alive(process, begun)
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > _DAY


def _alive(process: int, begun: int) -> bool:
    """Whether a process that began at that time may still be running; numbers of processes are used again."""
    if os.name != "posix":  # elsewhere, kill ends it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # another user's
    now = _begun(process)
    return now is None or not begun or (now[0] == begun and now[1] not in "ZX")


def _begun(process: int) -> tuple[int, str] | None:
    """(when a process began, in ticks since the machine was started; its state); None if the system does not say."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[19]), fields[0].decode()
    except (OSError, IndexError, ValueError):
        return None


@functools.cache
def _machine() -> str:
    """Eight hexadecimal digits: the same for processes that see each other's numbers, until the next start."""
    parts = [os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")]
    for read in (lambda: Path("/proc/sys/kernel/random/boot_id").read_text(), lambda: os.readlink("/proc/self/ns/pid")):
        try:
            parts.append(read())
        except OSError:
            parts.append("")
    return hashlib.blake2b("\n".join(parts).encode(errors="surrogateescape"), digest_size=4).hexdigest()
