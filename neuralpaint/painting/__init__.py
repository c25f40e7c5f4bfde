"""Paintings: the strokes, how they are drawn, and the files they are kept in."""

from neuralpaint.painting.painting import Painting

__all__ = ["Painting"]
