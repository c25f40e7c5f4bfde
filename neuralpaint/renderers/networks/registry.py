"""The networks by name: each registers itself where it is defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from neuralpaint.brushes import Brush
from neuralpaint.utils.validation import unknown_name

if TYPE_CHECKING:
    from neuralpaint.renderers.networks.base import NetworkRenderer

_NETWORKS: dict[str, type[NetworkRenderer]] = {}
_Network = TypeVar("_Network", bound="type[NetworkRenderer]")


def register_network(name: str) -> Callable[[_Network], _Network]:
    """Decorates the class of a network, which `--network` and `build_network` then find by this name."""

    def register(network: _Network) -> _Network:
        if name in _NETWORKS:
            raise ValueError(f"there is a network {name!r} already: {_NETWORKS[name].__name__}")
        network.network = name
        _NETWORKS[name] = network
        return network

    return register


def network_types() -> dict[str, type[NetworkRenderer]]:
    """All networks by name."""
    return dict(_NETWORKS)


def network_type(network: str) -> type[NetworkRenderer]:
    """The class of the network of that name. ValueError if there is none."""
    if network not in _NETWORKS:
        raise ValueError(unknown_name("network", str(network), list(_NETWORKS)))
    return _NETWORKS[network]


def build_network(network: str, brush: Brush | str, size: int = 128, **options: Any) -> NetworkRenderer:
    """A new network of that name. Raises ValueError for an unknown name, brush, size or option."""
    found = network_type(network)
    try:
        return found(brush=brush, size=size, **options)
    except TypeError as error:
        raise ValueError(f"network {network}: {error}") from error
