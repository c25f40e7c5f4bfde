"""Makes docs/images/psnr_over_time_BRUSH.png: how close each preset comes to the photo, and how fast.

    python benchmarks/figures/psnr_over_time.py --brush oil [--threads 1] [--limit 25] [--preset fast ...]

The photos of examples/photos, 500 strokes; PSNR at 512 pixels along the shorter side, seconds of the search alone; the
mean over the photos at the same share of the search. The line is the best so far; what the search has at each moment is
faint, and dips where new strokes arrive. A search that takes longer than --limit seconds a photo is shown up to there.
With one thread (the default) seconds are of processor time, which other programs hardly disturb. Some two minutes a
brush; the same strokes every time.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path
from typing import NamedTuple

import torch

from neuralpaint.brushes import get_brush
from neuralpaint.images.io import load_image
from neuralpaint.painting.painting import Painting
from neuralpaint.renderers import get_renderer
from neuralpaint.search import PRESETS
from neuralpaint.search.blocks import BlockSearch
from neuralpaint.search.joint import JointSearch
from neuralpaint.search.presets import get_preset
from neuralpaint.search.problem import Problem

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = sorted((ROOT / "examples" / "photos").glob("*.jpg"))
STROKES = 500
SNAPSHOTS = 60  # of a whole search, at equal shares of its work
COLORS = {"fast": "#d1495b", "balanced": "#1f6f8b", "best": "#5b8c5a", "paper": "#8d6a9f"}
WHITE = (1.0, 1.0, 1.0)


class Run(NamedTuple):
    seconds: list[float]
    psnr: list[float]
    whole: bool


def search(photo: torch.Tensor, brush: str, preset: str, limit: float) -> Run:
    """One search; its painting is measured now and then, on another clock than the search's."""
    chosen = get_preset(preset)
    problem = Problem.of(photo, get_brush(brush), STROKES, chosen, WHITE, get_renderer("exact"), 0)
    state = BlockSearch(problem) if chosen.method == "blocks" else JointSearch(problem)
    total, seconds, shown = state.work()[1], 0.0, 0
    run = Run([], [], True)
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    with torch.enable_grad():
        while not state.finished and seconds < limit:
            start = clock()
            state.step()
            seconds += clock() - start
            share = int(state.work()[0] / total * SNAPSHOTS)
            if (share > shown or state.finished) and len(state.strokes):
                shown = share
                painting = Painting(state.strokes, problem.brush, problem.aspect, WHITE, 512)
                run.seconds.append(seconds)
                run.psnr.append(painting.psnr(photo))
    return run._replace(whole=state.finished)


def mean(runs: list[Run]) -> Run:
    """The mean of the photos' curves, at the same snapshots."""
    count = min(len(run.seconds) for run in runs)
    times, values = ([list(column) for column in zip(*(r[k][:count] for r in runs), strict=True)] for k in (0, 1))
    whole = all(run.whole for run in runs)
    return Run([sum(t) / len(t) for t in times], [sum(v) / len(v) for v in values], whole)


def figure(curves: dict[str, Run], brush: str) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter

    fig, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    for preset, run in curves.items():
        color = COLORS.get(preset, "#444444")
        best = list(itertools.accumulate(run.psnr, max))
        axes.plot(run.seconds, run.psnr, color=color, linewidth=0.8, alpha=0.35)
        end = f"{run.psnr[-1]:.1f} dB, {run.seconds[-1]:.1f} s" if run.whole else "goes on"
        axes.plot(run.seconds, best, color=color, linewidth=1.8, label=f"{preset}: {end}")
        axes.plot(run.seconds[-1], best[-1], "o" if run.whole else ">", color=color, markersize=6)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    highest = max(max(run.psnr) for run in curves.values())
    axes.set_ylim(highest - 11, highest + 0.8)
    threads = torch.get_num_threads()
    axes.set(xlabel="seconds of search", ylabel="PSNR, dB")
    title = f"{brush}, {STROKES} strokes, mean of {len(PHOTOS)} photos, {threads} thread{'s' * (threads > 1)}"
    axes.set_title(title, fontsize=10)
    axes.legend(frameon=False, loc="upper left")
    axes.grid(color="#e6e6e6", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    out = ROOT / "docs" / "images" / f"psnr_over_time_{brush}.png"
    out.parent.mkdir(exist_ok=True)
    fig.savefig(out, dpi=130)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brush", default="oil")
    parser.add_argument("--preset", action="append")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=25.0, help="seconds a photo and preset")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    photos = [load_image(path) for path in PHOTOS]
    search(photos[0][:, :32, :32].contiguous(), arguments.brush, "fast", 5)  # what a process loads once
    curves = {}
    for preset in arguments.preset or PRESETS:
        curves[preset] = run = mean([search(photo, arguments.brush, preset, arguments.limit) for photo in photos])
        note = "" if run.whole else f" (stopped after {arguments.limit:g} s)"
        print(f"{arguments.brush} {preset}: {run.psnr[-1]:.2f} dB after {run.seconds[-1]:.2f} s{note}", flush=True)
    print(figure(curves, arguments.brush).relative_to(ROOT))


if __name__ == "__main__":
    main()
