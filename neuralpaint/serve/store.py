"""The folder in which paintings are kept: a folder each, with photo, settings, strokes and checkpoints."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neuralpaint.serve.choices import FINISH_FIELDS, Choices
from neuralpaint.utils import schema
from neuralpaint.utils.files import atomic_write, make_folder
from neuralpaint.utils.loading import read_json, reading

NEW, WAITING, PAINTING, PAUSED, DONE, FAILED = "new", "waiting", "painting", "paused", "done", "failed"
STATES = (NEW, WAITING, PAINTING, PAUSED, DONE, FAILED)
MAX_VERSIONS = 60  # that can be undone
_ID = re.compile(r"[0-9a-f]{20}")
_FILE = "painting.json"
_VERSION = schema.fields({"number": schema.whole(0, 10**9), "strokes": schema.whole(0, 10**7), "finish": FINISH_FIELDS})
_CHECK = schema.fields(
    {
        "title": schema.text(200),
        "created": schema.number(0, 1e11),
        "width": schema.whole(1, 10**6),
        "height": schema.whole(1, 10**6),
        "state": schema.text(20),
        "error": schema.text(2000),
        "choices": schema.items,
        "versions": schema.listed(_VERSION, 0, 200),
        "at": schema.whole(-1, 200),
        "resumes": schema.flag,
        "has_mask": schema.flag,
        "has_style": schema.flag,
    }
)


@dataclass
class Record:
    """What is known about a painting.

    Attributes:
        id: 20 random hexadecimal digits, the name of its folder.
        width, height: of the photo that is painted, in pixels.
        state: one of `STATES`.
        choices: those of the search that was last asked for.
        versions: of the strokes, oldest first: {"number": of the file, "strokes": how many, "what": made it, "psnr",
            "finish": keyword arguments}.
        at: index of the version that is shown; -1 if there is none.
        resumes: whether the checkpoint goes on to what `choices` ask for.
        has_mask, has_style: whether it has a mask of detail and a style picture of its own.
        progress: of a search that is running; not kept.
        revision: greater with each change, so that pages know what is newer; not kept.
    """

    id: str
    title: str
    created: float
    width: int
    height: int
    state: str = NEW
    error: str = ""
    choices: Choices = field(default_factory=Choices)
    versions: list[dict[str, Any]] = field(default_factory=list)
    at: int = -1
    resumes: bool = False
    has_mask: bool = False
    has_style: bool = False
    progress: dict[str, Any] = field(default_factory=dict)
    revision: int = 0

    @property
    def version(self) -> int | None:
        """Number of the version that is shown."""
        return self.versions[self.at]["number"] if 0 <= self.at < len(self.versions) else None

    def to_json(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self) | {"choices": self.choices.to_json(), "version": self.version}

    def add_version(self, number: int, strokes: int, what: str, psnr: float | None = None) -> list[int]:
        """Adds a version after the one that is shown. Returns the numbers of those that are no longer needed."""
        gone = self.versions[self.at + 1 :]
        kept = self.versions[: self.at + 1]
        finish = self.choices.finish
        kept.append({"number": number, "strokes": strokes, "what": what, "psnr": psnr, "finish": finish})
        gone += kept[:-MAX_VERSIONS]
        self.versions = kept[-MAX_VERSIONS:]
        self.at = len(self.versions) - 1
        return [version["number"] for version in gone]

    @property
    def next_number(self) -> int:
        """Of a new version."""
        return 1 + max((version["number"] for version in self.versions), default=-1)


class Store:
    """The paintings of a folder.

    Args:
        folder: created if missing; others on this computer cannot look into it.

    Raises:
        WriteError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = make_folder(folder)
        self._records: dict[str, Record] = {}
        for path in sorted(self.folder.iterdir()):
            if _ID.fullmatch(path.name) and path.is_dir():
                try:
                    record = _read(path)
                except ValueError:
                    continue  # it was never finished, or is damaged: its files are left as they are
                self._records[record.id] = record

    def new(self, title: str) -> tuple[str, Path]:
        """(the id, the folder) of a painting whose photo is about to be read."""
        made = secrets.token_hex(10)
        folder = self.folder / made
        folder.mkdir(mode=0o700)
        return made, folder

    def add(self, record: Record) -> None:
        self._records[record.id] = record
        self.save(record)

    def get(self, name: str) -> Record | None:
        """The painting with that id."""
        return self._records.get(name)

    def path(self, record: Record) -> Path:
        """The folder of a painting."""
        return self.folder / record.id

    def all(self) -> list[Record]:
        """Newest first."""
        return sorted(self._records.values(), key=lambda record: -record.created)

    def save(self, record: Record) -> None:
        """Writes what is known about a painting. Raises WriteError."""
        known = record.to_json()
        for name in ("id", "progress", "version", "revision"):
            del known[name]
        with atomic_write(self.path(record) / _FILE) as file:
            file.write(json.dumps(known, indent=1).encode())

    def delete(self, record: Record) -> None:
        """Removes a painting and all of its files."""
        self._records.pop(record.id, None)
        shutil.rmtree(self.path(record), ignore_errors=True)

    def drop(self, record: Record, numbers: list[int]) -> None:
        """Removes the files of versions."""
        for number in numbers:
            for path in self.path(record).glob(f"version-{number}.*"):
                path.unlink(missing_ok=True)
            for path in self.path(record).glob(f"version-{number}-*"):
                path.unlink(missing_ok=True)

    def abandoned(self) -> Iterator[Path]:
        """Folders without a painting that a killed server has left."""
        for path in self.folder.iterdir():
            old = _ID.fullmatch(path.name) and path.name not in self._records and not (path / _FILE).exists()
            if old and time.time() - path.stat().st_mtime > 3600:
                yield path


def default_folder() -> Path:
    """Where paintings are kept unless another folder is named."""
    root = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(root) / "neuralpaint" / "paintings"


def _read(folder: Path) -> Record:
    path = folder / _FILE
    with reading(path, "is no painting"):
        found = read_json(path)
        _CHECK(found, "")
        if found["state"] not in STATES or not -1 <= found["at"] < max(1, len(found["versions"])):
            raise ValueError("its state is none")
        if found["at"] >= len(found["versions"]):
            found["at"] = len(found["versions"]) - 1
        choices = Choices.from_json(found["choices"])
        names = (
            "title",
            "created",
            "width",
            "height",
            "state",
            "error",
            "versions",
            "at",
            "resumes",
            "has_mask",
            "has_style",
        )
        return Record(folder.name, choices=choices, **{name: found[name] for name in names})
