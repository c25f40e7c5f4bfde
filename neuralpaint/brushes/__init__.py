"""Brushes: what the numbers of a stroke mean."""

from neuralpaint.brushes.base import Brush
from neuralpaint.brushes.registry import brush_kinds, brushes, get_brush
from neuralpaint.brushes.textured import TexturedBrush

__all__ = ["Brush", "TexturedBrush", "brush_kinds", "brushes", "get_brush"]
