"""What an SVG file uses that is not drawn, and how many elements it comes to."""

from __future__ import annotations

import re
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
_UNSEEN = ("clipPath", "mask", "pattern", "marker", "linearGradient", "radialGradient", "filter")
_PAINT = re.compile(r"""\s*url\(\s*["']?([^"')]*?)["']?\s*\)\s*(.*?)\s*""", re.DOTALL)

Rules = dict[str, dict[str, str]]  # declarations of each selector


def local_name(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def reference(element: Element) -> str:
    """What its href refers to; empty without one."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == "href":
            return value.strip()
    return ""


def paint_reference(text: str) -> tuple[str, str] | None:
    """Of a paint such as "url(#a) red" the reference and the fallback; None if it is a colour."""
    found = _PAINT.fullmatch(text)
    return (found[1], found[2]) if found else None


def properties(element: Element, rules: Rules | None = None) -> dict[str, str]:
    """Attributes, the declarations of `rules` that apply, and those of the style attribute; later ones go first."""
    found = {key: value.strip() for key, value in element.attrib.items()}
    name = local_name(element)
    classes = element.get("class", "").split()
    selectors = ["*", name, f"#{element.get('id')}"]
    for selector in (*selectors, *(form for word in classes for form in (f".{word}", f"{name}.{word}"))):
        found |= (rules or {}).get(selector, {})
    return found | _declarations(element.get("style", ""))


def style_rules(root: Element) -> Rules:
    """The rules of all `<style>` elements, by simple selectors (names, ids, classes)."""
    rules: Rules = {}
    for element in root.iter():
        if local_name(element) != "style":
            continue
        text = re.sub(r"/\*.*?\*/", "", "".join(element.itertext()), flags=re.DOTALL)
        for selectors, block in re.findall(r"([^{}]*)\{([^}]*)\}", text):
            for selector in selectors.split(","):
                rules.setdefault(selector.strip(), {}).update(_declarations(block))
    return rules


def _declarations(text: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in text.split(";"))
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


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
        if local_name(element) == "use":
            target = reference(element)
            if target and not target.startswith("#"):
                raise ValueError("it refers to another file")
            if target[1:] in by_id:
                total += count(by_id[target[1:]])
        open_.remove(key)
        counts[key] = min(total, MAX_ELEMENTS + 1)
        return counts[key]

    return count(root)


def unsupported_features(root: Element) -> list[str]:
    """Names of the features that are not drawn, sorted.

    Raises:
        ValueError: a paint refers to another file.
    """
    found: set[str] = set()
    kinds = {f"#{element.get('id')}": element for element in root.iter() if element.get("id")}
    _collect(root, kinds, found)
    for element in root.iter():
        if local_name(element) == "style":
            text = "".join(element.itertext())
            if "@import" in text or "@font-face" in text:
                found.add("style sheets of other files")
        if local_name(element) == "radialGradient" and element.get("fr", "0").strip() not in ("0", "0%", "0px"):
            found.add("gradients that begin at a circle (fr)")
    for values in style_rules(root).values():
        _collect_properties(values, kinds, found)
    return sorted(found)


def _collect(element: Element, kinds: dict[str, Element], found: set[str]) -> None:
    name = local_name(element)
    if name in _ELEMENTS:
        found.add(_ELEMENTS[name])
    _collect_properties(properties(element), kinds, found)
    for child in element:
        if local_name(child) not in _UNSEEN:
            _collect(child, kinds, found)


def _collect_properties(values: dict[str, str], kinds: dict[str, Element], found: set[str]) -> None:
    for key, (feature, idle) in _PROPERTIES.items():
        if values.get(key, idle[0]) not in idle:
            found.add(feature)
    for key in ("fill", "stroke"):
        paint = paint_reference(values.get(key, ""))
        if paint is None:
            continue
        if not paint[0].startswith("#"):
            raise ValueError("it refers to another file")
        target = kinds.get(paint[0])
        if target is not None and local_name(target) == "pattern":
            found.add("patterns")


def without_unseen(root: Element) -> None:
    """Removes what is drawn only where something refers to it, and makes groups of links, in place."""
    for parent in list(root.iter()):
        for child in list(parent):
            if local_name(child) in (*_UNSEEN, "symbol", "foreignObject", "switch"):
                parent.remove(child)
            elif local_name(child) == "a":
                child.tag = child.tag[:-1] + "g"
