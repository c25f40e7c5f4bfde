"""Vector graphics: pictures of paths, read and written as SVG, drawn differentiably, and fitted to photos."""

from neuralpaint.vector.image import VectorImage
from neuralpaint.vector.svg_reader import UnsupportedSVG, read_svg
from neuralpaint.vector.svg_writer import write_svg
from neuralpaint.vector.vectorize import VectorizeProgress, VectorizeSettings, vectorize

__all__ = [
    "UnsupportedSVG",
    "VectorImage",
    "VectorizeProgress",
    "VectorizeSettings",
    "read_svg",
    "vectorize",
    "write_svg",
]
