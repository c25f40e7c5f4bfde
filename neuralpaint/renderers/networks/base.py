"""What all neural renderers share: strokes in, foreground and alpha out, and files that say what for."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from huggingface_hub import ModelHubMixin
from torch import Tensor, nn

from neuralpaint.brushes import Brush, get_brush
from neuralpaint.utils import schema


@dataclass(frozen=True)
class StrokeSpec:
    """The parameters of a brush as a network sees them: shape first, then colours, opacity last.

    Attributes:
        name: of the brush.
        num_parameters: numbers in a stroke, P.
        shape: how many of them, from the first, are shape.
        colors: RGB colours, 0, 1 or 2 of them, after the shape.
        opacity: whether the last number is the opacity.
        opaque: whether the brush's strokes always have opacity 1.
    """

    name: str
    num_parameters: int
    shape: int
    colors: int
    opacity: bool
    opaque: bool

    @staticmethod
    def of(brush: Brush | str) -> StrokeSpec:
        brush = get_brush(brush)
        return StrokeSpec(brush.name, brush.num_parameters, brush.shape.stop, len(brush.colors), True, brush.opaque)

    def color(self, strokes: Tensor, index: int) -> Tensor:
        """`[N, 3]`: a colour; the last one stands in for a second one that the brush lacks."""
        start = self.shape + 3 * min(index, self.colors - 1)
        return strokes[:, start : start + 3]

    def alpha(self, strokes: Tensor) -> Tensor:
        """`[N]`: the opacity."""
        return strokes[:, -1] if self.opacity else torch.ones_like(strokes[:, 0])


class NetworkRenderer(nn.Module, ModelHubMixin, library_name="neuralpaint", tags=["neural-painting"]):
    """A network that draws strokes of one brush: `[N, P]` → foreground `[N, 3, S, S]`, alpha `[N, 1, S, S]`.

    Foreground and alpha are those of `neuralpaint.ops.rasterize`: values around [0, 1], not clamped, so that they keep
    a gradient. Differentiable in the strokes.

    Args:
        brush: the brush it imitates, a `Brush` or its name.
        size: pixels S of its pictures.

    Raises:
        ValueError: for an unknown brush or a size that the network cannot have.
    """

    network = ""  # its name on the command line
    sizes: tuple[int, ...] = (32, 128)
    option_checks: Mapping[str, schema.Check] = {}  # what files may hold as `options`
    trained: dict[str, Any]  # how it was trained, if it was loaded

    def __init__(self, brush: Brush | str, size: int = 128) -> None:
        super().__init__()
        self.brush = get_brush(brush)
        self.spec = StrokeSpec.of(self.brush)
        if self.sizes and size not in self.sizes:
            raise ValueError(f"size of {self.network} must be {' or '.join(map(str, self.sizes))}, got {size}")
        self.size = size
        self.geometry = self.brush.geometry
        self.trained = {}

    @abstractmethod
    def forward(self, strokes: Tensor) -> tuple[Tensor, Tensor]: ...

    def loss(
        self,
        strokes: Tensor,
        foreground: Tensor,
        alpha: Tensor,
        generator: torch.Generator | None = None,
        skip: int = 0,
    ) -> Tensor:
        """The paper's ℓ2 on foreground and alpha (SNP §3.6), their mean.

        Args:
            strokes: `[N, P]`; foreground `[N, 3, S, S]`; alpha `[N, 1, S, S]`: what they look like.
            generator: of whatever is random in it.
            skip: strokes of the same batch before these, which other processes see; their random numbers are passed
                over.
        """
        drawn, matte = self(strokes)
        return (F.mse_loss(drawn, foreground) + F.mse_loss(matte, alpha)) / 2

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Parameters and their learning rates, for an optimizer."""
        return [{"params": list(self.parameters()), "lr": learning_rate}]

    @property
    def zooms(self) -> tuple[int, ...]:
        """Sizes of training pictures, in turns, in units of `size`; a network of any size gains by larger ones."""
        return (1,)

    def options(self) -> dict[str, Any]:
        """Arguments besides brush and size that make it again, as JSON holds them."""
        return {}

    def _save_pretrained(self, save_directory: Path) -> None:
        from neuralpaint.renderers.pretrained import save_network

        save_network(self, save_directory, training=self.trained)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike,
        *,
        brush: Brush | str | None = None,
        download: bool = False,
        **hub: Any,
    ) -> NetworkRenderer:
        """A trained network from a folder, or from a repository of the Hugging Face Hub.

        Args:
            pretrained_model_name_or_path: a folder that `save_pretrained` wrote (nothing is downloaded then), or a
                repository's name. Of a repository, files that the Hub's cache has are used.
            brush: the brush that it must have been trained for.
            download: fetch a repository's files. Nothing is fetched without it.
            hub: further arguments of `huggingface_hub.snapshot_download`, such as `revision`.

        Raises:
            ValueError: as `neuralpaint.renderers.pretrained.load_network`; also if it holds another class of network,
                or a repository is not in the cache or cannot be fetched.
        """
        from neuralpaint.renderers.pretrained import CONFIG, WEIGHTS, load_network

        folder = os.fspath(pretrained_model_name_or_path)
        if not os.path.exists(folder) and folder.count("/") == 1 and not folder.startswith((".", "/", "~")):
            folder = _of_hub(folder, [CONFIG, WEIGHTS], download, hub)
        network = load_network(folder, brush=brush)
        if not isinstance(network, cls):
            raise ValueError(f"{folder} holds a {type(network).__name__}, not a {cls.__name__}")
        return network


def _of_hub(name: str, files: list[str], download: bool, arguments: dict[str, Any]) -> str:
    """The folder in the Hub's cache with files of a repository, which are fetched only if that is asked for."""
    from huggingface_hub import snapshot_download

    try:
        return snapshot_download(name, allow_patterns=files, **{"local_files_only": not download, **arguments})
    except (OSError, ValueError) as error:
        if download:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(
                f"{name} cannot be fetched from the Hugging Face Hub ({reason}): check the name and the connection, or "
                "give the folder of a copy"
            ) from error
        raise ValueError(
            f"{name} is no folder, and as a repository of the Hugging Face Hub it is not in the cache: add "
            "download=True to fetch it, or give the folder of a copy"
        ) from error


def channels_last(network: nn.Module) -> None:
    """Lays out the weights of convolutions channels last: its forward pass takes a quarter less time on a CPU."""
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
