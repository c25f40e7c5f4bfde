"""What a style loss wants: the pixels of a photo are optimised by four kinds of statistics, and compared.

Each is over the same VGG-19 features and scales, with the same content term. Gram matrices; means and covariances;
sliced Wasserstein distances; Gram matrices with histograms of the deepest layer. Judged by eye, and by the distance of
EfficientNet-Lite0 features (`metrics.style_distance`), which none of them sees.

    python benchmarks/figures/style_statistics.py --photo FILE --styles FILE FILE --out sheet.jpg

Needs VGG-19's weights (NEURALPAINT_VGG19) and the extra efficientnet. A style takes minutes a statistic.

References:
    Gatys et al., "Image style transfer using convolutional neural networks", CVPR 2016 (Gram).
    Risser et al., "Stable and controllable neural texture synthesis and style transfer using histogram losses", 2017.
    Heitz et al., "A sliced Wasserstein loss for neural texture synthesis", CVPR 2021.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from neuralpaint.images.io import load_image, to_pil
from neuralpaint.images.resample import resize
from neuralpaint.losses.features import Features, VGG19Features, get_features, gram, pyramid
from neuralpaint.metrics import content_distance, style_distance

LAYERS, SCALES = (1, 3, 5), (1.0, 0.5, 0.25)
DEEPEST = LAYERS[-1]
CONTENT_WEIGHT, RATE = 0.4, 0.02
DIRECTIONS = 64
JUDGED = (1, 3, 5)  # layers of EfficientNet-Lite0

Seen = dict[tuple[float, int], Tensor]
Distance = Callable[[Seen, Seen], Tensor]


def see(features: Features, picture: Tensor) -> Seen:
    """The features of every scale and layer."""
    return {
        (scale, layer): x for scale, level in pyramid(picture, SCALES) for layer, x in features(level, LAYERS).items()
    }


def relative(a: Tensor, b: Tensor) -> Tensor:
    """|a − b|² / |b|²."""
    return (a - b).square().sum() / b.square().sum()


def by_gram(a: Seen, b: Seen) -> Tensor:
    return torch.stack([relative(gram(a[k]), gram(b[k])) for k in a]).mean()


def by_covariance(a: Seen, b: Seen) -> Tensor:
    found = []
    for k in a:
        means = [x[k].mean((2, 3), keepdim=True) for x in (a, b)]
        covariances = [gram(x[k] - mean) for x, mean in zip((a, b), means, strict=True)]
        found.append(relative(*covariances) + relative(*means))
    return torch.stack(found).mean()


def _sorted(x: Tensor, directions: Tensor, count: int) -> Tensor:
    """Projections at `count` equally spaced quantiles, `[directions, count]`."""
    values = (directions @ x[0].flatten(1)).sort(1).values
    return F.interpolate(values[None], size=count, mode="linear", align_corners=True)[0]


def _spread(x: Tensor) -> Tensor:
    return (x - x.mean((2, 3), keepdim=True)).square().sum(1).mean()


def _sliced(a: Tensor, b: Tensor, directions: Tensor) -> Tensor:
    count = a.shape[2] * a.shape[3]
    squares = (_sorted(a, directions, count) - _sorted(b, directions, count)).square().mean()
    return squares * a.shape[1] / _spread(b)


def by_sliced_wasserstein(a: Seen, b: Seen) -> Tensor:
    """New directions at each step."""
    losses = []
    for k in a:
        directions = F.normalize(torch.randn(DIRECTIONS, a[k].shape[1]), dim=1)
        losses.append(_sliced(a[k], b[k], directions))
    return torch.stack(losses).mean()


def by_histogram(a: Seen, b: Seen) -> Tensor:
    """Gram matrices, and the histogram of every channel of the deepest layer."""
    deep = [k for k in a if k[1] == DEEPEST]
    losses = [_sliced(a[k], b[k], torch.eye(a[k].shape[1])) for k in deep]
    return by_gram(a, b) + torch.stack(losses).mean()


STATISTICS: dict[str, Distance] = {
    "Gram": by_gram,
    "covariance": by_covariance,
    "sliced Wasserstein": by_sliced_wasserstein,
    "Gram, histograms": by_histogram,
}


def optimise(features: Features, photo: Tensor, style: Tensor, kind: Distance, steps: int) -> Tensor:
    """The photo `[1, 3, H, W]` after gradient steps on its pixels."""
    torch.manual_seed(0)
    with torch.no_grad():
        wanted = see(features, style)
        half = features(pyramid(photo, (0.5,))[0][1], (DEEPEST,))[DEEPEST]
    picture = photo.clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], RATE)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
        seen = see(features, picture)
        loss = kind(seen, wanted) + CONTENT_WEIGHT * relative(seen[0.5, DEEPEST], half)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            picture.clamp_(0, 1)
    return picture.detach()


def reduced(path: Path, size: int) -> Tensor:
    """A picture of about size² pixels, `[1, 3, H, W]`, with sides that are multiples of 4."""
    picture = load_image(path)[None]
    factor = size / (picture.shape[2] * picture.shape[3]) ** 0.5
    return resize(picture, *(4 * max(4, round(side * factor / 4)) for side in picture.shape[2:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--styles", type=Path, nargs="+", required=True)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--size", type=int, default=224, help="side of a square of as many pixels")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    features, judge = VGG19Features(), get_features("efficientnet-lite0")
    photo = reduced(options.photo, options.size)
    rows: list[list[Image.Image]] = []
    print("| style | " + " | ".join(f"{name}: style | content" for name in STATISTICS) + " |")
    for path in options.styles:
        style = reduced(path, options.size)
        row, cells = [to_pil(style[0])], []
        for kind in STATISTICS.values():
            found = optimise(features, photo, style, kind, options.steps)
            near = style_distance(found, style, judge, JUDGED)
            cells.append(f"{near:.4f} | {content_distance(found, photo):.3f}")
            row.append(to_pil(found[0]))
        print(f"| {path.stem} | {' | '.join(cells)} |", flush=True)
        rows.append(row)
    save(rows, ["painting", *STATISTICS], options.out)


def save(rows: Sequence[Sequence[Image.Image]], titles: Sequence[str], path: Path, width: int = 300) -> None:
    """A row for each style, a column for each statistic."""
    height = 220
    sheet = Image.new("RGB", (len(titles) * width, len(rows) * height + 20), "white")
    draw = ImageDraw.Draw(sheet)
    for k, title in enumerate(titles):
        draw.text((k * width + 4, 4), title, fill="black")
    for j, row in enumerate(rows):
        for k, cell in enumerate(row):
            small = cell.copy()
            small.thumbnail((width - 4, height - 4), Image.Resampling.LANCZOS)
            sheet.paste(small, (k * width, 20 + j * height))
    sheet.save(path, quality=90)


if __name__ == "__main__":
    main()
