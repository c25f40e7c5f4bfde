"""Renderers: what turns strokes into pixels during a search, behind one interface."""

from neuralpaint.renderers.base import Renderer, get_renderer
from neuralpaint.renderers.exact import ExactRenderer

__all__ = ["ExactRenderer", "Renderer", "get_renderer"]
