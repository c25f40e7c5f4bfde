"""Draws docs/images/style_mix.png: style losses along mixes of two styles (figure 7 of Dumoulin et al.).

    python benchmarks/figures/style_mixes.py --network light --content DIR --styles DIR

Losses are means over 32 held-out photos of --content. `neuralpaint reproduce --paper styles --figure 7` does the same
with fewer photos. NEURALPAINT_VGG19 names VGG-19's weights. Needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from neuralpaint.losses.features import Features, get_features
from neuralpaint.reproduction.style_mixes import mix_losses
from neuralpaint.styles.mixing import sweep_mixes
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.training.styles.dataset import load_styles, pictures_in
from neuralpaint.training.styles.objective import StyleTable
from neuralpaint.training.styles.trainer import held_out_pieces, split

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
SIZE, POINTS = 128, 11


def mix(options: argparse.Namespace, features: Features) -> None:
    """Losses against both paintings along the line between two styles."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    network = load_style_network(options.network)
    files = [file for file in pictures_in(options.styles, "--styles")]
    pairs = [tuple(pair.split(",")) for pair in options.pairs]
    wanted = {name for pair in pairs for name in pair}
    paintings = {name: p for name, p in load_styles(files).items() if name in wanted}
    held = held_out_pieces(split(pictures_in(options.content, "--content"))[1], SIZE)
    result = {"network": options.network, "pairs": []}
    figure, axes = plt.subplots(1, len(pairs), figsize=(4 * len(pairs), 3.2), squeeze=False)
    for axis, pair in zip(axes[0], pairs, strict=True):
        table = StyleTable(features, [paintings[name] for name in pair])
        ends = torch.eye(len(network.names))[[network.names.index(name) for name in pair]]
        first, second = mix_losses(network, table, held, sweep_mixes(ends[0], ends[1], POINTS))
        rises = all(a <= b for a, b in zip(first, first[1:], strict=False))
        falls = all(a >= b for a, b in zip(second, second[1:], strict=False))
        result["pairs"].append(
            {"styles": pair, "losses": list(zip(first, second, strict=True)), "monotonic": [rises, falls]}
        )
        print(f"{pair[0]} → {pair[1]}: monotonic {rises} {falls}")
        share = torch.linspace(0, 1, POINTS)
        for values, name in ((first, pair[0]), (second, pair[1])):
            axis.plot(share, values, marker="o", markersize=3, label=f"against {name}")
        axis.set_xlabel(f"share of {pair[1]}")
        axis.set_ylabel("style loss")
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=7, frameon=False)
    figure.tight_layout()
    figure.savefig(IMAGES / "style_mix.png", dpi=110)
    save("style_mix", result)


def save(name: str, result: dict) -> None:
    folder = ROOT / "docs" / "styles"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(folder / f"{name}.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--network", default="light")
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--pairs",
        nargs="+",
        default=[
            "van-gogh-starry-night,munch-scream",
            "hokusai-great-wave,kandinsky-composition-vii",
            "monet-water-lilies,mondrian-composition",
        ],
    )
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    mix(options, get_features("vgg19"))


if __name__ == "__main__":
    main()
