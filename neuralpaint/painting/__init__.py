"""Paintings: strokes, rendering and stroke files."""

from neuralpaint.painting.painting import Painting

__all__ = ["Painting"]
