"""Restyling a photo by a style network before it is painted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def find_look(style: str, network: str, memory: str | None) -> dict[str, Any]:
    """The network and the mix of its styles that a person asks for. ValueError if there is none."""
    from neuralpaint.memory import parse_bytes
    from neuralpaint.styles.stylize import MEMORY, as_mix, get_style_network

    loaded = get_style_network(network)
    room = MEMORY if memory is None else parse_bytes(memory, "--memory")
    return {"network": loaded, "mix": as_mix(style, loaded), "memory": room}


def restyle_first(photo: Tensor, look: dict[str, Any], device: Any) -> Tensor:
    """`[3, H, W]` in that look, on the CPU."""
    from neuralpaint.styles.stylize import stylize_tensor

    network = look["network"].to(device)
    made = stylize_tensor(network, photo[None].to(device), look["mix"], memory=look["memory"])
    return made[0].clamp(0, 1).cpu().clone()
