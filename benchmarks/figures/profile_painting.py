"""Makes docs/images/profile_painting.png: where the time of a painting goes.

    python benchmarks/figures/profile_painting.py [--brush oil --brush tape] [--preset balanced] [--threads 1]
        [--trace FILE]

A timer interrupts the painting as often as the system lets it; the time since the last interrupt goes to the function
that it finds running, so that (unlike with cProfile) small functions cost no more than they do unprofiled. The first
painting of a process is shown apart: it also loads what a process loads once. The profiler's spans and operators are
printed as a cross-check. With one thread (the default) seconds are of processor time, which other programs hardly
disturb. Takes about half a minute on an idle machine.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "images" / "profile_painting.png"
PHOTO = ROOT / "examples" / "photos" / "astronaut.jpg"
INTERVAL = 0.5e-3
REPEATS = 3

KERNELS, OTHER = "kernel: pixels and their gradient", "the rest of the search's Python"
# The first rule that any frame of the stack fits, from the innermost outwards: (part of "file:function", category).
RULES = (
    ("importlib", "imports"),
    ("brushes/texture.py", "bristle texture (once)"),
    ("ops/checks.py", "checks of arguments"),
    ("ops/", KERNELS),
    ("torch/optim", "Adam"),
    ("search/optim/adam.py", "Adam"),
    ("search/seeding.py", "new and moved strokes"),
    (":_begin", "new and moved strokes"),
    (":_new_strokes", "new and moved strokes"),
    (":_importance", "new and moved strokes"),
    ("search/optim/limits.py", "limits of the strokes"),
    (":blank", "blank canvas"),
    (":view", "view of the photo"),
    ("neuralpaint/images/", "view of the photo"),
    ("painting/painting.py:render", "the finished picture"),
)


class Sampler:
    """Seconds by category and by function, from a timer's interrupts.

    The handler runs between two bytecodes, so a long call into C is found right after it, in the function that made it,
    and gets all the time since the last interrupt.
    """

    def __init__(self, threads: int) -> None:
        alone = threads == 1
        self.clock = time.process_time if alone else time.perf_counter
        self._signal = signal.SIGPROF if alone else signal.SIGALRM
        self._timer = signal.ITIMER_PROF if alone else signal.ITIMER_REAL
        self.categories: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()
        self.total = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        before = signal.signal(self._signal, self._sample)
        self._last = start = self.clock()
        signal.setitimer(self._timer, INTERVAL, INTERVAL)
        try:
            yield
        finally:
            signal.setitimer(self._timer, 0)
            signal.signal(self._signal, before)
            self.total += self.clock() - start

    def _sample(self, _: int, frame: FrameType | None) -> None:
        now = self.clock()
        elapsed, self._last = now - self._last, now
        stack = []
        while frame is not None:
            stack.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")
            frame = frame.f_back
        ours = next((f for f in stack if "/neuralpaint/" in f and "profiling.py" not in f), stack[0])
        self.functions[ours.rsplit("/neuralpaint/", 1)[-1]] += elapsed
        self.categories[category(stack)] += elapsed


def category(stack: list[str]) -> str:
    for frame in stack:
        for part, name in RULES:
            if part in frame:
                return name
    return OTHER


def painter(brush: str, preset: str) -> Callable[[], None]:
    import neuralpaint
    from neuralpaint.images.io import load_image

    photo = load_image(PHOTO)
    return lambda: neuralpaint.paint(photo, brush, 500, preset).render(512)


def worker(brush: str, preset: str, threads: int) -> None:
    """Profiles the first painting of this process and some more; prints JSON."""
    import torch

    torch.set_num_threads(threads)
    paint = painter(brush, preset)
    results = {}
    for name, repeats in (("first", 1), ("next", REPEATS)):
        sampler = Sampler(threads)
        with sampler.running():
            for _ in range(repeats):
                paint()
        results[name] = {
            "seconds": sampler.total / repeats,
            "categories": {k: v / repeats for k, v in sampler.categories.items()},
            "functions": {k: v / repeats for k, v in sampler.functions.items()},
        }
    start = sampler.clock()
    paint()
    results["unprofiled"] = {"seconds": sampler.clock() - start}
    print(json.dumps(results))


def by_profiler(brush: str, preset: str, threads: int, trace: Path | None) -> str:
    """Spans and operators as torch.profiler sees them: a table of times."""
    import torch

    torch.set_num_threads(threads)
    paint = painter(brush, preset)
    with contextlib.redirect_stdout(io.StringIO()):
        paint()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        paint()
    if trace is not None:
        profile.export_chrome_trace(str(trace))
    averages = profile.key_averages()
    whole = next(e.cpu_time_total for e in averages if e.key == "neuralpaint.paint")
    lines = [f"{'span or operator':44}{'calls':>7}{'total':>9}{'self':>9}"]
    for event in sorted(averages, key=lambda e: -e.cpu_time_total)[:28]:
        total, own = event.cpu_time_total / whole, event.self_cpu_time_total / whole
        lines.append(f"{event.key[:43]:44}{event.count:7}{total:9.1%}{own:9.1%}")
    return "\n".join(lines)


def figure(results: dict[str, dict], preset: str, threads: int) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    brushes = list(results)
    names = sorted(
        {name for r in results.values() for name in r["next"]["categories"]},
        key=lambda name: max(share(r["next"], name) for r in results.values()),
    )
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), width_ratios=(3, 2), layout="constrained")
    colors = ("#b5541c", "#33658a", "#758e4f", "#6d597a")
    height = 0.8 / len(brushes)
    for k, brush in enumerate(brushes):
        shares = [100 * share(results[brush]["next"], name) for name in names]
        places = [n + 0.4 - height * (k + 0.5) for n in range(len(names))]
        seconds = results[brush]["unprofiled"]["seconds"]
        bars = left.barh(places, shares, height, color=colors[k % 4], label=f"{brush}: {seconds:.2f} s")
        for label in left.bar_label(bars, [f"{s:.1f} %" for s in shares], padding=3, fontsize=8):
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    left.axvline(5, color="#888888", linewidth=1, linestyle=":", zorder=0)
    left.text(5.4, len(names) - 0.62, "5 %", color="#666666", fontsize=8)
    left.set(yticks=range(len(names)), yticklabels=names, xlim=(0, 100), xlabel="share of the painting, %")
    left.set_title(f"{preset}, 500 strokes, astronaut 512², {threads} thread{'s' * (threads > 1)}", fontsize=10)
    left.legend(frameon=False, loc="lower right")
    for k, brush in enumerate(brushes):
        start = 0.0
        first, later = results[brush]["first"], results[brush]["next"]
        parts = {"painting": later["seconds"]}
        parts |= {n: first["categories"].get(n, 0.0) for n in ("imports", "bristle texture (once)")}
        parts["other"] = max(0.0, first["seconds"] - sum(parts.values()))
        for index, (name, seconds) in enumerate(parts.items()):
            shade = (colors[k % 4], "#c9a227", "#8fb8a8", "#bbbbbb")[index]
            right.barh(-k, seconds, 0.55, left=start, color=shade)
            if seconds > 0.09 * first["seconds"]:
                ink = "white" if index == 0 else "black"
                right.text(
                    start + seconds / 2, -k, f"{name}\n{seconds:.2f} s", ha="center", va="center", color=ink, fontsize=7
                )
            start += seconds
    right.set(yticks=[-k for k in range(len(brushes))], yticklabels=brushes, xlabel="seconds")
    right.set_title("the first painting of a process", fontsize=10)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    OUT.parent.mkdir(exist_ok=True)
    fig.savefig(OUT, dpi=130)


def share(run: dict, name: str) -> float:
    return run["categories"].get(name, 0.0) / run["seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brush", action="append")
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trace", type=Path, help="also write the profiler's trace of a painting, for Perfetto")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    brushes = arguments.brush or ["oil", "tape"]
    if arguments.worker:
        worker(brushes[0], arguments.preset, arguments.threads)
        return
    results = {}
    for brush in brushes:
        options = ["--brush", brush, "--preset", arguments.preset, "--threads", str(arguments.threads), "--worker"]
        run = subprocess.run([sys.executable, __file__, *options], check=True, capture_output=True, text=True)
        results[brush] = json.loads(run.stdout.splitlines()[-1])
        later = results[brush]["next"]
        print(f"\n{brush}: {later['seconds']:.2f} s profiled, {results[brush]['unprofiled']['seconds']:.2f} s without")
        for kind in ("categories", "functions"):
            print(f"  by {'category' if kind == 'categories' else 'our innermost function'}")
            for name, seconds in sorted(later[kind].items(), key=lambda item: -item[1])[:14]:
                print(f"    {seconds / later['seconds']:6.1%}  {name}")
    print(f"\n{brushes[0]}, by torch.profiler (its own cost included)")
    print(by_profiler(brushes[0], arguments.preset, arguments.threads, arguments.trace))
    figure(results, arguments.preset, arguments.threads)
    print(f"\n{OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
