"""The compiled extension. Importing this registers the operators `torch.ops.neuralpaint.*` and their kernels."""

from __future__ import annotations

import torch  # noqa: F401  (first: the extension is linked against torch's libraries)

try:
    from neuralpaint import _C
except ImportError as error:
    raise ImportError(
        "neuralpaint's compiled extension is missing or was built for another Python or torch: "
        f"run `pip install .` in the source folder ({error})"
    ) from error

HAS_CUDA: bool = _C.has_cuda
"""Whether this build holds the CUDA kernels."""

SIMD: str = _C.simd
"""The widest instruction set that the CPU kernels may use: avx512, avx2, neon or baseline."""


def pooled_bytes() -> int:
    """Bytes of freed large CPU results (1 MiB and more) that are kept for the next call; at most
    NEURALPAINT_POOL_MIB MiB (an environment variable read once; default 256, and 0 keeps nothing)."""
    return _C.pooled_bytes()


def empty_pool() -> None:
    """Hands the memory counted by `pooled_bytes` back to the system."""
    _C.empty_pool()
