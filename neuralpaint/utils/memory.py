"""Memory budgets: available memory, limits and checks."""

from __future__ import annotations

import os
import re
from pathlib import Path

PROCESS = 500 * 2**20  # base memory of a process in bytes: Python, torch, the kernels and their buffers
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_bytes(text: str | int, name: str = "memory") -> int:
    """Parses "2G", "1500M", "2.5GiB" or a number of bytes. Units are powers of 1024.

    Raises:
        ValueError: the text is invalid, or the number is not above 0.
        TypeError: it is neither a string nor an integer.
    """
    if isinstance(text, bool) or not isinstance(text, (str, int)):
        raise TypeError(f"{name} must be like '2G', or a number of bytes, got {text!r}")
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", str(text), re.IGNORECASE)
    if match is None or not float(match[1]) > 0:
        raise ValueError(f"{name} must be like 2G or 1500M, above 0, got {text!r}")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def format_bytes(count: float) -> str:
    """Formats bytes such as 12G or 700M, rounded up."""
    megabytes = -(-count // 2**20)
    return f"{megabytes:.0f}M" if megabytes < 10240 else f"{-(-count // 2**30):.0f}G"


def budget(memory: str | int | None = None) -> int:
    """Memory limit in bytes: `memory`, or by default half of the available memory."""
    return available() // 2 if memory is None else parse_bytes(memory)


def available() -> int:
    """Bytes available without swapping, within the limits of the container."""
    free = _meminfo()
    if free is None:
        try:
            free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        except (AttributeError, ValueError, OSError):
            free = 4 * 2**30
    free = min([free, *_cgroup_free()])
    return max(free, 0)


def _cgroup_free(processes: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> list[int]:
    """Bytes left within the limit of this process's control group and of each of its ancestors. Reclaimable page cache
    counts as free."""
    try:
        lines = processes.read_text().splitlines()
    except OSError:
        return []
    left = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, limit_name, used_name, cache_name = root, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            base, cache_name = root / "memory", "total_inactive_file"
            limit_name, used_name = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        # In a container, the path may be that of the host, of which only the root is visible.
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            try:
                limit, used = (int((folder / name).read_text()) for name in (limit_name, used_name))
                found = re.search(rf"^{cache_name} (\d+)", (folder / "memory.stat").read_text(), re.MULTILINE)
                left.append(limit - used + (int(found[1]) if found else 0))
            except (OSError, ValueError):  # no limit, or "max"
                pass
            if folder == base:
                break
    return left


def _meminfo() -> int | None:
    try:
        found = re.search(r"MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def check_budget(have: int, need: float, what: str) -> None:
    """Raises ValueError, with the required amount, if `need` bytes are more than `have`."""
    if need > have:
        raise ValueError(f"memory: {format_bytes(have)} is too little for {what}: at least {format_bytes(need)}")
