"""One row of the comparison, and the rows of one race."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.peers.timing import Stats


@dataclass
class Row:
    """What we take and what another takes for the same work.

    `kind` says what the other is: "peer", another implementation; "limit", the machine's (merely writing or copying as
    many bytes: the ratio is the share of the limit that we reach); "self", ours in another way (one core, float32).
    """

    group: str
    case: str
    other: str
    kind: str = "peer"
    ours: float | None = None  # seconds, median
    theirs: float | None = None
    ours_spread: float | None = None
    theirs_spread: float | None = None
    ours_repeats: int = 0
    theirs_repeats: int = 0
    count: float | None = None  # of `unit` in a call: strokes, images
    unit: str = ""
    target: float | None = None  # the ratio that we aim at
    note: str = ""
    error: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)  # such as PSNR

    @property
    def ratio(self) -> float | None:
        """Theirs / ours."""
        return self.theirs / self.ours if self.ours and self.theirs else None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


def versus(
    group: str,
    case: str,
    stats: dict[str, Stats],
    ours: str,
    other: str,
    *,
    kind: str = "peer",
    target: float | None = None,
    count: float | None = None,
    unit: str = "",
    note: str = "",
    facts: dict[str, Any] | None = None,
    name: str | None = None,
) -> Row:
    """The row for two contestants of a race; it has an error if either failed."""
    row = Row(group, case, name or other, kind, count=count, unit=unit, target=target, note=note, facts=facts or {})
    for side, who in (("ours", ours), ("theirs", other)):
        result = stats[who]
        if result.error or not result.samples:
            row.error = result.error or "no samples"
            continue
        setattr(row, side, result.median)
        setattr(row, f"{side}_spread", result.spread)
        setattr(row, f"{side}_repeats", len(result.samples))
    return row


def format_rows(rows: Iterable[Row]) -> str:
    """A table for a terminal; * marks a target that is missed."""
    lines = []
    last = None
    for row in rows:
        if (row.group, row.case) != last:
            lines.append(f"\n{row.group}: {row.case}")
            last = (row.group, row.case)
        if row.error:
            lines.append(f"  {row.other:<44} failed: {row.error}")
            continue
        other = "the limit" if row.kind == "limit" else "theirs"
        line = (
            f"  {row.other:<44} ours {seconds(row.ours)} {spread(row.ours_spread)}"
            f"  {other:>9} {seconds(row.theirs)} {spread(row.theirs_spread)}  {ratio(row):>8}"
        )
        if row.target is not None and row.ratio is not None:
            line += f"  (target {ratio(row, row.target)}{'' if row.ratio >= row.target else ' *'})"
        if row.count and row.ours:
            line += f"  {row.count / row.ours:,.0f} {row.unit}/s"
        lines.append(line)
        extra = [*(f"{key} {value}" for key, value in row.facts.items()), *([row.note] if row.note else [])]
        if extra:
            lines.append(f"      {'; '.join(extra)}")
    return "\n".join(lines)


def spread(value: float | None) -> str:
    return "once " if value is None else f"±{value:4.0%}"


def ratio(row: Row, value: float | None = None) -> str:
    value = row.ratio if value is None else value
    if value is None:
        return "–"
    if row.kind == "limit":
        return f"{value:.0%}"
    return f"{value:.2f}×" if value < 10 else f"{value:,.0f}×"


def seconds(value: float | None) -> str:
    if value is None:
        return "–"
    for unit, scale in (("s ", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * scale >= 1 or unit == "µs":
            digits = 0 if value * scale >= 100 else 1 if value * scale >= 10 else 2
            return f"{value * scale:7,.{digits}f} {unit}"
    raise AssertionError
