"""Links lead somewhere, on a forge as well as in the manual, whose own are also checked by `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "examples" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)(?:#([^)\s]*))?\)")
PICTURES = 400_000  # bytes


def text_of(page: Path) -> str:
    """A page's text without its code blocks; a page of the manual may be another file's."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    included = re.match(r'--8<-- "(.*)"', text)
    return text_of(ROOT / included[1]) if included else text


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    for target, anchor in LINK.findall(text_of(page)):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(found), f"{target} has no section #{anchor}"


def test_pictures_are_small() -> None:
    large = [path.name for path in (ROOT / "docs").rglob("*.jpg") if path.stat().st_size > PICTURES]
    assert not large
