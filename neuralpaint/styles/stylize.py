"""`stylize`: a photo in a style, at any size."""

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
    """Restyles a photo in one pass of a style network.

    Args:
        image: a path, PIL image, array or tensor: see `neuralpaint.images.io.load_image`.
        style: a name; a mix, such as `"munch-scream:0.7,monet-irises:0.3"`; or a weight for each style of the network.
        network: "light" (fast), "paper" (that of Dumoulin et al.), the folder of one you trained, or one already
            loaded.
        background: the colour under transparent pixels.
        device: "auto" (a GPU if there is one), "cpu", "cuda" …
        memory: bytes that the work may take besides the photo and the result, about; a large photo then goes through in
            tiles, to the same result.
        callback: called with the share that is done.

    Returns:
        A picture as large as the photo.

    Raises:
        ValueError: an argument is out of range, the image or the network cannot be read.
        OSError: a large photo does not fit the temporary folder.
    """
    target = resolve_device(device)
    loaded = get_style_network(network).to(target)
    photo = load_image(image, target, background)[None]
    return to_pil(stylize_tensor(loaded, photo, as_mix(style, loaded), memory=memory, callback=callback)[0])


def get_style_network(network: str | os.PathLike | StyleNetwork) -> StyleNetwork:
    """A network by name, folder, or as it is. ValueError if there is none."""
    if isinstance(network, StyleNetwork):
        return network
    return _cached(str(find_style_network(network)))


@functools.lru_cache(maxsize=2)
def _cached(folder: str) -> StyleNetwork:
    return load_style_network(folder).requires_grad_(False)


def as_mix(style: str | Sequence[float] | Tensor, network: StyleNetwork) -> Tensor:
    """`[N]`, how much of each style. ValueError if that is none of the network's."""
    if isinstance(style, str):
        return style_mix(style, network.names)
    mix = torch.as_tensor(style, dtype=torch.float32)
    if mix.shape != (len(network.names),):
        raise ValueError(f"style must be {len(network.names)} weights, one a style, got shape {list(mix.shape)}")
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
    """Restyles a photo, whole if that fits the memory, else in tiles.

    Args:
        photo: `[1, 3, H, W]` in [0, 1], H, W ≥ 16, on the network's device.
        mix: `[N]`, or `[B, N]` for the photo in several styles.
        memory, callback: see `stylize`.

    Returns:
        `[B, 3, H, W]` in [0, 1].

    Raises:
        ValueError: a shape does not fit.
    """
    if min(photo.shape[2:]) < SMALLEST:
        height, width = photo.shape[2:]
        raise ValueError(f"image is {width}x{height} pixels: a style needs {SMALLEST} along each side")
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
            tell = None
            if callback is not None:
                tell = functools.partial(lambda k, share: callback((k + share) / len(mixes)), k)
            found.append(stylize_tiled(network, photo, few, memory=memory // 2, progress=tell))
    return torch.cat(found)


def bytes_per_pixel(network: StyleNetwork) -> int:
    """What a photo's pixel takes on its way through a network at once, about: a layer's input, its padded copy, the
    convolution's output and that normalised, where they are largest."""
    down, _, up = network.architecture.steps()
    scale, most = 1.0, 0.0
    for step in (*down, *up):
        before = scale * step.inputs
        scale *= (step.upsample / step.stride) ** 2
        most = max(most, 2 * before + 2.5 * scale * step.outputs)
    return int(4 * most)
