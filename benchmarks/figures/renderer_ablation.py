"""Makes the ablation of docs/renderers.md: the table in it, and docs/images/renderer_ablation.png.

    benchmarks/figures/renderer_ablation.sh RUNS  # trains them all, one after another
    python benchmarks/figures/renderer_ablation.py RUNS  # collects RUNS/ablation-BRUSH-NETWORK into the JSON, draws
    python benchmarks/figures/renderer_ablation.py  # draws from docs/renderers/ablation.json

Needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"
DATA, PLOT, PAGE = (
    DOCS / "renderers" / "ablation.json",
    DOCS / "images" / "renderer_ablation.png",
    DOCS / "renderers.md",
)
BEGIN, END = "<!-- ablation: begin -->", "<!-- ablation: end -->"

BRUSHES = ("oil", "watercolor")
NAMES = {
    "coordinate": "coordinate (ours)",
    "dual-pathway": "dual pathway (SNP)",
    "unet": "UNet",
    "dcgan": "DCGAN-G",
    "shading-only": "shading only",
    "pixelshuffle": "PixelShuffle",
    "rasterization-only": "rasterization only",
}
# SNP Table 1: 128², 20 million strokes, its own brushes
PAPER = {"dual-pathway": (26.98, 31.39), "rasterization-only": (24.02, 25.77), "shading-only": (26.05, 29.05)}


def collect(runs: Path) -> list[dict[str, Any]]:
    """What is worth keeping of the trainings that are done."""
    found = []
    for brush in BRUSHES:
        for network in NAMES:
            folder = runs / f"ablation-{brush}-{network}"
            if not (folder / "README.md").exists():
                print(f"{folder.name} is not done", file=sys.stderr)
                continue
            training = json.loads((folder / "config.json").read_text())["training"]
            curve = json.loads((folder / "training" / "curve.json").read_text())["curve"]
            keep = ("network", "brush", "size", "steps", "batch", "learning_rate", "schedule", "seconds", "hardware")
            scores = {key: training[key] for key in ("psnr", "psnr_foreground", "psnr_alpha")}
            points = [[point["step"], round(point["psnr"], 3)] for point in curve]
            found.append({key: training[key] for key in keep} | scores | {"curve": points})
    return found


def table(runs: list[dict[str, Any]]) -> str:
    """Markdown, best first by the mean over the brushes."""
    scores: dict[str, dict[str, dict[str, Any]]] = {}
    for run in runs:
        scores.setdefault(run["network"], {})[run["brush"]] = run

    def mean(network: str) -> float:
        return sum(run["psnr"] for run in scores[network].values()) / len(scores[network])

    lines = ["| network | oil | watercolor | SNP Table 1 (oil, watercolor) |", "|---|---|---|---|"]
    for network in sorted(scores, key=mean, reverse=True):
        cells = [f"{scores[network][b]['psnr']:.2f}" if b in scores[network] else "–" for b in BRUSHES]
        paper = "{:.2f}, {:.2f}".format(*PAPER[network]) if network in PAPER else ""
        lines.append(f"| {NAMES[network]} | {cells[0]} | {cells[1]} | {paper} |")
    return "\n".join(lines)


def plot(runs: list[dict[str, Any]]) -> None:
    """PSNR against steps, a column a brush; the lower row without ours, whose scale is another."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colors = dict(zip(NAMES, plt.get_cmap("tab10").colors, strict=False))
    figure, rows = plt.subplots(2, 2, figsize=(10, 7), sharex=True, sharey="row")
    for shown, panels in zip((list(NAMES), list(NAMES)[1:]), rows, strict=True):  # all, then the paper's alone
        for panel, brush in zip(panels, BRUSHES, strict=True):
            for run in (r for r in runs if r["brush"] == brush and r["network"] in shown):
                steps, psnr = zip(*run["curve"], strict=True)
                panel.plot(steps, psnr, color=colors[run["network"]], label=NAMES[run["network"]], linewidth=1.6)
            panel.grid(alpha=0.3)
            panel.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("PSNR, dB")
    for k, brush in enumerate(BRUSHES):
        rows[0][k].set_title(brush)
        rows[1][k].set_xlabel(f"steps of {runs[0]['batch']} strokes")
    handles, labels = rows[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="center right", frameon=False)
    figure.tight_layout(rect=(0, 0, 0.82, 1))
    figure.savefig(PLOT, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="?", type=Path, metavar="RUNS")
    folder = parser.parse_args().runs
    if folder:
        found = collect(folder)
        if not found:
            parser.error(f"no training in {folder} is done")
        DATA.write_text(json.dumps(found, indent=None).replace("}, {", "},\n{") + "\n")
    runs = json.loads(DATA.read_text())
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(runs)}\n\n{END}{rest.split(END)[1]}")
    plot(runs)
    print(table(runs))


if __name__ == "__main__":
    main()
