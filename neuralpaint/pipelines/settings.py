"""Settings of a run: validated when created, picklable for the workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.painting.exporters import OutputSettings
from neuralpaint.painting.finish import Finish
from neuralpaint.utils.validation import check_weight

if TYPE_CHECKING:
    import torch

    from neuralpaint.brushes import Brush
    from neuralpaint.images.palette import Palette
    from neuralpaint.losses import StyleLoss
    from neuralpaint.losses.features import Features
    from neuralpaint.losses.style import Mode
    from neuralpaint.renderers import Renderer
    from neuralpaint.search import Preset
    from neuralpaint.styles import StyleNetwork

_STYLE_PIXELS = 1 << 20  # of a style picture that is kept for all photos


@dataclass(frozen=True)
class Stylization:
    """Stylizes a photo before it is painted, by one pass of a style network.

    Attributes:
        mix: `[N]`, weight of each style of the network.
        memory: memory limit of the pass, in bytes.
    """

    network: StyleNetwork
    mix: torch.Tensor
    memory: int

    @classmethod
    def find(cls, style: str, network: str, memory: str | None) -> Stylization:
        """Loads a network by name or folder and parses a style or mix. ValueError if either is unknown."""
        from neuralpaint.styles.stylize import MEMORY, as_mix, get_style_network
        from neuralpaint.utils.memory import parse_bytes

        loaded = get_style_network(network)
        return cls(loaded, as_mix(style, loaded), MEMORY if memory is None else parse_bytes(memory, "--memory"))

    def apply(self, photo: torch.Tensor, device: torch.device) -> torch.Tensor:
        """Stylizes a photo `[3, H, W]`; the result is on the CPU."""
        from neuralpaint.styles.stylize import stylize_tensor

        stylized = stylize_tensor(self.network.to(device), photo[None].to(device), self.mix, memory=self.memory)
        return stylized[0].clamp(0, 1).cpu().clone()


@dataclass(frozen=True)
class StyleSettings:
    """Restyles a finished painting: see `neuralpaint.restyle`."""

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
        """Validates the options and loads the style image. ValueError names the offending option."""
        from neuralpaint.losses.style import StyleLoss, check_mode

        check_weight("--style-weight", weight)
        chosen = check_mode(mode, "--style-mode")
        return cls(StyleLoss(picture, mode=chosen, features=features, device=device), weight, steps)

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for `neuralpaint.restyle`."""
        return {"style_image": self.loss, "weight": self.weight, "steps": self.steps}


@dataclass(frozen=True)
class StrokeStyle:
    """Paints in the style of a picture: see `neuralpaint.paint_in_style`.

    Attributes:
        picture: `[3, h, w]`.
    """

    picture: torch.Tensor
    features: Features
    mode: Mode
    strength: float
    weight: float
    steps: int

    @classmethod
    def load(
        cls, picture: Path, *, features: Features, mode: str, strength: float, weight: float, steps: int
    ) -> StrokeStyle:
        """Validates the options and loads the style picture. ValueError names the offending option."""
        from neuralpaint.losses.style import check_mode
        from neuralpaint.styles.pictures.style import load_style_picture

        chosen = check_mode(mode, "--style-mode")
        check_weight("--style-weight", weight)
        if not 0 <= strength <= 1:
            raise ValueError(f"--style-strength must be between 0 and 1, got {strength:g}")
        loaded, _ = load_style_picture(picture, most=_STYLE_PIXELS)
        return cls(loaded, features, chosen, strength, weight, steps)

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for `neuralpaint.paint_in_style`."""
        values = dict(vars(self))
        return {"style_image": values.pop("picture"), **values}


@dataclass(frozen=True)
class PaintSettings:
    """How the photos of a run are painted: the arguments of `neuralpaint.paint`, the style and the outputs.

    Attributes:
        palette: the only colours of the strokes, or how many to find in each photo; None for any.
        opaque: with a palette, one colour a stroke and no translucency.
        detail: path of a mask of where detail matters, "auto", or "none" or None.
        stylization: stylizes each photo before it is painted, or None.
        style: restyles each painting afterwards, or None.
        stroke_style: paints in the style of a picture, or None.
        outputs: how the files of each painting are written.
        finish: how the surface of each painting looks.
        keep_metadata: whether images get the date, artist and copyright of the photo.
        keep_alpha: whether paintings are transparent where their photo is.
        command: the command line that paints them, for their reports.
    """

    brush: Brush
    strokes: int | str
    preset: Preset
    size: int | None
    background: tuple[float, float, float]
    seed: int
    device: torch.device
    renderer: Renderer
    memory: str | None = None
    window: int | None = None
    palette: Palette | int | None = None
    opaque: bool = False
    detail: str | None = "auto"
    stylization: Stylization | None = None
    style: StyleSettings | None = None
    stroke_style: StrokeStyle | None = None
    outputs: OutputSettings = field(default_factory=OutputSettings)
    finish: Finish = Finish()
    keep_metadata: bool = False
    keep_alpha: bool = False
    command: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for `neuralpaint.paint`."""
        others = ("stylization", "style", "stroke_style", "outputs", "finish", "keep_metadata", "keep_alpha", "command")
        return {name: value for name, value in vars(self).items() if name not in others}
