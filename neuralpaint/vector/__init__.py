"""Vector graphics: pictures of paths, read and written as SVG, drawn differentiably."""

from neuralpaint.vector.image import VectorImage
from neuralpaint.vector.svg_reader import UnsupportedSVG, read_svg
from neuralpaint.vector.svg_writer import write_svg

__all__ = [
    "UnsupportedSVG",
    "VectorImage",
    "read_svg",
    "write_svg",
]
