"""Makes docs/images/cost_growth.png: how the ops' time grows with strokes, pixels, blocks and the transport's grid.

    python benchmarks/figures/cost_growth.py [--threads 1]

Medians of repeated calls, bars from the lower to the upper quartile. About a minute on an idle machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from neuralpaint.roofline import cases
from neuralpaint.roofline.cases import Case
from neuralpaint.roofline.timing import Timing, time_call

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "images" / "cost_growth.png"
COLORS = ("#b5541c", "#33658a", "#758e4f")
CPU = torch.device("cpu")


class Panel(NamedTuple):
    title: str
    xlabel: str
    xs: tuple[int, ...]
    lines: dict[str, Callable[[int], Case]]
    slopes: tuple[float, ...]  # exponents of the grey guide lines


PANELS = (
    Panel(
        "render_loss, 512²: strokes",
        "strokes",
        (50, 150, 500, 1500, 5000),
        {brush: lambda n, brush=brush: cases.search_step(brush, n, 512) for brush in ("oil", "tape", "watercolor")},
        (1.0,),
    ),
    Panel(
        "render_loss, 500 strokes: pixels",
        "pixels a side",
        (64, 128, 256, 512, 1024),
        {brush: lambda n, brush=brush: cases.search_step(brush, 500, n) for brush in ("oil", "tape", "watercolor")},
        (2.0,),
    ),
    Panel(
        "render forward + backward, 9 strokes on 128²: blocks",
        "blocks",
        (1, 4, 9, 25, 64),
        {brush: lambda n, brush=brush: cases.render(brush, n, 9, 128, True) for brush in ("oil", "tape", "watercolor")},
        (1.0,),
    ),
    Panel(
        "sinkhorn forward + backward, 5 iterations: grid",
        "pixels a side",
        (12, 24, 48, 96),
        {
            "squared Euclidean": lambda n: cases.sinkhorn(1, n, "sqeuclidean", True),
            "Euclidean": lambda n: cases.sinkhorn(1, n, "euclidean", True),
        },
        (3.0, 4.0),
    ),
)


def measure(case: Case) -> Timing:
    function: Callable[[], Any] = case.build(CPU)[0]
    return time_call(function, CPU, 0.3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    fig, grid = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    for panel, axes in zip(PANELS, grid.flat, strict=True):
        print(f"\n{panel.title}\n  {panel.xlabel:20}" + "".join(f"{x:>10}" for x in panel.xs))
        last: list[float] = []
        for color, (name, build) in zip(COLORS, panel.lines.items(), strict=False):
            timings = [measure(build(x)) for x in panel.xs]
            median = [1e3 * t.median for t in timings]
            bars = [[1e3 * (t.median - t.low) for t in timings], [1e3 * (t.high - t.median) for t in timings]]
            axes.errorbar(panel.xs, median, bars, color=color, marker="o", markersize=4, capsize=3, label=name)
            print(f"  {name:17} ms" + "".join(f"{m:10.3g}" for m in median), flush=True)
            last.append(median[-1])
        for slope, end in zip(panel.slopes, (min(last), max(last)), strict=False):
            ends = [end * 0.6 * (x / panel.xs[-1]) ** slope for x in panel.xs]
            label = f"∝ {panel.xlabel.split()[-1]}" + {1.0: "", 2.0: "²", 3.0: "³", 4.0: "⁴"}[slope]
            axes.plot(panel.xs, ends, color="#aaaaaa", linestyle=":", label=label)
        axes.set(xscale="log", yscale="log", xlabel=panel.xlabel, ylabel="ms")
        axes.xaxis.set_major_locator(FixedLocator(list(panel.xs)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_title(panel.title, fontsize=10)
        axes.legend(frameon=False, fontsize=8)
        axes.grid(color="#ececec", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
    OUT.parent.mkdir(exist_ok=True)
    fig.savefig(OUT, dpi=120)
    print(f"\n{OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
