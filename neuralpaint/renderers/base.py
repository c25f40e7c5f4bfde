"""The interface of a renderer, and the renderers' names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import Tensor

from neuralpaint.brushes import Brush, get_brush

if TYPE_CHECKING:
    from neuralpaint.renderers.networks.base import NetworkRenderer


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


def get_renderer(renderer: str | os.PathLike | Renderer | NetworkRenderer, brush: Brush | str = "oil") -> Renderer:
    """A renderer by its name or folder, ready to paint with a brush.

    Args:
        renderer: "exact"; "neural", the trained network of the brush that comes with the package; the folder of a
            network that you trained; a network; or an object with a `render` method, which is returned as it is.
        brush: what it is to paint with.

    Raises:
        ValueError: for an unknown name, a damaged folder, or a network that was trained for another brush.
        TypeError: for anything else.
    """
    from neuralpaint.renderers.exact import ExactRenderer
    from neuralpaint.utils.validation import unknown_name

    if isinstance(renderer, Renderer):
        return renderer
    if isinstance(renderer, str) and renderer == "exact":
        if get_brush(brush).engine:
            raise ValueError(
                f"renderer must be a network trained for brush {get_brush(brush).name!r}: only an engine draws it"
            )
        return ExactRenderer()

    from neuralpaint.renderers.networks.base import NetworkRenderer
    from neuralpaint.renderers.neural import NeuralRenderer
    from neuralpaint.renderers.pretrained import bundled_folder, load_network

    if isinstance(renderer, (str, os.PathLike)):
        if renderer == "neural":
            renderer = bundled_folder(brush)
        elif isinstance(renderer, str) and os.sep not in renderer and not os.path.exists(renderer):
            hint = unknown_name("renderer", renderer, ["exact", "neural"])
            raise ValueError(f"{hint}, or the folder of a trained network")
        renderer = load_network(renderer)
    if not isinstance(renderer, NetworkRenderer):
        raise TypeError(f"renderer must be a name or have a render method, got {type(renderer).__name__}")
    neural = NeuralRenderer(renderer)
    neural.check_brush(get_brush(brush))
    return neural
