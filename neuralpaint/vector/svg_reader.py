"""SVG files as `VectorImage`. Nothing is fetched, and entities are refused."""

from __future__ import annotations

import io
import os
from typing import Any
from xml.etree.ElementTree import Element, tostring

from neuralpaint.images.io import parse_color
from neuralpaint.utils.loading import BadFile, check_length, reading
from neuralpaint.vector.image import MAX_SIDE, VectorImage
from neuralpaint.vector.svg_features import MAX_ELEMENTS, count_elements, unsupported_features, without_unseen
from neuralpaint.vector.svg_gradients import Gradients
from neuralpaint.vector.svg_shapes import Collector

MAX_BYTES = 64 * 2**20
_NEEDS = "SVG files need svgelements and defusedxml: pip install 'neuralpaint[svg]'"


class UnsupportedSVG(BadFile):
    """The file uses features that are not drawn. The message names them."""


def read_svg(
    path: str | os.PathLike, *, skip_unsupported: bool = False, background: str | tuple[float, float, float] = "white"
) -> VectorImage:
    """Reads an SVG file: its shapes and paths, filled and stroked with colours and gradients.

    Shapes, `<use>`, `<style>`, transforms, units, the viewBox and the opacity of groups are followed; circles and arcs
    become cubic curves. A stroke whose transform is not a similarity gets one width, that which covers as much area.
    Patterns, text, pictures, clipping, masks, filters, dashes, markers, animation and radial gradients that begin at a
    circle (fr) are not drawn.

    Args:
        path: the file, of at most 64 MiB.
        skip_unsupported: leave out what is not drawn (what is filled with a pattern is not filled) instead of refusing
            the file.
        background: colour under the paths, as accepted by `parse_color`.

    Raises:
        BadFile: the file is missing, damaged, too large, or refers to entities, other files or itself.
        UnsupportedSVG: it uses features that are not drawn, and `skip_unsupported` is False.
        ImportError: the extra `svg` is not installed.
    """
    try:
        import svgelements
        from defusedxml import ElementTree
    except ImportError as error:
        raise ImportError(f"{_NEEDS} ({error})") from error
    color = parse_color(background)
    with reading(path, "is not an SVG file that can be read"):
        with open(path, "rb") as file:
            check_length(os.fstat(file.fileno()).st_size, MAX_BYTES)
            data = file.read(MAX_BYTES + 1)
        check_length(len(data), MAX_BYTES)
        root = ElementTree.fromstring(data, forbid_entities=True, forbid_external=True)
        if root.tag.rpartition("}")[2] != "svg":
            raise ValueError(f"its root is <{root.tag.rpartition('}')[2]}>")
        if count_elements(root) > MAX_ELEMENTS:
            raise ValueError(f"it has more than {MAX_ELEMENTS} elements")
        features = unsupported_features(root)
        if features and not skip_unsupported:
            raise UnsupportedSVG(
                f"{path} has features that are not drawn: {', '.join(features)}. Leave them out with skip_unsupported"
            )
        return _read(root, color, svgelements)


def _read(root: Element, background: tuple[float, float, float], svgelements: Any) -> VectorImage:
    gradients = Gradients(root, svgelements)
    without_unseen(root)
    # Not reified: bounding boxes of gradients are those before the transform.
    parsed = svgelements.SVG.parse(io.BytesIO(tostring(root)), reify=False, ppi=96.0)
    width, height = _side(parsed.width, "width"), _side(parsed.height, "height")
    box = parsed.viewbox
    gradients.viewport = (width, height) if box is None else (float(box.width), float(box.height))
    collector = Collector(gradients, svgelements)
    collector.add(parsed)
    return collector.image(width, height, background)


def _side(value: Any, name: str) -> float:
    side = float(value)
    if not 0 < side <= MAX_SIDE:
        raise ValueError(f"its {name} is {side:g}, but must be above 0 and at most {MAX_SIDE}")
    return side
