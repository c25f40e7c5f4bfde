"""What there is to choose from on the page, and the files of the page itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from neuralpaint.serve.choices import FINISH, MAX_STROKES, PRESETS

_PAGES = Path(__file__).parent / "static"
_WEIGHTS = Path(__file__).parents[1] / "weights"


def pages() -> dict[str, bytes]:
    """The files of the page by name."""
    return {path.name: path.read_bytes() for path in sorted(_PAGES.iterdir()) if path.is_file()}


def style_thumbnails() -> dict[str, Path]:
    """The bundled styles: a thumbnail of each."""
    return {path.stem: path for path in sorted((_WEIGHTS / "styles-light" / "thumbnails").glob("*.jpg"))}


def catalogue(styles: list[str]) -> dict[str, Any]:
    """Brushes, looks, palettes and what else there is, for the page."""
    from neuralpaint.brushes import brushes
    from neuralpaint.images.palette import PALETTES, Palette, hex_of
    from neuralpaint.looks import get_look, looks

    return {
        "brushes": [
            {"name": brush.name, "description": brush.description} for brush in brushes().values() if brush.placement
        ],
        "looks": [
            {"name": name, "description": get_look(name).description, "options": _plain(get_look(name).options)}
            for name in looks()
        ],
        "presets": list(PRESETS),
        "palettes": [{"name": name, "colors": [hex_of(c) for c in Palette.named(name).colors]} for name in PALETTES],
        "styles": styles,
        "finish": list(FINISH),
        "max_strokes": MAX_STROKES,
        "video": importlib.util.find_spec("av") is not None,
        "heic": importlib.util.find_spec("pillow_heif") is not None,
    }


def _plain(options: Any) -> dict[str, Any]:
    found = dict(options)
    if "palette" in found:
        found["palette"] = str(found["palette"])
    return found
