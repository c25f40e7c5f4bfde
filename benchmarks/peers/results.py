"""Results files: benchmarks/results/peers-<date>-<machine>.json, groups of rows with the settings of their run."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.peers.row import Row
from neuralpaint.utils.files import atomic_write

FORMAT = 1
GROUPS = ("rasterize", "composite", "render", "sinkhorn", "style", "stylize", "scaling", "painting")


def default_file(device: str) -> Path:
    """Where a run of today goes; a file of the same day and machine is added to."""
    plain = machine.results_file()
    return plain.with_name(f"peers-{plain.stem}{'-cuda' if device == 'cuda' else ''}.json")


def group(rows: Iterable[Row], **settings: Any) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return {"date": now, **settings, "rows": [row.to_json() for row in rows]}


def save(path: Path, groups: dict[str, dict[str, Any]], facts: dict[str, Any], device: str) -> None:
    """Writes groups; those that the file holds already from the same machine and device, and that are not among them,
    stay.

    Raises:
        ValueError: there is a file and it is not one of ours. WriteError: it cannot be written.
    """
    facts = {key: value for key, value in facts.items() if key != "threads"}  # a group's own setting
    if path.exists():
        before = load(path)
        if before["device"] == device and _same_machine(before["machine"], facts):
            groups = before["groups"] | groups
    ordered = {name: groups[name] for name in GROUPS if name in groups}
    document = {"format": FORMAT, "device": device, "machine": facts, "groups": ordered}
    with atomic_write(path) as file:
        file.write((json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())


def load(path: Path) -> dict[str, Any]:
    """Raises ValueError, one clear line, if the file is not a results file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{path} is not JSON") from None
    shape = {"format": int, "device": str, "machine": dict, "groups": dict}
    if not isinstance(document, dict) or any(not isinstance(document.get(k), t) for k, t in shape.items()):
        raise ValueError(f"{path} is not a results file of benchmarks.peers")
    if document["format"] != FORMAT:
        raise ValueError(f"{path} has format {document['format']}, not {FORMAT}: run benchmarks.peers again")
    return document


def newest(folder: Path) -> dict[str, dict[str, Any]]:
    """The newest results of each device: of every group the newest on the machine that the newest file is of."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("peers-*.json")):
        document = load(path)
        if document["groups"]:
            found.setdefault(document["device"], []).append(document)
    results = {}
    for device, documents in sorted(found.items()):
        documents.sort(key=lambda d: max(g["date"] for g in d["groups"].values()))
        latest = documents[-1]
        groups: dict[str, Any] = {}
        for document in documents:
            if _same_machine(document["machine"], latest["machine"]):
                for name, contents in document["groups"].items():
                    if name not in groups or contents["date"] >= groups[name]["date"]:
                        groups[name] = contents
        results[device] = {**latest, "groups": {name: groups[name] for name in GROUPS if name in groups}}
    return results


def _same_machine(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(a.get(key) == b.get(key) for key in ("cpu", "cores", "simd", "gpu"))
