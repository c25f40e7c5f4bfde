"""What an exception is called in one line, and the exit code that it means."""

from __future__ import annotations

FAILED, MISUSED = 1, 2


def explain(error: BaseException) -> tuple[str, int]:
    """(one line, exit code) for whatever went wrong: bad input is the caller's, the rest is ours or the machine's."""
    text = " ".join(str(error).split()) or type(error).__name__
    # By its name: importing it is what failed.
    if isinstance(error, (ValueError, TypeError)) or type(error).__name__ == "KernelError":
        return text, MISUSED
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"not enough memory: try a smaller --size or fewer --strokes ({text})", FAILED
    if isinstance(error, (OSError, RuntimeError, ImportError)):
        return text, FAILED
    return f"internal error, --debug shows where: {type(error).__name__}: {text}", FAILED
