"""Training of neural renderers: where strokes come from, the loop, and how good the result is."""

from neuralpaint.training.renderers.source import Batch, BrushSource, StrokeSource

__all__ = ["Batch", "BrushSource", "StrokeSource"]
