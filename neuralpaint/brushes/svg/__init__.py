"""How strokes become SVG: shapes, gradients and stamps that each brush makes its elements of."""

from neuralpaint.brushes.svg.shapes import Shapes
from neuralpaint.brushes.svg.text import Writer

__all__ = ["Shapes", "Writer"]
