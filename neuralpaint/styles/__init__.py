"""Restyling photos by one feed-forward network for many styles."""

from neuralpaint.styles.network import StyleNetwork
from neuralpaint.styles.norm import ConditionalInstanceNorm2d

__all__ = ["ConditionalInstanceNorm2d", "StyleNetwork"]
