"""The networks that imitate the exact renderer. Importing them registers them."""

from neuralpaint.renderers.networks.baselines import DCGANRenderer, PixelShuffleRenderer, UNetRenderer
from neuralpaint.renderers.networks.coordinate import CoordinateRenderer
from neuralpaint.renderers.networks.dual_pathway import (
    DualPathwayRenderer,
    RasterizationOnlyRenderer,
    ShadingOnlyRenderer,
)

__all__ = [
    "CoordinateRenderer",
    "DCGANRenderer",
    "DualPathwayRenderer",
    "PixelShuffleRenderer",
    "RasterizationOnlyRenderer",
    "ShadingOnlyRenderer",
    "UNetRenderer",
]
