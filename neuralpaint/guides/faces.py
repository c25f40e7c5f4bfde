"""Faces in a photo, by the cascade of three small networks of Zhang et al., "Joint Face Detection and Alignment Using
Multitask Cascaded Convolutional Networks" (2016).

The networks' weights come with the package facenet-pytorch (MIT, 2 MB), of which nothing else is used:
`pip install --no-deps facenet-pytorch`. Without it no faces are found.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.guides.views import reduced
from neuralpaint.images.resample import resize
from neuralpaint.utils.loading import reading
from neuralpaint.utils.torch_files import read_torch

INSTALL = "pip install --no-deps facenet-pytorch"
"""The command that installs the weights."""

_LONGEST = 420  # pixels: a photo is reduced to this
_SMALLEST = 20  # pixels along a face, of these
_SHRINK = 0.709  # from one scale to the next: half the area
_CELL, _STRIDE = 12, 2  # of the first network: pixels that it sees, and from one place to the next
_LIKELY = (0.6, 0.7, 0.9)  # what each network takes for a face
_MOST = 400  # boxes that go from one network to the next
_Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Face:
    """A face in a photo, in fractions of its width and height.

    Attributes:
        box: left, top, right, bottom.
        points: (x, y) of the eyes, the nose and the corners of the mouth.
        score: how sure the networks are, up to 1.
    """

    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
    score: float


def can_find_faces() -> bool:
    """Whether the networks' weights are installed."""
    return _folder() is not None


def find_faces(photo: Tensor) -> list[Face]:
    """The faces in a photo `[3, H, W]`, RGB, float in [0, 1] or uint8; none if the weights are not installed.

    Raises:
        ValueError: the installed weights cannot be read.
    """
    if not can_find_faces():
        return []
    propose, refine, describe = _networks()
    height, width = photo.shape[1:]
    factor = min(1.0, _LONGEST / max(height, width))
    small = reduced(photo, factor)
    picture = (small * 255 - 127.5) / 128
    boxes, _ = _proposed(propose, picture)
    boxes, *_ = _passed(refine, picture, boxes, 24, _LIKELY[1])
    boxes, scores, points = _passed(describe, picture, boxes, 48, _LIKELY[2])
    size = torch.tensor([picture.shape[2], picture.shape[1]], dtype=torch.float32, device="cpu")
    return [
        Face(tuple((box.view(2, 2) / size).flatten().tolist()), tuple(map(tuple, (at / size).tolist())), float(score))
        for box, at, score in zip(boxes, points, scores, strict=True)
    ]


def _folder() -> Path | None:
    try:
        found = importlib.util.find_spec("facenet_pytorch")  # finds it without importing it
    except (ImportError, ValueError):
        return None
    places = [] if found is None else found.submodule_search_locations or []
    folders = [Path(place) / "data" for place in places]
    return next((folder for folder in folders if (folder / "onet.pt").is_file()), None)


@lru_cache(maxsize=1)
def _networks() -> tuple[Callable[[Tensor], list[Tensor]], ...]:
    folder = _folder()
    assert folder is not None
    first, second, third = (_read(folder / f"{letter}net.pt") for letter in "pro")

    def propose(x: Tensor) -> list[Tensor]:
        x = _features(first, x, pools=(2, 0, 0))
        return [_conv(first, "conv4_1", x).softmax(1)[:, 1], _conv(first, "conv4_2", x)]

    def refine(x: Tensor) -> list[Tensor]:
        x = _dense(second, 4, _flat(_features(second, x, pools=(3, 3, 0))))
        return [_linear(second, "dense5_1", x).softmax(1)[:, 1], _linear(second, "dense5_2", x)]

    def describe(x: Tensor) -> list[Tensor]:
        x = _dense(third, 5, _flat(_features(third, x, pools=(3, 3, 2, 0))))
        return [_linear(third, "dense6_1", x).softmax(1)[:, 1], *(_linear(third, f"dense6_{k}", x) for k in (2, 3))]

    return propose, refine, describe


def _read(path: Path) -> _Weights:
    with reading(path, "holds no weights of a face detector", f"install it again: {INSTALL}"):
        weights = read_torch(path)
        if any(not value.isfinite().all() for value in weights.values()):
            raise ValueError("a weight is not finite")
        return weights


def _conv(weights: _Weights, name: str, x: Tensor) -> Tensor:
    return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _linear(weights: _Weights, name: str, x: Tensor) -> Tensor:
    return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _dense(weights: _Weights, number: int, x: Tensor) -> Tensor:
    return F.prelu(_linear(weights, f"dense{number}", x), weights[f"prelu{number}.weight"])


def _features(weights: _Weights, x: Tensor, pools: tuple[int, ...]) -> Tensor:
    for number, pool in enumerate(pools, 1):
        x = F.prelu(_conv(weights, f"conv{number}", x), weights[f"prelu{number}.weight"])
        if pool:
            x = F.max_pool2d(x, pool, 2, ceil_mode=True)
    return x


def _flat(x: Tensor) -> Tensor:
    return x.permute(0, 3, 2, 1).flatten(1)  # as the networks were trained: columns first


def _proposed(network: Callable[[Tensor], list[Tensor]], picture: Tensor) -> tuple[Tensor, Tensor]:
    """Square boxes `[N, 4]` that may hold faces, and their scores, at all scales."""
    height, width = picture.shape[1:]
    scale, boxes, scores = _CELL / _SMALLEST, [], []
    while min(height, width) * scale >= _CELL:
        view = resize(picture, max(_CELL, round(height * scale)), max(_CELL, round(width * scale)))
        likely, offsets = (found[0] for found in network(view[None]))
        row, column = (likely > _LIKELY[0]).nonzero().unbind(1)
        corner = torch.stack([column, row], 1) * _STRIDE
        found = torch.cat([corner, corner + _CELL], 1) / scale
        found, score = _moved(found, offsets[:, row, column].T), likely[row, column]
        keep = _apart(found, score, 0.5)
        boxes.append(found[keep])
        scores.append(score[keep])
        scale *= _SHRINK
    if not boxes:
        return picture.new_zeros(0, 4), picture.new_zeros(0)
    found, score = torch.cat(boxes), torch.cat(scores)
    keep = _apart(found, score, 0.7)
    return _squared(found[keep]), score[keep]


def _passed(
    network: Callable[[Tensor], list[Tensor]], picture: Tensor, boxes: Tensor, side: int, likely: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Of square boxes, those that a network takes for faces: boxes `[N, 4]`, scores `[N]`, points `[N, 5, 2]`."""
    if len(boxes) == 0:
        return boxes, picture.new_zeros(0), picture.new_zeros(0, 5, 2)
    score, offsets, *points = network(_crops(picture, boxes, side))
    at = points[0].view(-1, 2, 5).transpose(1, 2) if points else picture.new_zeros(len(boxes), 5, 2)
    size = (boxes[:, 2:] - boxes[:, :2])[:, None]
    at, found = at * size + boxes[:, None, :2], _moved(boxes, offsets)
    sure = (score > likely).nonzero()[:, 0]
    keep = sure[_apart(found[sure], score[sure], 0.6)]
    return (found[keep] if points else _squared(found[keep])), score[keep], at[keep]


def _moved(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Boxes whose sides are moved by fractions of their size."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes + offsets * torch.cat([size, size], 1)


def _squared(boxes: Tensor) -> Tensor:
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True) / 2
    return torch.cat([middle - half, middle + half], 1)


def _crops(picture: Tensor, boxes: Tensor, side: int) -> Tensor:
    """`[N, 3, side, side]`; 0 beyond the picture. A sample is the mean of 3 × 3, so that large boxes do not alias."""
    fine = 3 * side
    steps = (torch.arange(fine, dtype=torch.float32, device="cpu") + 0.5) / fine
    size = torch.tensor([picture.shape[2], picture.shape[1]], dtype=torch.float32, device="cpu")
    low, high = boxes[:, :2] / size * 2 - 1, boxes[:, 2:] / size * 2 - 1
    x, y = ((low[:, i : i + 1] + (high - low)[:, i : i + 1] * steps) for i in (0, 1))
    grid = torch.stack([x[:, None, :].expand(-1, fine, -1), y[:, :, None].expand(-1, -1, fine)], -1)
    crops = [
        F.avg_pool2d(F.grid_sample(picture[None].expand(len(part), -1, -1, -1), part, align_corners=False), 3)
        for part in grid.split(64)
    ]
    return torch.cat(crops)


def _apart(boxes: Tensor, scores: Tensor, most: float) -> Tensor:
    """Numbers of the best boxes of which no two overlap by more than `most` of their union."""
    order = scores.argsort(descending=True, stable=True)[:_MOST]
    chosen = boxes[order]
    area = (chosen[:, 2:] - chosen[:, :2]).clamp_min(0).prod(1)
    low, high = (
        torch.maximum(chosen[:, None, :2], chosen[None, :, :2]),
        torch.minimum(chosen[:, None, 2:], chosen[None, :, 2:]),
    )
    shared = (high - low).clamp_min(0).prod(2)
    overlap = (shared / (area[:, None] + area[None] - shared).clamp_min(1e-6) > most).numpy()
    keep: list[int] = []
    for k in range(len(order)):
        if not overlap[k, keep].any():
            keep.append(k)
    return order[keep]
