"""Stroke search: finds strokes that composite to a given photo."""

from neuralpaint.search.paint import paint
from neuralpaint.search.presets import PRESETS, Preset
from neuralpaint.search.restyle import restyle
from neuralpaint.search.runner import Progress, SearchPaused
from neuralpaint.search.styled.paint import paint_in_style

__all__ = ["PRESETS", "Preset", "Progress", "SearchPaused", "paint", "paint_in_style", "restyle"]
