"""PDF: the SVG of a painting, converted by CairoSVG."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

from neuralpaint.painting.exporters.settings import SvgSettings
from neuralpaint.painting.exporters.svg import svg_text
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    from neuralpaint.painting.painting import Painting


def write_pdf(painting: Painting, path: str | os.PathLike, settings: SvgSettings | None = None) -> int:
    """Writes a painting as a PDF of one page, in vectors. The output is deterministic.

    CairoSVG holds the whole drawing in memory: 4 kB a stroke of tape, 25 kB a stroke with a gradient.

    Args:
        painting: of any brush but an engine's.
        path: the file.
        settings: as of `write_svg`; without `size_mm` 96 pixels are an inch.

    Returns:
        The size of the file in bytes.

    Raises:
        ValueError: as `write_svg`, or CairoSVG (the extra `svg`) or its library is missing.
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    text = svg_text(painting, settings or SvgSettings())
    surface = _surface()
    converted = io.BytesIO()
    surface.convert(bytestring="".join(text).encode(), write_to=converted, unsafe=False)
    with atomic_write(path) as file:
        file.write(converted.getbuffer())
    return converted.tell()


def has_cairosvg() -> bool:
    """Whether `write_pdf` can work here."""
    try:
        _surface()
    except ValueError:
        return False
    return True


def _surface() -> Any:
    """CairoSVG's writer of PDF, without the time of day in the file. ValueError if there is none."""
    try:
        import cairocffi
        from cairosvg.surface import PDFSurface
    except ImportError:
        raise ValueError('PDF needs CairoSVG: pip install "neuralpaint[svg]"') from None
    except OSError:  # what cairocffi raises if it does not find the library
        raise ValueError(
            "PDF needs the library cairo, which is not installed: on Debian, apt install libcairo2"
        ) from None

    class Surface(PDFSurface):
        def finish(self) -> None:
            self.cairo.set_metadata(cairocffi.PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z")
            super().finish()

    return Surface
