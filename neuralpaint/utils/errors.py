"""Converts exceptions to one-line messages and exit codes."""

from __future__ import annotations

FAILED, MISUSED = 1, 2


def explain(error: BaseException) -> tuple[str, int]:
    """(one-line message, exit code) for an exception: 2 for bad input, 1 for other failures."""
    text = " ".join(str(error).split()) or type(error).__name__
    # Compared by name, because importing the class may be what failed.
    if isinstance(error, (ValueError, TypeError)) or type(error).__name__ == "KernelError":
        return text, MISUSED
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"not enough memory: try a smaller --size or fewer --strokes ({text})", FAILED
    if isinstance(error, (OSError, RuntimeError, ImportError)):
        return text, FAILED
    return f"internal error (--debug shows the traceback): {type(error).__name__}: {text}", FAILED
