"""Shared by the commands that take `--engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralpaint.engines import Engine


def get_engine(address: str, brush: str = "oil") -> Engine:
    """Loads the engine at `package.module:function`. ValueError if `--brush` (default: oil) was given as well."""
    from neuralpaint.engines import load_engine

    if brush != "oil":
        raise ValueError(f"--brush {brush}: an engine has its own brush, use either --brush or --engine")
    return load_engine(address)
