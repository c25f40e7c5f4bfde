"""What the commands share that take `--engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralpaint.engines import Engine


def get_engine(address: str, brush: str = "oil") -> Engine:
    """The engine at `package.module:function`. ValueError if `--brush` (by default oil) was given, too."""
    from neuralpaint.engines import load_engine

    if brush != "oil":
        raise ValueError(f"--brush {brush}: an engine brings its own brush, leave --brush or --engine out")
    return load_engine(address)
