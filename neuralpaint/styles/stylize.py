"""`stylize`: stylizes photos of any size."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence

import torch
from PIL import Image
from torch import Tensor

from neuralpaint.images.io import ImageLike, load_image, to_pil
from neuralpaint.styles.files import find_style_network
from neuralpaint.styles.mixing import style_mix
from neuralpaint.styles.network import SMALLEST, StyleNetwork
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.styles.tiled import stylize_tiled
from neuralpaint.utils.deprecation import renamed_argument
from neuralpaint.utils.device import resolve_device
from neuralpaint.utils.page_cache import keep_pages
from neuralpaint.utils.profiling import span

MEMORY = 2 << 30  # bytes


@renamed_argument("canvas", "background")
def stylize(
    image: ImageLike,
    style: str | Sequence[float] | Tensor,
    *,
    network: str | os.PathLike | StyleNetwork = "light",
    background: str | Sequence[float] = "white",
    device: str | torch.device = "auto",
    memory: int = MEMORY,
    callback: Callable[[float], None] | None = None,
) -> Image.Image:
    """Stylizes a photo with one pass of a style network.

    Args:
        image: a path, bytes, stream, PIL image, array or tensor: see `neuralpaint.images.io.load_image`.
        style: a name; a mix, such as `"munch-scream:0.7,monet-irises:0.3"`; or a weight for each style of the network.
        network: "light" (fast), "paper" (the network of Dumoulin et al.), the folder of a trained network, or a loaded
            network.
        background: background colour of transparent pixels.
        device: "auto" (a GPU if available), "cpu", "cuda" …
        memory: approximate memory limit in bytes, in addition to the photo and the result. Larger photos are processed
            in tiles, with the same result.
        callback: called with the fraction done.

    Returns:
        An image of the same size as the photo.

    Raises:
        ValueError: an argument is out of range, or the image or the network cannot be read.
        OSError: the temporary folder is too small for a large photo.
    """
    device = resolve_device(device)
    loaded = get_style_network(network).to(device)
    photo = load_image(image, device, background)[None]
    return to_pil(stylize_tensor(loaded, photo, as_mix(style, loaded), memory=memory, callback=callback)[0])


def get_style_network(network: str | os.PathLike | StyleNetwork) -> StyleNetwork:
    """Loads a network by name or folder; a `StyleNetwork` is returned unchanged. ValueError if it does not exist."""
    if isinstance(network, StyleNetwork):
        return network
    return _cached(str(find_style_network(network)))


@functools.lru_cache(maxsize=2)
def _cached(folder: str) -> StyleNetwork:
    return load_style_network(folder).requires_grad_(False)


def as_mix(style: str | Sequence[float] | Tensor, network: StyleNetwork) -> Tensor:
    """Converts a style to weights `[N]`. ValueError if the network does not have it, or the weights are invalid."""
    if isinstance(style, str):
        return style_mix(style, network.names)
    mix = torch.as_tensor(style, dtype=torch.float32, device=style.device if isinstance(style, Tensor) else "cpu")
    if mix.shape != (len(network.names),):
        raise ValueError(f"style must be {len(network.names)} weights, one per style, got shape {list(mix.shape)}")
    if not bool((mix >= 0).all()) or abs(float(mix.sum()) - 1) > 1e-3:
        raise ValueError("style: the weights must not be negative and must sum to 1")
    return mix


@span("stylize")
@torch.inference_mode()
def stylize_tensor(
    network: StyleNetwork,
    photo: Tensor,
    mix: Tensor,
    *,
    memory: int = MEMORY,
    callback: Callable[[float], None] | None = None,
) -> Tensor:
    """Stylizes a photo, as a whole if that fits in `memory`, otherwise in tiles.

    Args:
        photo: `[1, 3, H, W]` in [0, 1], H, W ≥ 16, on the network's device.
        mix: `[N]`, or `[B, N]` for several styles of the same photo.
        memory, callback: see `stylize`.

    Returns:
        `[B, 3, H, W]` in [0, 1].

    Raises:
        ValueError: the shapes do not match.
    """
    if min(photo.shape[2:]) < SMALLEST:
        height, width = photo.shape[2:]
        raise ValueError(f"image is {width}x{height} pixels: at least {SMALLEST} along each side are needed")
    mixes = mix.reshape(-1, len(network.names)).to(photo)
    each = bytes_per_pixel(network) * photo.shape[2] * photo.shape[3]
    together = min(len(mixes), int(memory // each)) if memory >= each else 0
    found = []
    for k, few in enumerate(mixes.split(max(1, together))):
        if together:
            with keep_pages():
                found.append(network(photo, few))
            if callback is not None:
                callback(min(1.0, (k + 1) * together / len(mixes)))
        else:
            report = None
            if callback is not None:
                report = functools.partial(lambda k, share: callback((k + share) / len(mixes)), k)
            found.append(stylize_tiled(network, photo, few, memory=memory // 2, progress=report))
    return torch.cat(found)


def bytes_per_pixel(network: StyleNetwork) -> int:
    """Approximate peak memory of a forward pass per photo pixel, in bytes: the input of a layer, its padded copy, the
    output of the convolution and its normalised copy, for the largest layer."""
    down, _, up = network.architecture.steps()
    scale, most = 1.0, 0.0
    for step in (*down, *up):
        before = scale * step.inputs
        scale *= (step.upsample / step.stride) ** 2
        most = max(most, 2 * before + 2.5 * scale * step.outputs)
    return int(4 * most)
