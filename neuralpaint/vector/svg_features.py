"""What an SVG file uses that is not drawn, and how many elements it comes to."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

MAX_ELEMENTS = 200_000

# Elements that draw what is not drawn here, by the names of their features.
_ELEMENTS = {
    "text": "text",
    "image": "pictures",
    "foreignObject": "foreign objects",
    "animate": "animation",
    "animateMotion": "animation",
    "animateTransform": "animation",
    "set": "animation",
    "symbol": "symbols",
    "switch": "alternatives (switch)",
}
# Properties, with the values that do nothing.
_PROPERTIES = {
    "clip-path": ("clipping", ("none",)),
    "mask": ("masks", ("none",)),
    "filter": ("filters", ("none",)),
    "stroke-dasharray": ("dashes", ("none", "0")),
    "marker": ("markers", ("none",)),
    "marker-start": ("markers", ("none",)),
    "marker-mid": ("markers", ("none",)),
    "marker-end": ("markers", ("none",)),
    "mix-blend-mode": ("blend modes", ("normal",)),
    "paint-order": ("paint order", ("normal", "fill", "fill stroke", "fill stroke markers")),
}
_UNSEEN = ("defs", "clipPath", "mask", "pattern", "marker", "linearGradient", "radialGradient", "filter")


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _target(element: Element) -> str:
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == "href":
            return value.strip()
    return ""


def properties(element: Element) -> dict[str, str]:
    """Attributes, and the declarations of the style attribute, which go before them."""
    found = {key: value.strip() for key, value in element.attrib.items()}
    for declaration in element.get("style", "").split(";"):
        key, colon, value = declaration.partition(":")
        if colon:
            found[key.strip()] = value.strip()
    return found


def count_elements(root: Element) -> int:
    """Elements once every `<use>` is replaced by what it refers to; stops counting above `MAX_ELEMENTS`.

    Raises:
        ValueError: an element refers to itself, or to another file.
    """
    by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
    counts: dict[int, int] = {}
    open_: set[int] = set()

    def count(element: Element) -> int:
        key = id(element)
        if key in counts:
            return counts[key]
        if key in open_:
            raise ValueError("an element refers to itself")
        open_.add(key)
        total = 1 + sum(count(child) for child in element)
        if _name(element) == "use":
            target = _target(element)
            if target and not target.startswith("#"):
                raise ValueError("it refers to another file")
            if target[1:] in by_id:
                total += count(by_id[target[1:]])
        open_.remove(key)
        counts[key] = min(total, MAX_ELEMENTS + 1)
        return counts[key]

    return count(root)


def unsupported_features(root: Element) -> list[str]:
    """Names of the features that are not drawn, sorted."""
    found: set[str] = set()
    _collect(root, found)
    for element in root.iter():
        if _name(element) == "style":
            _collect_css("".join(element.itertext()), found)
    return sorted(found)


def _collect(element: Element, found: set[str]) -> None:
    name = _name(element)
    if name in _ELEMENTS:
        found.add(_ELEMENTS[name])
    values = properties(element)
    _collect_properties(values, found)
    opacity = values.get("opacity", "1")
    if opacity not in ("1", "1.0", "100%") and (name in ("g", "svg", "use", "a") or _is_twofold(values)):
        found.add("opacity of groups")
    for child in element:
        if _name(child) not in _UNSEEN or _name(child) == "defs":
            _collect(child, found)


def _is_twofold(values: dict[str, Any]) -> bool:
    """Whether a shape is filled and stroked by its own properties: its opacity is then that of a group."""
    return values.get("stroke", "none") != "none" and values.get("fill", "black") != "none"


def _collect_properties(values: dict[str, str], found: set[str]) -> None:
    for key, (feature, idle) in _PROPERTIES.items():
        if values.get(key, idle[0]) not in idle:
            found.add(feature)
    for key in ("fill", "stroke"):
        if "url(" in values.get(key, ""):
            found.add("gradients and patterns")


def _collect_css(text: str, found: set[str]) -> None:
    if "@import" in text or "@font-face" in text:
        found.add("style sheets of other files")
    for block in re.findall(r"\{([^}]*)\}", text):
        values = dict(part.split(":", 1) for part in block.split(";") if ":" in part)
        _collect_properties({key.strip(): value.strip() for key, value in values.items()}, found)
