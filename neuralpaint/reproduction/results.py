"""Runs entries and keeps what they find: a picture and a JSON file each."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuralpaint.reproduction.entry import PAPERS, SCALES, Entry, Outcome, Request
from neuralpaint.utils import schema
from neuralpaint.utils.files import atomic_write, make_folder
from neuralpaint.utils.loading import MAX_JSON, BadFile, reading
from neuralpaint.utils.machine import describe

FORMAT, VERSION = "neuralpaint.reproduction", 1
_COLUMNS = schema.either(schema.text(), schema.number(-1e12, 1e12))


def _row(value: Any, name: str) -> None:
    schema.items(value, name)
    for key, cell in value.items():
        _COLUMNS(cell, f"{name}.{key}")


_CHECK = schema.fields(
    {
        "format": schema.text(),
        "version": schema.whole(1, 1 << 30),
        "paper": schema.text(),
        "figures": schema.listed(schema.whole(1, 1000), 1, 16),
        "title": schema.text(),
        "claim": schema.text(),
        "finding": schema.text(),
        "agrees": schema.flag,
        "scale": schema.text(),
        "picture": schema.text(255),
        "settings": schema.items,
        "rows": schema.listed(_row, 1, 1000),
        "seconds": schema.number(0, 1e9),
        "machine": schema.items,
    },
    {"tables": schema.listed(schema.whole(1, 1000), 0, 16), "note": schema.text()},
)


def targets(entries: Sequence[Entry], folder: Path) -> list[Path]:
    """The files that `reproduce` writes."""
    return [folder / f"{entry.name}{suffix}" for entry in entries for suffix in (".png", ".json")]


def reproduce(entry: Entry, request: Request, folder: Path) -> dict[str, Any]:
    """Computes an entry and writes NAME.png and NAME.json into a folder, which is made if there is none.

    The JSON file is written last: where it is, the picture is too.

    Returns:
        What the JSON file holds.

    Raises:
        ValueError: the request lacks what the entry needs, or a file cannot be used.
        WriteError: a file cannot be written.
    """
    start = time.perf_counter()
    outcome = entry.run(request)
    result = _result(entry, request, outcome, time.perf_counter() - start)
    make_folder(folder)
    picture, numbers = targets([entry], folder)
    with atomic_write(picture) as file:
        file.write(_png(outcome))
    with atomic_write(numbers) as file:
        file.write((json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
    return result


def read_results(entries: Sequence[Entry], folder: Path) -> list[dict[str, Any]]:
    """What a folder holds of these entries, in their order. BadFile if a file is damaged, ValueError if it has none."""
    found = []
    for entry in entries:
        path = targets([entry], folder)[1]
        if path.is_file():
            found.append(_read(path))
    if not found:
        raise ValueError(f"{folder} holds no results: run neuralpaint reproduce --all -o {folder} first")
    return found


def _read(path: Path) -> dict[str, Any]:
    with reading(path, "is not a file of neuralpaint reproduce", "make it again"):
        with open(path, "rb") as file:
            text = file.read(MAX_JSON + 1)
        if len(text) > MAX_JSON:
            raise BadFile(f"{path} is too large for a file of neuralpaint reproduce")
        value = json.loads(text)
        _CHECK(value, "")
        if (value["format"], value["version"]) != (FORMAT, VERSION):
            raise ValueError(f"format {value['format']} {value['version']}, expected {FORMAT} {VERSION}")
        if value["paper"] not in PAPERS or value["scale"] not in SCALES:
            raise ValueError("an unknown paper or scale")
    return value


def _result(entry: Entry, request: Request, outcome: Outcome, seconds: float) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "paper": entry.paper,
        "figures": list(entry.figures),
        "tables": list(entry.tables),
        "title": entry.title,
        "claim": entry.claim,
        "note": entry.note,
        "finding": outcome.finding,
        "agrees": outcome.agrees,
        "scale": request.scale,
        "picture": f"{entry.name}.png",
        "settings": dict(outcome.settings),
        "rows": [dict(row) for row in outcome.rows],
        "curves": {name: [round(value, 6) for value in values] for name, values in outcome.curves.items()},
        "seconds": round(seconds, 1),
        "machine": describe(request.device),
    }


def _png(outcome: Outcome) -> bytes:
    held = io.BytesIO()
    outcome.picture.quantize(256).save(held, "PNG", optimize=True)
    return held.getvalue()
