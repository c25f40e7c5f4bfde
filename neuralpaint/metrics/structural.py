"""SSIM and MS-SSIM, by torchmetrics."""

from __future__ import annotations

from typing import Any

from torch import Tensor

_SMALLEST, _SMALLEST_OF_SCALES = 11, 161  # sides in pixels: the window, and the window at the coarsest of 5 scales


def ssim(a: Tensor, b: Tensor) -> float:
    """Structural similarity of images `[B, 3, H, W]` in [0, 1]: mean over the batch, 1 if they are equal.

    Raises:
        ValueError: the shapes differ, or a side is below 11 pixels.
        ImportError: torchmetrics is not installed.

    Reference: Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004.
    """
    _check(a, b, _SMALLEST)
    return float(_functional().structural_similarity_index_measure(a, b, data_range=1.0))


def ms_ssim(a: Tensor, b: Tensor) -> float:
    """Structural similarity over five scales of images `[B, 3, H, W]` in [0, 1]: mean over the batch, 1 if equal.

    Raises:
        ValueError: the shapes differ, or a side is below 161 pixels.
        ImportError: torchmetrics is not installed.

    Reference: Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality assessment", 2003.
    """
    _check(a, b, _SMALLEST_OF_SCALES)
    return float(_functional().multiscale_structural_similarity_index_measure(a, b, data_range=1.0))


def _check(a: Tensor, b: Tensor, smallest: int) -> None:
    if a.ndim != 4 or a.shape != b.shape:
        raise ValueError(f"a and b must be [B, 3, H, W] of the same shape, got {list(a.shape)} and {list(b.shape)}")
    if min(a.shape[2:]) < smallest:
        height, width = a.shape[2:]
        raise ValueError(f"a and b are {width}x{height} pixels: at least {smallest} are needed along each side")


def _functional() -> Any:
    try:
        from torchmetrics.functional import image
    except ImportError as error:
        raise ImportError(f"SSIM needs torchmetrics: pip install 'neuralpaint[metrics]' ({error})") from error
    return image
