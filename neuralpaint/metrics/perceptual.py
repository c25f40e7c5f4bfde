"""Distances of pictures by the features of a network, and by edges."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.images.resample import resize
from neuralpaint.losses.features import Features, pyramid

_DIRECTIONS, _QUANTILES = 64, 256
_SCALES = (1.0, 0.5)
_EDGE_SCALES = (1, 2)


@torch.inference_mode()
def feature_distance(a: Tensor, b: Tensor, features: Features, layers: Sequence[int] | None = None) -> float:
    """Mean over layers and positions of |f(a) − f(b)|², where features have unit length: 0 for equal images, at most 4.

    This is LPIPS without weights learned from people's judgements.

    Args:
        a, b: `[B, 3, H, W]` in [0, 1].
        layers: of the features; by default those for style.

    Raises:
        ValueError: the shapes differ, or the images are too small for the features.

    Reference: Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018.
    """
    _check_same(a, b)
    chosen = features.style_layers if layers is None else tuple(layers)
    found = [features(x, chosen) for x in (a, b)]
    return float(torch.stack([(_unit(found[0][k]) - _unit(found[1][k])).square().sum(1).mean() for k in chosen]).mean())


@torch.inference_mode()
def style_distance(picture: Tensor, painting: Tensor, features: Features, layers: Sequence[int] | None = None) -> float:
    """Sliced Wasserstein distance (squared) of features, relative to how much those of the painting vary.

    Over two scales and the layers, the mean over 64 fixed directions of the squared differences of quantiles. Where
    things are does not count. 0 for a painting itself; photos are at 0.1 to 1.

    Args:
        picture: `[1, 3, H, W]` in [0, 1].
        painting: `[1, 3, H', W']`; reduced to the area of the picture if it is larger.
        layers: of the features; by default those for style.

    Raises:
        ValueError: a shape is wrong, or an image too small for the features.

    Reference: Heitz et al., "A sliced Wasserstein loss for neural texture synthesis", CVPR 2021.
    """
    for name, image in (("picture", picture), ("painting", painting)):
        if image.ndim != 4 or image.shape[:2] != (1, 3):
            raise ValueError(f"{name} must be [1, 3, H, W], got {list(image.shape)}")
    factor = min(1.0, (picture[0, 0].numel() / painting[0, 0].numel()) ** 0.5)
    painting = resize(painting, *(max(1, round(side * factor)) for side in painting.shape[2:]))
    chosen = features.style_layers if layers is None else tuple(layers)
    pairs = zip(
        _profile(picture, features, chosen), _profile(painting, features, chosen), strict=False
    )  # small: 1 scale
    return float(torch.stack([(x - y).square().mean() / y.var(1).mean() for x, y in pairs]).mean())


@torch.inference_mode()
def content_distance(picture: Tensor, photo: Tensor) -> float:
    """1 − the correlation of the edges of images `[B, 3, H, W]`: 0 if all edges of the photo are kept, about 1 if none.

    Edges are gradient magnitudes of the mean of the channels, at full and at half size. Colours do not count.

    Raises:
        ValueError: the shapes differ.
    """
    _check_same(picture, photo)
    correlations = []
    for factor in _EDGE_SCALES:
        pair = torch.stack([_edges(F.avg_pool2d(x.mean(1, keepdim=True), factor)) for x in (picture, photo)])
        centred = pair - pair.mean(1, keepdim=True)
        lengths = centred.norm(dim=1).prod()
        correlations.append(centred.prod(0).sum() / lengths if lengths > 0 else torch.zeros(()))
    return 1 - float(torch.stack(correlations).mean())


def _check_same(a: Tensor, b: Tensor) -> None:
    if a.ndim != 4 or a.shape != b.shape:
        raise ValueError(f"the images must be [B, 3, H, W] of the same shape, got {list(a.shape)} and {list(b.shape)}")


def _unit(features: Tensor) -> Tensor:
    return F.normalize(features, dim=1, eps=1e-10)


def _profile(picture: Tensor, features: Features, layers: Sequence[int]) -> list[Tensor]:
    found = []
    for _, level in pyramid(picture, _SCALES, features.smallest):
        seen = features(level, layers)
        found += [_quantiles(seen[layer]) for layer in layers]
    return found


def _quantiles(features: Tensor) -> Tensor:
    """Quantiles of projections of `[1, C, h, w]`, `[directions, quantiles]`."""
    rows = features[0].flatten(1)
    generator = torch.Generator("cpu").manual_seed(len(rows))
    directions = F.normalize(torch.randn(_DIRECTIONS, len(rows), generator=generator), dim=1).to(rows)
    values = (directions @ rows).sort(1).values
    at = torch.linspace(0, values.shape[1] - 1, _QUANTILES, device=rows.device).round().long()
    return values[:, at]


def _edges(grey: Tensor) -> Tensor:
    across, down = grey[..., 1:, 1:] - grey[..., 1:, :-1], grey[..., 1:, 1:] - grey[..., :-1, 1:]
    return (across.square() + down.square()).sqrt().flatten()
