"""Training of neural renderers: stroke sources, training loop, evaluation."""

from neuralpaint.training.renderers.source import Batch, BrushSource, StrokeSource

__all__ = ["Batch", "BrushSource", "StrokeSource"]
