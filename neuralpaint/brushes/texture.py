"""Stroke textures: 8-bit texels, the packed rip-map the kernels read, and textures made from a user's picture."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

MAX_ALONG, MAX_ACROSS = 512, 256
MIN_SIDE = 8


def quantize(values: np.ndarray) -> np.ndarray:
    """Values in [0, 1] as 8-bit texels."""
    return np.round(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)


def pack_texture(alpha: np.ndarray, ridge: np.ndarray) -> torch.Tensor:
    """Packs a brush's textures into the anisotropic mip-map (rip-map) that `rasterize` and `render` sample.

    Level (i, j) is the base averaged over cells of 2^i texels along and 2^j across; it has (TW >> i) × (TH >> j)
    texels and sits at column 2·TW − 2·(TW >> i), row 2·TH − 2·(TH >> j). Each texel holds the four neighbours a
    bilinear look-up needs, (x, y), (x+1, y), (x, y+1), (x+1, y+1) clamped to the level's border, 8 bits each from low
    to high: one load of 8 bytes fetches alpha and ridge. The ridge is averaged with alpha as its weight, so that what
    lies outside the paint does not count.

    Args:
        alpha: uint8 `[2, TH, TW]`, coverage of the large (0) and the small (1) texture; TH, TW powers of two.
        ridge: uint8 `[2, TH, TW]`, shading, 128 is neutral.

    Returns:
        int32 `[2, 2·TH, 2·TW, 2]`, the last dimension alpha then ridge.

    Raises:
        ValueError: if the shapes differ or a side is no power of two.
    """
    import torch

    if alpha.shape != ridge.shape or alpha.ndim != 3 or alpha.shape[0] != 2:
        raise ValueError(f"alpha and ridge must both be [2, TH, TW], got {alpha.shape} and {ridge.shape}")
    _, height, width = alpha.shape
    if height & (height - 1) or width & (width - 1) or not height or not width:
        raise ValueError(f"texture sides must be powers of two, got {width}x{height}")
    plane = np.zeros((2, 2 * height, 2 * width, 2), dtype=np.uint32)
    weight = alpha.astype(np.float64)
    shade = ridge.astype(np.float64)
    for j in range(height.bit_length()):
        for i in range(width.bit_length()):
            h, w = height >> j, width >> i
            cells = (2, h, 1 << j, w, 1 << i)
            mass = weight.reshape(cells).mean(axis=(2, 4))
            weighted = (weight * shade).reshape(cells).mean(axis=(2, 4))
            plain = shade.reshape(cells).mean(axis=(2, 4))
            level = np.stack([mass, np.where(mass > 0, weighted / np.maximum(mass, 1e-12), plain)], axis=-1)
            texels = np.round(level).astype(np.uint32)
            right = np.minimum(np.arange(w) + 1, w - 1)
            below = np.minimum(np.arange(h) + 1, h - 1)
            packed = texels | texels[:, :, right] << 8 | texels[:, below] << 16 | texels[:, below][:, :, right] << 24
            row, column = 2 * height - 2 * h, 2 * width - 2 * w
            plane[:, row : row + h, column : column + w] = packed
    # Not a tensor of an inference, which would be of no use to a later gradient, nor a fake one: brushes keep it.
    with torch.inference_mode(False), torch._C._DisableTorchDispatch():
        return torch.from_numpy(plane.view(np.int32))


@functools.cache
def touch_texels(touch: str) -> tuple[np.ndarray, np.ndarray]:
    """(alpha, ridge) of a built-in touch, read-only, uint8 `[2, TH, TW]` each: of large strokes, then of small."""
    # Making them takes a moment, which other brushes need not wait for.
    from neuralpaint.brushes.touches import touch_textures

    alpha, ridge = map(quantize, touch_textures(touch))
    for texels in (alpha, ridge):
        texels.flags.writeable = False  # they are kept
    return alpha, ridge


_built_in: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)


def built_in_texture(touch: str, device: str) -> torch.Tensor:
    """The packed texture of a built-in touch, or the empty one of a brush without (""), on a device; made once."""
    import torch

    made = _built_in[touch]
    if "cpu" not in made:
        with torch.inference_mode(False), torch._C._DisableTorchDispatch():
            none = torch.empty(0, dtype=torch.int32, device="cpu")
        made.setdefault("cpu", pack_texture(*touch_texels(touch)) if touch else none)
    return upload_once(made, made["cpu"], device)


# Dynamo calls it instead of tracing it, as torch.compiler.assume_constant_result asks for; that one would import the
# compiler, which takes seconds.
built_in_texture._dynamo_marked_constant = True  # type: ignore[attr-defined]


def upload_once(kept: dict[str, torch.Tensor], texture: torch.Tensor, device: str) -> torch.Tensor:
    """The texture on that device, of the ones `kept` there, or uploaded and kept."""
    import torch

    if device == "cpu":
        return texture
    if device not in kept:
        # Not as the mode of fake tensors or of a trace would have it: the result stays.
        with torch.inference_mode(False), torch._C._DisableTorchDispatch():
            kept[device] = texture.to(device)
    return kept[device]


def as_fake(texture: torch.Tensor) -> torch.Tensor:
    """A fake tensor of its shape where the mode of fake tensors is on; else the texture itself."""
    import torch

    mode = torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE)
    return texture if mode is None else mode.from_tensor(texture)


def texels_from_picture(grey: np.ndarray, alpha: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Turns a picture of one dab of paint into texels.

    Args:
        grey: float32 `[H, W]` in [0, 1]. Without `alpha` it is the coverage (white = paint), and the shading is its
            high-pass inside the paint, centred on ½. With `alpha` it is the shading itself (½ = neutral).
        alpha: float32 `[H, W]` in [0, 1] or None.

    Returns:
        alpha and ridge, uint8 `[TH, TW]`: powers of two, at most 512 along and 256 across, the picture's longer side
        along.

    Raises:
        ValueError: if nothing in the picture is paint.
    """
    import torch

    if grey.shape[0] > grey.shape[1]:
        grey = np.rot90(grey).copy()
        alpha = None if alpha is None else np.rot90(alpha).copy()
    along, across = _power_of_two(grey.shape[1], MAX_ALONG), _power_of_two(grey.shape[0], MAX_ACROSS)
    cover = _resample(grey if alpha is None else alpha, across, along)
    if cover.max() < 0.5 / 255:
        raise ValueError("the brush picture holds no paint: white (or opaque) is paint, black (or transparent) is none")
    if alpha is not None:
        shade = _resample(grey * alpha, across, along) / cover.clamp(min=1e-3)
        ridge = torch.where(cover > 1e-3, shade, torch.full_like(shade, 0.5))
    else:
        sigma = max(1.0, across / 8)
        low = _blur(cover * cover, sigma) / _blur(cover, sigma).clamp(min=1e-6)
        high = cover - low
        centre = (high * cover).sum() / cover.sum()
        ridge = 0.5 + (high - centre) * (cover > 0.5 / 255)
    return quantize(cover.numpy()), quantize(ridge.numpy())


def _power_of_two(side: int, limit: int) -> int:
    return int(min(limit, max(MIN_SIDE, 2 ** round(np.log2(side)))))


def _resample(plane: np.ndarray, height: int, width: int) -> torch.Tensor:
    import torch
    import torch.nn.functional as F

    x = torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float32))[None, None]
    x = F.interpolate(x, size=(height, width), mode="bilinear", antialias=True, align_corners=False)
    return x[0, 0].clamp(0, 1)


def _blur(plane: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur, zero outside: the caller divides by the blurred weight."""
    import torch
    import torch.nn.functional as F

    radius = int(3 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=torch.float32, device="cpu") / sigma) ** 2)
    kernel = kernel / kernel.sum()
    x = F.conv2d(plane[None, None], kernel.view(1, 1, 1, -1), padding=(0, radius))
    return F.conv2d(x, kernel.view(1, 1, -1, 1), padding=(radius, 0))[0, 0]
