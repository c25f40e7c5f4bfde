"""Shared by the commands that take `--engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralpaint.engines import Engine


def get_engine(address: str, timeout: float, brush: str = "oil") -> Engine:
    """The engine at `package.module:function`. ValueError if `--brush` (default: oil) was given as well."""
    from neuralpaint.engines import open_engine

    if brush != "oil":
        raise ValueError(f"--brush {brush}: an engine has its own brush, use either --brush or --engine")
    return open_engine(address, timeout)
