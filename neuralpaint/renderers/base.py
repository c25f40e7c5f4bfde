"""The interface of a renderer, and the renderers' names."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from neuralpaint.brushes import Brush


@runtime_checkable
class Renderer(Protocol):
    """Paints strokes onto canvases, differentiably by both."""

    def render(
        self,
        canvas: Tensor,
        strokes: Tensor,
        brush: Brush,
        *,
        softness: float = 1.0,
        origin: Tensor | None = None,
        pixels_per_unit: float | None = None,
    ) -> Tensor:
        """Arguments and result as of `neuralpaint.ops.render`."""
        ...


def get_renderer(renderer: str | Renderer) -> Renderer:
    """The renderer of that name (there is one: "exact"); an object with a `render` method is returned as it is.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else.
    """
    from neuralpaint.brushes.brush import unknown_name
    from neuralpaint.renderers.exact import ExactRenderer

    if renderer == "exact":
        return ExactRenderer()
    if isinstance(renderer, str):
        raise ValueError(unknown_name("renderer", renderer, ["exact"]))
    if not isinstance(renderer, Renderer):
        raise TypeError(f"renderer must be a name or have a render method, got {type(renderer).__name__}")
    return renderer
