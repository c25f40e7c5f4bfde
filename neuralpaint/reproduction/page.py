"""The page of what was reproduced, from the JSON files alone: the same files give the same page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from neuralpaint.reproduction.entries import ENTRIES
from neuralpaint.reproduction.entry import PAPERS, called

_HEAD = """\
# Reproduction

<!-- Written by `neuralpaint reproduce`: run that instead of editing this page. -->

What two papers say, and what this implementation finds, figure by figure. `neuralpaint reproduce --list` shows what can
be reproduced; this made the pictures, the numbers and the page:

```sh
{commands}
```

At scale `small` a figure takes from seconds to half an hour on two cores; `--scale paper` runs the same code with the
sizes of the papers, for a GPU. The JSON file beside each picture has the numbers, the curves, the settings and the
machine. Strokes are drawn by the exact renderer, not by a network, unless it is networks that are compared, and the
photos and digits are not those of the papers: it is their statements that are checked, not their numbers.
"""


def page(results: Sequence[Mapping[str, Any]], folder: str) -> str:
    """The page, Markdown.

    Args:
        results: what `reproduce` returned or `read_results` found.
        folder: where the pictures are, as seen from the page.
    """
    lines = [_HEAD.format(commands="\n".join(_commands(results))), "| paper | figure | what | does it hold here? |"]
    lines.append("|---|---|---|---|")
    for result in results:
        title = f"[{_cell(result['title'])}](#{_anchor(result)})"
        lines.append(f"| {result['paper']} | {_figures(result)} | {title} | {_verdict(result)} |")
    lines.append("")
    for paper, full in PAPERS.items():
        mine = [result for result in results if result["paper"] == paper]
        if mine:
            lines += [f"## {full}", ""]
            for result in mine:
                lines += _section(result, folder)
    return "\n".join(lines).rstrip() + "\n"


def _commands(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The commands that make these results: one, or one for each scale and paper."""
    scales = list(dict.fromkeys(result["scale"] for result in results))
    rest = "--styles paintings --content photos -o figures --page figures.md"
    if len(scales) == 1 and len(results) == len(ENTRIES):
        return [f"neuralpaint reproduce --all --scale {scales[0]} {rest}"]
    found: dict[tuple[str, str], list[str]] = {}
    for result in results:
        found.setdefault((result["paper"], result["scale"]), []).append(f"--figure {result['figures'][0]}")
    return [
        f"neuralpaint reproduce --paper {paper} {' '.join(figures)} --scale {scale} {rest}"
        for (paper, scale), figures in found.items()
    ]


def _section(result: Mapping[str, Any], folder: str) -> list[str]:
    settings = ", ".join(f"{name} {_value(value)}" for name, value in result["settings"].items())
    machine = result["machine"]
    where = machine.get("gpu") or machine.get("cpu", "")
    count = machine.get("threads")
    threads = "" if "gpu" in machine else f", {count} thread{'s' if count != 1 else ''}"
    return [
        f"### {_heading(result)}",
        "",
        f"![{_cell(result['title'])}]({folder}/{result['picture']})",
        "",
        f"**The paper:** {result['claim']}",
        "",
        *([f"*{result['note']}*", ""] if result.get("note") else []),
        f"**Here:** {result['finding']} *({_verdict(result)})*",
        "",
        *_table(result["rows"]),
        "",
        f"Scale `{result['scale']}`: {settings}. {result['seconds']:.0f} s on {where}{threads}; "
        f"neuralpaint {machine.get('neuralpaint')}, torch {machine.get('torch')}.",
        "",
    ]


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = ["| " + " | ".join(map(_cell, columns)) + " |", "|" + "---|" * len(columns)]
    return lines + ["| " + " | ".join(_cell(_value(row.get(column, "–"))) for column in columns) + " |" for row in rows]


def _verdict(result: Mapping[str, Any]) -> str:
    return "yes" if result["agrees"] else "not as the paper says"


def _figures(result: Mapping[str, Any]) -> str:
    tables = "".join(f", table {number}" for number in result.get("tables", ()))
    return " and ".join(map(str, result["figures"])) + tables


def _heading(result: Mapping[str, Any]) -> str:
    what = called(result["figures"], result.get("tables", ()))
    return f"{what.capitalize()} of {result['paper']}: {result['title']}"


def _anchor(result: Mapping[str, Any]) -> str:
    """Of the heading, as forges and the manual make it."""
    return re.sub(r"[^\w\- ]", "", _heading(result).lower()).replace(" ", "-")


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " and ".join(map(_value, value))
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
