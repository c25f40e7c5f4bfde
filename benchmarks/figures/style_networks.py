"""How near networks of many styles come to their paintings, and how much of the photos they keep, as a Markdown table.

    python benchmarks/figures/style_networks.py --content DIR --styles DIR --network light --network FOLDER
        [--photos 32] [--sheet sheet.jpg]

On photos of the folder that no network was trained on. Style: `metrics.style_distance` of EfficientNet-Lite0, which was
not trained on. Content: `metrics.content_distance`. Means over the photos. The sheet shows two photos in each style, a
network after the other. Needs the extra efficientnet.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from neuralpaint.images.io import load_image, to_pil
from neuralpaint.losses.features import get_features
from neuralpaint.metrics import content_distance, style_distance
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.training.styles.dataset import load_styles, pictures_in
from neuralpaint.training.styles.trainer import split

LAYERS = (1, 3, 5)
SHOWN, CELL = 2, (240, 160)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, required=True, help="folder of photos")
    parser.add_argument("--styles", type=Path, required=True, help="folder of the paintings")
    parser.add_argument("--network", action="append", required=True, help="light, paper or a folder; several times")
    parser.add_argument("--photos", type=int, default=32)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    judge = get_features("efficientnet-lite0")
    networks = {name: load_style_network(name) for name in options.network}
    photos = [load_image(file)[None] for file in split(pictures_in(options.content, "--content"))[1][: options.photos]]
    values: dict[str, dict[str, tuple[float, float]]] = {name: {} for name in networks}
    rows = []
    print("| style | " + " | ".join(f"{name}: style | content" for name in networks) + " |")
    print("|---|" + "---|---|" * len(networks))
    for style, painting in load_styles(pictures_in(options.styles, "--styles")).items():
        row, cells = [to_pil(painting)], []
        for name, network in networks.items():
            if style not in network.names:
                cells.append("– | –")
                row += [Image.new("RGB", CELL, "white")] * SHOWN
                continue
            mix = torch.eye(len(network.names))[[network.names.index(style)]]
            found = [(network(photo, mix), photo) for photo in photos]
            pairs = [(style_distance(x, painting[None], judge, LAYERS), content_distance(x, p)) for x, p in found]
            values[name][style] = tuple(np.mean(pairs, 0))
            cells.append("{:.4f} | {:.3f}".format(*values[name][style]))
            row += [to_pil(x[0]) for x, _ in found[:SHOWN]]
        print(f"| {style} | {' | '.join(cells)} |", flush=True)
        rows.append(row)
    common = set.intersection(*(set(found) for found in values.values()))
    for title, chosen in (("styles of all networks", common), ("all", None)):
        means = [
            np.mean([v for k, v in found.items() if chosen is None or k in chosen], 0) for found in values.values()
        ]
        print(f"| {title} | " + " | ".join("{:.4f} | {:.3f}".format(*mean) for mean in means) + " |")
    if options.sheet is not None:
        save_sheet(rows, options.sheet)


def save_sheet(rows: list[list[Image.Image]], path: Path) -> None:
    """A row for each style: the painting, then the photos by each network."""
    width, height = CELL
    sheet = Image.new("RGB", (max(map(len, rows)) * (width + 4), len(rows) * (height + 4)), "white")
    for j, row in enumerate(rows):
        for k, cell in enumerate(row):
            sheet.paste(cell.resize(CELL, Image.Resampling.LANCZOS), (k * (width + 4), j * (height + 4)))
    sheet.save(path, quality=88)


if __name__ == "__main__":
    main()
