"""Nodes that paint, stylize and render. ComfyUI's images are `[B, H, W, 3]`, float32 in [0, 1]."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

import neuralpaint
from neuralpaint.brushes import brushes
from neuralpaint.images.io import load_image
from neuralpaint.looks import get_look, looks
from neuralpaint.search import PRESETS
from neuralpaint.styles.files import style_names

CATEGORY = "neuralpaint"
PAINTING = "NEURALPAINT_PAINTING"
NO_LOOK = "none"


def to_photo(image: torch.Tensor) -> torch.Tensor:
    """`[H, W, 3 or 4]` as neuralpaint's `[3, H, W]`."""
    return image[..., :3].permute(2, 0, 1).clamp(0, 1).contiguous()


def to_images(pictures: list[torch.Tensor]) -> torch.Tensor:
    """Pictures `[3, H, W]` of one size as ComfyUI's `[B, H, W, 3]`."""
    return torch.stack([picture.clamp(0, 1).permute(1, 2, 0).contiguous().cpu() for picture in pictures])


def bar(steps: int) -> Any:
    """ComfyUI's progress bar; None outside of it."""
    try:
        from comfy.utils import ProgressBar  # type: ignore[import-not-found]
    except ImportError:
        return None
    return ProgressBar(steps)


class Paint:
    """Paints each image of a batch."""

    CATEGORY, FUNCTION = CATEGORY, "paint"
    RETURN_TYPES, RETURN_NAMES = ("IMAGE", PAINTING), ("image", "painting")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 (ComfyUI's name)
        whole = {"default": 500, "min": 1, "max": 100_000}
        return {
            "required": {
                "image": ("IMAGE",),
                "look": ([NO_LOOK, *looks()],),
                "brush": ([brush.name for brush in brushes().values() if brush.placement],),
                "strokes": ("INT", whole),
                "preset": (list(PRESETS), {"default": "balanced"}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 2**31 - 1}),
            },
            "optional": {"detail": ("MASK",)},
        }

    def paint(
        self,
        image: torch.Tensor,
        look: str,
        brush: str,
        strokes: int,
        preset: str,
        seed: int,
        detail: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, list[neuralpaint.Painting]]:
        chosen = None if look == NO_LOOK else get_look(look)
        options = {"brush": brush} | (chosen.arguments if chosen else {}) | {"strokes": strokes, "preset": preset}
        paintings = []
        progress = bar(1000 * len(image))
        for number, one in enumerate(image):

            def tell(told: neuralpaint.Progress, number: int = number) -> None:
                if progress is not None:
                    progress.update_absolute(1000 * number + round(1000 * told.step / max(1, told.steps)))

            mask: Any = "auto"
            if detail is not None:
                mask = detail[min(number, len(detail) - 1)].clamp(0, 1).expand(3, -1, -1)
            painting = neuralpaint.paint(to_photo(one), **options, seed=seed, detail=mask, callback=tell)
            paintings.append(replace(painting, finish=chosen.finish) if chosen else painting)
        return to_images([painting.render_tensor() for painting in paintings]), paintings


class Render:
    """Renders paintings at another size."""

    CATEGORY, FUNCTION = CATEGORY, "render"
    RETURN_TYPES, RETURN_NAMES = ("IMAGE",), ("image",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 (ComfyUI's name)
        return {
            "required": {"painting": (PAINTING,), "size": ("INT", {"default": 2048, "min": 16, "max": 16384})},
        }

    def render(self, painting: list[neuralpaint.Painting], size: int) -> tuple[torch.Tensor]:
        return (to_images([one.render_tensor(size) for one in painting]),)


class Stylize:
    """Gives images one of the bundled styles, or that of another image."""

    CATEGORY, FUNCTION = CATEGORY, "stylize"
    RETURN_TYPES, RETURN_NAMES = ("IMAGE",), ("image",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 (ComfyUI's name)
        return {
            "required": {
                "image": ("IMAGE",),
                "style": (style_names("light"),),
                "strength": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.05}),
            },
            "optional": {"style_image": ("IMAGE",)},
        }

    def stylize(
        self, image: torch.Tensor, style: str, strength: float, style_image: torch.Tensor | None = None
    ) -> tuple[torch.Tensor]:
        pictures = []
        for one in image:
            photo = to_photo(one)
            if style_image is not None:
                styled = load_image(neuralpaint.transfer_style(photo, to_photo(style_image[0]), strength=strength))
            else:
                styled = torch.lerp(photo.cpu(), load_image(neuralpaint.stylize(photo, style)), strength)
            pictures.append(styled)
        return (to_images(pictures),)


NODE_CLASS_MAPPINGS = {"NeuralpaintPaint": Paint, "NeuralpaintRender": Render, "NeuralpaintStylize": Stylize}
NODE_DISPLAY_NAME_MAPPINGS = {
    "NeuralpaintPaint": "Paint with strokes",
    "NeuralpaintRender": "Render a painting",
    "NeuralpaintStylize": "Stylize",
}
