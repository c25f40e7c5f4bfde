"""Strokes by the million: numbered random strokes, drawn on demand, in memory or from shards on the disk."""

from neuralpaint.data.dataset import StrokeDataset
from neuralpaint.data.parameters import StrokeBatch
from neuralpaint.data.stream import StrokeStream

__all__ = ["StrokeBatch", "StrokeDataset", "StrokeStream"]
