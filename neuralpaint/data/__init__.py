"""Stroke datasets: indexed random strokes, generated on the fly or read from shards, and drawn on demand."""

from neuralpaint.data.dataset import StrokeDataset
from neuralpaint.data.parameters import StrokeBatch
from neuralpaint.data.stream import StrokeStream

__all__ = ["StrokeBatch", "StrokeDataset", "StrokeStream"]
