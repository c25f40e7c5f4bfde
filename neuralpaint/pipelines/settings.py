"""What a painting is to be made with: one object, checked when it is made, that travels to whoever paints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.utils.validation import check_weight

if TYPE_CHECKING:
    import torch

    from neuralpaint.brushes import Brush
    from neuralpaint.losses import StyleLoss
    from neuralpaint.losses.features import Features
    from neuralpaint.renderers import Renderer
    from neuralpaint.search import Preset
    from neuralpaint.styles import StyleNetwork


@dataclass(frozen=True)
class Stylization:
    """A photo is first restyled by one pass of a style network.

    Attributes:
        mix: `[N]`, the weight of each of the network's styles.
        memory: bytes that the pass may use.
    """

    network: StyleNetwork
    mix: torch.Tensor
    memory: int

    @classmethod
    def find(cls, style: str, network: str, memory: str | None) -> Stylization:
        """The network of that name or folder, and a style or mix of it. ValueError if there is none."""
        from neuralpaint.styles.stylize import MEMORY, as_mix, get_style_network
        from neuralpaint.utils.memory import parse_bytes

        loaded = get_style_network(network)
        return cls(loaded, as_mix(style, loaded), MEMORY if memory is None else parse_bytes(memory, "--memory"))

    def apply(self, photo: torch.Tensor, device: torch.device) -> torch.Tensor:
        """A photo `[3, H, W]` in that style, on the CPU."""
        from neuralpaint.styles.stylize import stylize_tensor

        made = stylize_tensor(self.network.to(device), photo[None].to(device), self.mix, memory=self.memory)
        return made[0].clamp(0, 1).cpu().clone()


@dataclass(frozen=True)
class StyleSettings:
    """The strokes of a painting are moved towards the style of a picture: see `neuralpaint.restyle`."""

    loss: StyleLoss
    weight: float
    steps: int

    @classmethod
    def load(
        cls,
        picture: Path,
        *,
        weight: float,
        mode: str,
        steps: int,
        features: Features,
        device: torch.device,
    ) -> StyleSettings:
        """Checks all of them and reads the picture. ValueError names the option that is wrong."""
        from neuralpaint.losses.style import StyleLoss, check_mode

        check_weight("--style-weight", weight)
        chosen = check_mode(mode, "--style-mode")
        return cls(StyleLoss(picture, mode=chosen, features=features, device=device), weight, steps)

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of `neuralpaint.restyle`."""
        return {"style_image": self.loss, "weight": self.weight, "steps": self.steps}


@dataclass(frozen=True)
class PaintSettings:
    """How photos are painted, the same for all of a run: the arguments of `neuralpaint.paint`, and the style.

    Attributes:
        stylization: how a photo is restyled before it is painted; None for not at all.
        style: towards which style the strokes are moved afterwards; None for none.
    """

    brush: Brush
    strokes: int
    preset: Preset
    size: int | None
    canvas: tuple[float, float, float]
    seed: int
    device: torch.device
    renderer: Renderer
    memory: str | None = None
    window: int | None = None
    stylization: Stylization | None = None
    style: StyleSettings | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of `neuralpaint.paint`."""
        return {name: value for name, value in vars(self).items() if name not in ("stylization", "style")}
