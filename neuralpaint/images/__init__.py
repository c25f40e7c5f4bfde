"""Images: reading, writing, resampling, comparing, and streaming those too large for memory.

Names that need torch are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "load_image": "io",
    "save_image": "io",
    "parse_color": "io",
    "to_bytes": "io",
    "to_pil": "io",
    "psnr": "metrics",
    "resize": "resample",
    "LargePhoto": "streaming",
    "Palette": "palette",
}

__all__ = ["LargePhoto", "Palette", "load_image", "parse_color", "psnr", "resize", "save_image", "to_bytes", "to_pil"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
