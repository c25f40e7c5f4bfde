"""Training of neural renderers and style networks."""

from neuralpaint.training.renderers.source import Batch, BrushSource, StrokeSource

__all__ = ["Batch", "BrushSource", "StrokeSource"]
