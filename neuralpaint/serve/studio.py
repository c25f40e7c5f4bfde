"""What the server does: keeps paintings, queues searches, and hands the work to two worker processes."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from neuralpaint.serve.choices import Choices
from neuralpaint.serve.hub import Hub
from neuralpaint.serve.store import DONE, FAILED, NEW, PAINTING, PAUSED, WAITING, Record, Store
from neuralpaint.serve.worker import TaskFailed, Worker

MAX_WAITING = 20  # searches
MAX_TASKS = 24  # short tasks that wait
MAX_PAINTINGS = 1000
UPLOAD_FILE = "upload"
_READ, _EDIT, _EXPORT, _SEARCH = 30.0, 60.0, 900.0, 24 * 3600.0  # seconds that a task may take
_STOPS = 1.5  # seconds in which a search has to stop before its process is ended


class Busy(Exception):
    """Too much is waiting already; the message says what to do."""


class Studio:
    """The paintings, the queue and the workers. Used in the event loop alone.

    Args:
        folder: of the paintings.
        threads: that a search may use.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        self.store, self.hub = Store(folder), Hub()
        self._painter, self._helper = Worker(threads), Worker(1, paints=False)
        self._queue: deque[str] = deque()
        self._new = asyncio.Event()
        self._running: str | None = None
        self._told: set[str] = set()  # what was told to stop, or is to be deleted
        self._tasks = self._revision = 0
        for record in reversed(self.store.all()):
            if record.state in (WAITING, PAINTING):  # the server was ended meanwhile
                record.state = WAITING
                self._queue.append(record.id)
        if self._queue:
            self._new.set()
        self._loop = asyncio.create_task(self._paint_all())

    async def close(self) -> None:
        """Ends the workers. What is being painted goes on from its checkpoint when the server is started again."""
        self._loop.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._loop
        self._painter.kill()
        self._helper.kill()

    def summary(self, record: Record) -> dict[str, Any]:
        """What pages know about a painting."""
        ahead = list(self._queue).index(record.id) + 1 if record.id in self._queue else 0
        return record.to_json() | {"ahead": ahead}

    def changed(self, record: Record, save: bool = True) -> None:
        """Saves a painting and tells the pages."""
        self._revision += 1
        record.revision = self._revision
        if save:
            self.store.save(record)
        self.hub.tell(f"painting {record.id}", {"kind": "painting", "painting": self.summary(record)})

    async def add(self, made: str, folder: Path, title: str) -> Record:
        """Reads the upload in a folder as the photo of a new painting. Raises TaskFailed or Busy."""
        size = await self.task("read", {"folder": str(folder)}, _READ)
        record = Record(made, title, time.time(), **size)
        self.store.add(record)
        self.changed(record, save=False)
        return record

    def check_room(self) -> None:
        """Raises Busy if no more photos can be taken."""
        if len(self.store.all()) >= MAX_PAINTINGS:
            raise Busy(f"there are {MAX_PAINTINGS} paintings: delete some first")
        self._check_tasks()

    def _check_tasks(self) -> None:
        if self._tasks >= MAX_TASKS:
            raise Busy("many others are at work here: try again in a moment")

    async def task(self, name: str, arguments: dict[str, Any], limit: float = _EDIT, listener: Any = None) -> Any:
        """Runs a short task, after those that wait. Raises TaskFailed or Busy."""
        self._check_tasks()
        self._tasks += 1
        try:
            return await self._helper.run(name, arguments, listener, limit)
        finally:
            self._tasks -= 1

    # --- searches ---------------------------------------------------------------------------------------------------

    def paint(self, record: Record, choices: Choices, onward: bool) -> None:
        """Queues a search.

        Args:
            onward: go on from where the painting is, if the choices allow it; otherwise from a bare canvas.

        Raises:
            Busy: too many are waiting.
        """
        if record.state in (WAITING, PAINTING):
            raise TaskFailed("it is being painted: pause it first", misused=True)
        if len(self._queue) >= MAX_WAITING:
            raise Busy(f"{MAX_WAITING} paintings are waiting: try again when one is done")
        same = onward and record.resumes and choices == record.choices
        record.resumes = same
        if not same:
            record.progress = {}
        self._onward(record, onward and not same and choices.continues(record.choices))
        record.choices, record.state, record.error = choices, WAITING, ""
        self._queue.append(record.id)
        self._new.set()
        self.changed(record)

    def _onward(self, record: Record, onward: bool) -> None:
        """Notes in the painting's folder which version its search begins with."""
        path = self.store.path(record) / "start"
        if record.resumes:
            return
        (self.store.path(record) / "checkpoint" / "search.safetensors").unlink(missing_ok=True)  # of another search
        if onward and record.version is not None:
            path.write_text(str(record.version))
        else:
            path.unlink(missing_ok=True)

    async def stop(self, record: Record, word: str) -> None:
        """Pauses or cancels a search, whether it waits or runs."""
        if record.id in self._queue:
            self._queue.remove(record.id)
            record.state = DONE if record.versions else NEW
            self.changed(record)
            for name in self._queue:
                if (other := self.store.get(name)) is not None:
                    self.changed(other, save=False)
            return
        if self._running != record.id:
            return
        self._told.add(record.id)
        self._painter.tell(word)
        until = time.monotonic() + _STOPS
        while self._running == record.id and time.monotonic() < until:
            await asyncio.sleep(0.02)
        if self._running == record.id and word == "cancel":
            self._painter.kill()

    async def _paint_all(self) -> None:
        """Paints what is queued, one after another."""
        while True:
            await self._new.wait()
            while self._queue:
                record = self.store.get(self._queue.popleft())
                if record is None:
                    continue
                self._running = record.id
                try:
                    await self._paint_one(record)
                except OSError as error:  # no space on the disk: the next may still be painted
                    record.state, record.error = FAILED, str(error)
                    self.changed(record, save=False)
                finally:
                    self._running = None
                    self._told.discard(record.id)
                    self.hub.forget(record.id)
            self._new.clear()

    async def _paint_one(self, record: Record) -> None:
        record.state = PAINTING
        self.changed(record)
        for name in self._queue:
            if (other := self.store.get(name)) is not None:
                self.changed(other, save=False)
        folder, number = self.store.path(record), record.next_number
        start = folder / "start"
        arguments = {
            "folder": str(folder),
            "choices": record.choices.to_json(),
            "number": number,
            "resume": record.resumes,
            "start": int(start.read_text()) if start.exists() else None,
        }
        record.resumes = True  # from now on, if the server is ended

        def listen(kind: str, content: Any) -> None:
            if kind == "frame":
                self.hub.show(record.id, content)
            elif kind == "progress":
                record.progress = content
                self.hub.tell(f"progress {record.id}", {"kind": "progress", "id": record.id, "progress": content})

        self.store.save(record)
        try:
            found = await self._painter.run("paint", arguments, listen, _SEARCH)
        except TaskFailed as error:
            record.resumes = False
            if record.id in self._told:
                record.state = DONE if record.versions else NEW
            else:
                record.state, record.error = FAILED, str(error)
        else:
            record.state = PAUSED if found["state"] == "paused" else DONE
            record.resumes = record.state == PAUSED
            self._add(record, number, found["strokes"], "painted", found["psnr"])
        record.progress = record.progress if record.state == PAUSED else {}
        if self.store.get(record.id) is record:
            self.changed(record)

    # --- versions ---------------------------------------------------------------------------------------------------

    def _add(self, record: Record, number: int, strokes: int, what: str, psnr: float | None = None) -> None:
        self.store.drop(record, record.add_version(number, strokes, what, psnr))

    async def edit(self, record: Record, change: dict[str, Any]) -> None:
        """Changes the strokes or the finish of a painting. Raises TaskFailed or Busy."""
        version = self._still(record)
        new = record.next_number
        arguments = {"folder": str(self.store.path(record)), "number": version, "new": new, "change": change}
        found = await self.task("edit", arguments)
        if change["what"] == "finish":
            record.choices = dataclasses.replace(record.choices, **change["finish"])
        self._add(record, new, found["strokes"], change["what"])
        record.resumes = False
        self.changed(record)

    def move(self, record: Record, by: int) -> None:
        """Undoes (-1) or does again (1) a change."""
        self._still(record)
        record.at = max(0, min(len(record.versions) - 1, record.at + by))
        record.choices = dataclasses.replace(record.choices, **record.versions[record.at]["finish"])
        record.resumes = False
        self.changed(record)

    async def select(self, record: Record, points: list[list[float]], ids: list[int]) -> Any:
        """See `editing.select`."""
        arguments = {
            "folder": str(self.store.path(record)),
            "number": self._still(record),
            "points": points,
            "ids": ids,
        }
        return await self.task("select", arguments)

    def _still(self, record: Record) -> int:
        """The version that is shown. Raises TaskFailed if there is none, or it is being painted."""
        if record.state in (PAINTING, WAITING):
            raise TaskFailed("it is being painted: pause it first", misused=True)
        return self.shown(record)

    def shown(self, record: Record) -> int:
        """The version that is shown. Raises TaskFailed if there is none."""
        if record.version is None:
            raise TaskFailed("there is no painting yet: paint first", misused=True)
        return record.version

    async def picture(self, record: Record, number: int, longest: int) -> Path:
        """The file of a version's picture, drawn if it is not there yet."""
        folder = self.store.path(record)
        path = folder / f"version-{number}-{longest}.png"
        if not path.exists():
            last = number == record.version
            await self.task("picture", {"folder": str(folder), "number": number, "longest": longest, "thumbnail": last})
        return path

    async def export(self, record: Record, kind: str, longest: int) -> Path:
        """The file of a version in another format."""
        folder, number = self.store.path(record), self.shown(record)
        for path in folder.glob("version-*-export.*"):  # one at a time: they are large
            path.unlink(missing_ok=True)
        arguments = {"folder": str(folder), "number": number, "kind": kind, "longest": longest}
        return folder / await self.task("export", arguments, _EXPORT)

    async def playback(self, record: Record, number: int) -> AsyncIterator[bytes]:
        """The time-lapse of a version, in pieces as they are drawn."""
        path = self.store.path(record) / f"version-{number}-playback.bin"
        if path.exists():
            with path.open("rb") as file:
                while piece := file.read(1 << 18):
                    yield piece
            return
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        arguments = {"folder": str(self.store.path(record)), "number": number}
        drawing = asyncio.create_task(
            self.task("playback", arguments, _EXPORT, lambda kind, piece: pieces.put_nowait(piece))
        )
        drawing.add_done_callback(lambda done: pieces.put_nowait(None))
        try:
            while (drawn := await pieces.get()) is not None:
                yield drawn
            await drawing
        finally:
            with contextlib.suppress(asyncio.CancelledError, TaskFailed, Busy):
                await drawing  # it is kept for the next time, even if the page has gone
