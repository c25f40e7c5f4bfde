"""Memory as a budget: how much there is, what a person allows, and what things need."""

from __future__ import annotations

import os
import re
from pathlib import Path

PROCESS = 500 * 2**20  # bytes of Python with torch, our kernels and their buffers, before there is any picture
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_bytes(text: str | int, name: str = "memory") -> int:
    """Bytes of "2G", "1500M", "2.5GiB" or a number of bytes. Units are powers of 1024.

    Raises:
        ValueError: if it is none of these, or not above 0.
        TypeError: if it is neither text nor a whole number.
    """
    if isinstance(text, bool) or not isinstance(text, (str, int)):
        raise TypeError(f"{name} must be like '2G', or a number of bytes, got {text!r}")
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", str(text), re.IGNORECASE)
    if match is None or not float(match[1]) > 0:
        raise ValueError(f"{name} must be like 2G or 1500M, above 0, got {text!r}")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def format_bytes(count: float) -> str:
    """Such as 1.5G or 700M, rounded up so that the result is enough."""
    megabytes = -(-count // 2**20)
    return f"{megabytes:.0f}M" if megabytes < 10240 else f"{-(-count // 2**30):.0f}G"


def budget(memory: str | int | None = None) -> int:
    """Bytes that may be used: `memory`, by default half of what is available on this machine."""
    return available() // 2 if memory is None else parse_bytes(memory)


def available() -> int:
    """Bytes that could be had now without swapping, the limit of a container counted."""
    free = _meminfo()
    if free is None:
        try:
            free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        except (AttributeError, ValueError, OSError):
            free = 4 * 2**30
    free = min([free, *_cgroup_free()])
    return max(free, 0)


def _cgroup_free(processes: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> list[int]:
    """What the limits on this process's control group, and on each group above it, leave. Cached file pages that the
    system can drop count as free."""
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
        # In a container the path may be the host's, of which only the root is there.
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            try:
                limit, used = (int((folder / name).read_text()) for name in (limit_name, used_name))
                found = re.search(rf"^{cache_name} (\d+)", (folder / "memory.stat").read_text(), re.MULTILINE)
                left.append(limit - used + (int(found[1]) if found else 0))
            except (OSError, ValueError):  # no limit there, or "max"
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
    """Raises ValueError, which says the least that does, if `need` bytes are more than `have`."""
    if need > have:
        raise ValueError(f"memory: {format_bytes(have)} is too little for {what}: at least {format_bytes(need)}")
