"""Tells open pages what happens: each has a small store of what is new, so that a slow one costs no memory."""

from __future__ import annotations

import asyncio
from typing import Any

MAX_PAGES = 64


class Page:
    """An open page.

    Attributes:
        watched: the id of the painting whose pictures it gets.
    """

    def __init__(self) -> None:
        self.watched = ""
        self._news: dict[str, Any] = {}  # the latest of each kind
        self._there = asyncio.Event()

    def put(self, key: str, content: dict[str, Any] | bytes) -> None:
        """Notes something new, in the place of what came before under that key."""
        self._news.pop(key, None)
        self._news[key] = content
        self._there.set()

    async def take(self) -> list[dict[str, Any] | bytes]:
        """What is new, as soon as there is something."""
        await self._there.wait()
        self._there.clear()
        news, self._news = list(self._news.values()), {}
        return news


class Hub:
    """The open pages."""

    def __init__(self) -> None:
        self._pages: set[Page] = set()
        self._frames: dict[str, bytes] = {}  # the last picture of each painting that is being painted

    def __len__(self) -> int:
        return len(self._pages)

    def join(self) -> Page | None:
        """A new page; None if there are too many."""
        if len(self._pages) >= MAX_PAGES:
            return None
        page = Page()
        self._pages.add(page)
        return page

    def leave(self, page: Page) -> None:
        self._pages.discard(page)

    def watch(self, page: Page, painting: str) -> None:
        """Lets a page have the pictures of a painting."""
        page.watched = painting
        if painting in self._frames:
            page.put("frame", self._frames[painting])

    def tell(self, key: str, content: dict[str, Any]) -> None:
        """Tells all pages something."""
        for page in self._pages:
            page.put(key, content)

    def show(self, painting: str, picture: bytes) -> None:
        """Sends a picture to the pages that watch the painting: 20 bytes of id, and the picture."""
        frame = painting.encode() + picture
        self._frames[painting] = frame
        for page in self._pages:
            if page.watched == painting:
                page.put("frame", frame)

    def forget(self, painting: str) -> None:
        """Drops the last picture of a painting, which is no longer being painted."""
        self._frames.pop(painting, None)
