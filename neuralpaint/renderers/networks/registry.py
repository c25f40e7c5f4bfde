"""The networks by name."""

from __future__ import annotations

from typing import Any

from neuralpaint.brushes import Brush
from neuralpaint.renderers.networks.base import NetworkRenderer
from neuralpaint.utils.validation import unknown_name


def network_types() -> dict[str, type[NetworkRenderer]]:
    """All networks by name."""
    from neuralpaint.renderers.networks.baselines import DCGANRenderer, PixelShuffleRenderer, UNetRenderer
    from neuralpaint.renderers.networks.coordinate import CoordinateRenderer
    from neuralpaint.renderers.networks.dual_pathway import (
        DualPathwayRenderer,
        RasterizationOnlyRenderer,
        ShadingOnlyRenderer,
    )

    types: tuple[type[NetworkRenderer], ...] = (
        CoordinateRenderer,
        DualPathwayRenderer,
        RasterizationOnlyRenderer,
        ShadingOnlyRenderer,
        DCGANRenderer,
        PixelShuffleRenderer,
        UNetRenderer,
    )
    return {kind.network: kind for kind in types}


def build_network(network: str, brush: Brush | str, size: int = 128, **options: Any) -> NetworkRenderer:
    """A new network of that name. Raises ValueError for an unknown name, brush, size or option."""
    types = network_types()
    if network not in types:
        raise ValueError(unknown_name("network", str(network), list(types)))
    try:
        return types[network](brush=brush, size=size, **options)
    except TypeError as error:
        raise ValueError(f"network {network}: {error}") from error
