"""The table in docs/performance.md: `python -m benchmarks.peers.table [--results DIR] [PAGE]`."""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS
from benchmarks.peers import results
from neuralpaint.utils.files import WriteError, atomic_write

BEGIN, END = "<!-- peers: begin (python -m benchmarks.peers.table) -->", "<!-- peers: end -->"
README = Path(__file__).parents[2] / "docs" / "performance.md"
HIDDEN = {"fill_ of new memory", "clone to new memory", "fill_ of a kept buffer, uint8"}  # in the JSON


def table(found: dict[str, dict[str, Any]]) -> str:
    """Markdown, a part for each device. It depends on nothing but the results."""
    return "\n\n".join(_device(device, document) for device, document in found.items())


def _device(device: str, document: dict[str, Any]) -> str:
    facts, groups = document["machine"], document["groups"]
    where = facts.get("gpu", device) if device == "cuda" else f"{facts['cpu']}, {facts['simd']}"
    dates = sorted({contents["date"][:10] for contents in groups.values()})
    spreads = [
        row[key]
        for contents in groups.values()
        for row in contents["rows"]
        for key in ("ours_spread", "theirs_spread")
        if row[key]
    ]
    noise = f" Repeats of one timing differ by {statistics.median(spreads):.0%} (median)." if spreads else ""
    busy = max(contents.get("busy", 0.0) for contents in groups.values())
    if busy > 0.5:
        noise += f" **The machine was busy** ({busy:.1f} cores): measure again."
    versions = ", ".join(f"{name} {facts[name]}" for name in ("torch", "opencv", "POT", "geomloss") if facts.get(name))
    lines = [
        f"{where}; {versions}; {' to '.join(dict.fromkeys((dates[0], dates[-1])))}. Medians; ours and theirs take turns"
        f" on the same cores.{noise}",
        "",
        "| work | ours | against | theirs | ratio |",
        "|---|---:|---|---:|---:|",
    ]
    for contents in groups.values():
        last = None
        for row in contents["rows"]:
            if row["error"] or row["ratio"] is None or row["other"] in HIDDEN:
                continue
            case = row["case"] if row["group"] in ("scaling", "painting") else f"{row['group']} {row['case']}"
            work = "" if case == last else case
            last = case
            lines.append(f"| {work} | {_time(row, 'ours')} | {_other(row)} | {_time(row, 'theirs')} | {_ratio(row)} |")
    return "\n".join(lines)


def _other(row: dict[str, Any]) -> str:
    quality = f", {row['facts']['theirs']}" if row["facts"].get("theirs") else ""
    return f"{row['other']}{quality}"


def _time(row: dict[str, Any], side: str) -> str:
    value = row[side]
    scale, unit = (1, "s") if value >= 1 else (1e3, "ms")
    text = f"{value * scale:,.3g} {unit}" if value * scale < 1000 else f"{value * scale:,.0f} {unit}"
    if side == "ours" and row["facts"].get("our PSNR"):
        text += f", {row['facts']['our PSNR']}"
    return text


def _ratio(row: dict[str, Any]) -> str:
    value = row["ratio"]
    if row["kind"] == "limit":
        return f"{value:.0%} of the limit"
    return f"{value:.1f}×" if value < 10 else f"{value:,.0f}×"


def insert(text: str, contents: str) -> str:
    """The page's text with what stands between the markers replaced.

    Raises:
        ValueError: the markers are not there once each, in order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ValueError(f"it needs one line {BEGIN} and one line {END} after it")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{contents}\n\n{END}{after}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.table", description=__doc__)
    parser.add_argument("page", nargs="?", type=Path, default=README, metavar="PAGE")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="folder of peers-*.json")
    options = parser.parse_args(arguments)
    try:
        found = results.newest(options.results)
        if not found:
            raise ValueError(f"no peers-*.json in {options.results}: run python -m benchmarks.peers first")
        old = options.page.read_text(encoding="utf-8")
        try:
            new = insert(old, table(found))
        except ValueError as error:
            raise ValueError(f"{options.page}: {error}") from None
        if new != old:
            with atomic_write(options.page) as file:
                file.write(new.encode())
    except (ValueError, WriteError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: cannot read {options.page}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
