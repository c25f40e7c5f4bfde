"""Losses of style networks on held-out photos as they were trained, from the curves that `train-styles` leaves.

python benchmarks/figures/style_training.py light=FOLDER paper=FOLDER -o docs/images/style_training.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="NAME=FOLDER", help="what train-styles wrote to --out, with a name")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    figure, panels = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
    for run in options.runs:
        name, _, folder = run.partition("=")
        curve = json.loads((Path(folder) / "training" / "curve.json").read_text())["curve"]
        for panel, kind in zip(panels, ("style", "content"), strict=True):
            panel.plot([point["step"] for point in curve], [point[kind] for point in curve], label=name)
    for panel, kind in zip(panels, ("style", "content"), strict=True):
        panel.set(xlabel="lessons of four photos", title=f"{kind} loss on held-out photos")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", alpha=0.3)
    panels[0].legend(frameon=False)
    figure.savefig(options.output, dpi=110)


if __name__ == "__main__":
    main()
