"""Summary table of a batch, one row per photo, as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from neuralpaint.utils.files import atomic_write

PAINTED, SKIPPED, FAILED = "painted", "skipped", "failed"
_EVERY = 5.0  # seconds


@dataclass(frozen=True)
class Row:
    """The result for one photo.

    Attributes:
        status: painted, skipped (the painting already existed) or failed.
        psnr: in dB, measured at 512 pixels along the shorter side; NaN if unknown.
        seconds: including reading and writing.
        error: one-line message if it failed.
        note: additional information.
    """

    photo: str
    output: str
    status: str
    psnr: float = math.nan
    seconds: float = math.nan
    strokes: int = 0
    error: str = ""
    note: str = ""

    @property
    def line(self) -> str:
        """One line for the terminal."""
        if self.status == SKIPPED:
            return f"{self.photo} → {self.output}: already painted"
        note = f"{self.note}, " if self.note else ""
        return f"{self.photo} → {self.output}: {self.psnr:.1f} dB, {note}{self.strokes} strokes, {self.seconds:.1f} s"


class Summary:
    """Collects rows and writes them to a file, replaced atomically every few seconds.

    Args:
        path: .csv or .json file; None writes nothing.
        keep: whether skipped photos keep their rows from an earlier run.

    Raises:
        ValueError: the suffix is unknown, or an existing file is not a summary.
    """

    def __init__(self, path: Path | None, keep: bool = False) -> None:
        if path is not None and path.suffix.lower() not in (".csv", ".json"):
            raise ValueError(f"--summary {path}: use the suffix .csv or .json")
        self.path = path
        self.rows: list[Row] = []
        self._before = read_summary(path) if keep and path is not None and path.exists() else {}
        self._written = time.monotonic()

    def add(self, row: Row) -> None:
        if row.status == SKIPPED and row.photo in self._before:
            row = self._before[row.photo]
        self.rows.append(row)
        if time.monotonic() - self._written >= _EVERY:
            self.write()

    def write(self) -> None:
        """Writes the file. Raises WriteError on failure."""
        self._written = time.monotonic()
        if self.path is None:
            return
        done = {row.photo for row in self.rows}
        rows = sorted([*self.rows, *(row for name, row in self._before.items() if name not in done)], key=_by_name)
        table = [{key: _plain(value) for key, value in asdict(row).items()} for row in rows]
        with atomic_write(self.path) as file:
            if self.path.suffix.lower() == ".json":
                file.write((json.dumps(table, indent=1) + "\n").encode())
                return
            text = io.StringIO()
            writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
            file.write(text.getvalue().encode(errors="surrogateescape"))  # file names that are not UTF-8


def read_summary(path: Path) -> dict[str, Row]:
    """Reads a summary as {photo: row}. ValueError if the file is not a summary."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        table = json.loads(text) if path.suffix.lower() == ".json" else list(csv.DictReader(io.StringIO(text)))
        rows = [
            Row(
                str(line["photo"]),
                str(line["output"]),
                str(line["status"]),
                float(line["psnr"] or "nan"),
                float(line["seconds"] or "nan"),
                int(line["strokes"]),
                str(line["error"]),
                str(line.get("note") or ""),
            )
            for line in table
        ]
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        csv.Error,
    ) as error:
        raise ValueError(f"--summary {path} exists, but is not a neuralpaint summary: choose another file") from error
    return {row.photo: row for row in rows}


def _by_name(row: Row) -> str:
    return row.photo


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    return value
