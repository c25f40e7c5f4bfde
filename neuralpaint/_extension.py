"""The compiled kernels. Importing this registers the operators `torch.ops.neuralpaint.*`.

The CPU kernels are built once for each CPU level (neuralpaint/lib). The best level that this processor supports is
loaded, or the one selected by torch's environment variable ATEN_CPU_CAPABILITY: default, avx2 or avx512.
"""

from __future__ import annotations

import os
import platform
import struct
import sys
from pathlib import Path
from typing import Any


class KernelError(ImportError):
    """The kernels cannot be loaded. The message says what to do."""


try:
    import neuralpaint._C as _C
except ImportError as error:
    raise KernelError(
        "neuralpaint's compiled module is missing, damaged or built for another Python: reinstall neuralpaint, or run "
        f"`pip install .` in the source folder ({error})"
    ) from error

FOLDER = Path(os.environ.get("NEURALPAINT_LIB") or Path(__file__).parent / "lib")  # tools/sanitize.py sets it
OLDEST_TORCH = (2, 10)

# torch's names of the levels, best first: values of ATEN_CPU_CAPABILITY and, in lower case, of get_cpu_capability().
_X86_LEVELS = {"avx512": "x86-64-v4", "avx2": "x86-64-v3", "default": "x86-64-v2"}
_CAPABILITIES = {"x86_64": tuple(_X86_LEVELS), "aarch64": ("default", "sve256")}


def _check_torch(version: str) -> None:
    """Raises KernelError if torch is too old for the kernels."""
    numbers = version.split("+")[0].split(".")
    try:
        known = int(numbers[0]), int(numbers[1])
    except (IndexError, ValueError):
        return  # a custom build: loading the kernels shows whether it works
    if known < OLDEST_TORCH:
        oldest = ".".join(map(str, OLDEST_TORCH))
        raise KernelError(f"neuralpaint needs torch {oldest} or newer, but {version} is installed: upgrade torch")


def _check_asked(asked: str | None) -> None:
    """Raises KernelError if this is not a valid value of ATEN_CPU_CAPABILITY for this processor family."""
    machine = platform.machine().lower()
    known = _CAPABILITIES.get({"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine))
    if asked and known and asked not in known:
        raise KernelError(
            f"ATEN_CPU_CAPABILITY is {asked!r}, but must be one of {', '.join(known)}: change or unset it"
        )


def choose_level(built: list[str], capability: str, asked: str | None, missing: Any) -> str:
    """The level whose kernels to load.

    Args:
        built: the levels in this installation.
        capability: the result of `torch.backends.cpu.get_cpu_capability()`.
        asked: ATEN_CPU_CAPABILITY, or None.
        missing: maps a level to the instruction sets that it needs and the processor lacks.

    Raises:
        KernelError: `asked` is unknown or not supported by the processor, or the processor supports no level.
    """
    _check_asked(asked)
    if not set(built) & set(_X86_LEVELS.values()):
        level = built[0]  # native, or the only level of this processor family
        if missing(level):
            raise KernelError(
                f"neuralpaint's kernels were built for another processor: this one lacks "
                f"{', '.join(missing(level))}. Rebuild them here, or unset NEURALPAINT_ARCH to build for all processors"
            )
        return level
    order = list(_X86_LEVELS.values())
    best = _X86_LEVELS.get(capability.lower(), order[-1])
    usable = [level for level in order[order.index(best) :] if level in built]
    running = [level for level in usable if not missing(level)]
    if asked and usable and not running[:1] == usable[:1]:
        raise KernelError(
            f"ATEN_CPU_CAPABILITY is {asked}, but this processor lacks {', '.join(missing(usable[0]))}: unset it"
        )
    if not running:
        lowest = [level for level in order if level in built][-1]
        reason = f"it lacks {', '.join(missing(lowest))}" if missing(lowest) else f"ATEN_CPU_CAPABILITY is {asked}"
        raise KernelError(f"this installation of neuralpaint needs a processor of level {lowest} or better: {reason}")
    return running[0]


def _is_whole(path: Path) -> bool:
    """Whether the file is as long as its header says. The loader does not check this, and a process that reads beyond
    the end of a truncated library is killed by SIGBUS."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(64)
    if sys.platform != "linux":
        return size > 64
    if len(header) < 64 or header[:5] != b"\x7fELF\x02":
        return False
    (sections,) = struct.unpack_from("<Q", header, 40)  # e_shoff; the section table is at the end of the file
    entry, count = struct.unpack_from("<HH", header, 58)  # e_shentsize, e_shnum
    return size >= sections + entry * count


def _open(name: str) -> None:
    path = FOLDER / f"libneuralpaint_{name}.so"
    if not path.is_file():
        raise KernelError(f"{path} is missing: reinstall neuralpaint")
    if not _is_whole(path):
        raise KernelError(f"{path} is damaged: reinstall neuralpaint")
    try:
        _C.load(str(path))
    except RuntimeError as error:
        raise KernelError(
            f"{path.name} cannot be loaded with torch {torch.__version__}: it is damaged, or this torch was built "
            f"differently from the one on PyPI. Reinstall neuralpaint and torch ({error})"
        ) from error


def _open_cuda() -> str:
    """Loads the CUDA kernels if they were built and torch supports CUDA. Returns the reason if not, else ""."""
    if not _C.has_cuda:
        return _C.no_cuda_reason
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    try:
        _open("cuda")
    except KernelError as error:
        return str(error)
    return ""


_check_asked(os.environ.get("ATEN_CPU_CAPABILITY"))

import torch  # noqa: E402  (slow, so after the checks above; before the kernels, which need its libraries)

_check_torch(torch.__version__)

LEVEL: str = choose_level(
    _C.levels, torch.backends.cpu.get_cpu_capability(), os.environ.get("ATEN_CPU_CAPABILITY"), _C.missing
)
"""The level of the loaded CPU kernels: x86-64-v2, x86-64-v3, x86-64-v4, aarch64, generic or native."""

_open(LEVEL)

NO_CUDA: str = _open_cuda()
"""Why the CUDA kernels are not loaded; empty if they are."""

HAS_CUDA: bool = not NO_CUDA
"""Whether the CUDA kernels are loaded. They still need a GPU."""


def build_facts() -> dict[str, Any]:
    """Facts about the build and the loaded kernels: the rows of `neuralpaint info --build`."""
    return {
        "levels": list(_C.levels),
        "level": LEVEL,
        "cuda": HAS_CUDA,
        "no_cuda_reason": NO_CUDA,
        "compiler": _C.compiler,
        "built_with_torch": _C.torch_version,
        "torch": torch.__version__,
    }


def pooled_bytes() -> int:
    """Bytes of freed large CPU results (1 MiB and more) cached for reuse; at most NEURALPAINT_POOL_MIB MiB (an
    environment variable read once; default 256; 0 disables the cache). The storage of such a result cannot grow:
    `resize_` to more elements raises RuntimeError. With torch 2.10 nothing is cached."""
    return _C.pooled_bytes()


def empty_pool() -> None:
    """Returns the cached memory counted by `pooled_bytes` to the system."""
    _C.empty_pool()
