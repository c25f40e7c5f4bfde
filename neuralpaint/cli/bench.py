"""neuralpaint bench: times the ops and compares them with the limits of this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuralpaint.cli.console import say
from neuralpaint.cli.options import Debug, Device, Overwrite, check_range
from neuralpaint.pipelines.batch import check_target

NAME = "bench"

MAX_THREADS = 1024
_SCATTER = 0.25  # interquartile range relative to the median above which a row is reported as noisy


def command(
    device: Device = "auto",
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")] = None,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a profiler trace of every op (.json or .json.gz), for Perfetto."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="CPU threads.", show_default="torch's default")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Run fewer cases, in seconds; less precise.")] = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Times the ops and compares them with the measured limits of this machine.

    The share in each row is the minimum time its work takes at those limits divided by the measured time.
    docs/performance.md explains the table.

    [bold]Examples[/bold]
      [cyan]neuralpaint bench[/cyan]
      [cyan]neuralpaint bench --threads 1 --json one_core.json[/cyan]
      [cyan]neuralpaint bench --quick --trace trace.json[/cyan]
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # before torch is loaded: silences the profiler
    from neuralpaint.utils.device import resolve_device

    check_range("--threads", threads, 1, MAX_THREADS)
    if json_file is not None and trace is not None and json_file.absolute() == trace.absolute():
        raise ValueError("--json and --trace name the same file")
    for target in filter(None, (json_file, trace)):
        check_target(target, overwrite)
    torch_device = resolve_device(device)

    from neuralpaint.roofline import run
    from neuralpaint.utils.files import atomic_write

    with run.threads(threads), _progress() as progress:
        results = run.run(torch_device, quick, progress)
        if json_file is not None:
            with atomic_write(json_file) as file:
                file.write((json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode())
        if trace is not None:
            progress("trace", 1, 1)
            run.write_trace(trace, torch_device, quick)
    show(results, Console())
    if json_file is not None:
        say(f"{json_file}: {len(results['rows'])} rows")
    if trace is not None:
        say(f"{trace}: open it in https://ui.perfetto.dev or chrome://tracing")


def show(results: dict[str, Any], console: Console) -> None:
    """Prints the machine, its limits and the results."""
    console.print(", ".join(f"{name} {fact}" for name, fact in results["machine"].items()), highlight=False)
    limits = Table("limit", "rate", "unit", "measured with", box=None, header_style="bold")
    limits.columns[1].justify = "right"
    for name, limit in results["limits"].items():
        limits.add_row(name, f"{limit['value']:,.2f}", limit["unit"], limit["what"])
    console.print(limits)
    console.print()
    heads = ("op", "", "", "shape", "median", "quartiles", "rate", "", "GB/s", "limit", "share")
    table = Table(*heads, box=None, header_style="bold")
    for index in (4, 5, 6, 8, 10):
        table.columns[index].justify = "right"
    before = None
    for row in results["rows"]:
        if before not in (None, row["op"]):
            table.add_section()
        table.add_row(
            Text(row["op"] if row["op"] != before else "", style="bold"),
            row["variant"],
            row["direction"],
            row["shape"],
            f"{_digits(row['median_ms'])} ms",
            f"{_digits(row['low_ms'])}–{_digits(row['high_ms'])}",
            f"{row['per_second']:,.0f}" if row["per_second"] >= 10 else f"{row['per_second']:.2f}",
            f"{row['unit']}/s",
            "" if row["gb_per_s"] is None else f"{row['gb_per_s']:.1f}",
            row["limit"] or "",
            "" if row["share"] is None else f"{row['share']:.0%}",
        )
        before = row["op"]
    console.print(table)
    scattered = sum(row["high_ms"] - row["low_ms"] > _SCATTER * row["median_ms"] for row in results["rows"])
    if scattered:
        whole = len(results["rows"])
        console.print(f"{scattered} of {whole} rows vary by more than a quarter of the median: is the machine busy?")


def _digits(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr if it is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda name, done, total: None
        return
    from rich import progress

    columns = (
        progress.BarColumn(),
        progress.TextColumn("{task.completed}/{task.total} {task.description}"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=None)

        def report(name: str, done: int, total: int) -> None:
            shown.update(task, description=name, completed=done, total=total)

        yield report
