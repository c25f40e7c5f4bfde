"""Brushes: what the numbers of a stroke mean."""

from neuralpaint.brushes.brush import Brush, TexturedBrush, brushes, get_brush

__all__ = ["Brush", "TexturedBrush", "brushes", "get_brush"]
