"""Adds a style to a trained network."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from neuralpaint.losses.features import Features
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.training.styles.objective import StyleTable
from neuralpaint.training.styles.trainer import held_out_pieces, split

_SIZE = 128  # size in pixels of the photos on which styles are compared
_PHOTOS = 2


@torch.no_grad()
def new_style(network: StyleNetwork, name: str, painting: Tensor, features: Features, photos: list[Path]) -> str:
    """Adds a style, initialised to the existing style that is closest to the painting; returns the name of that one.

    Args:
        painting: `[3, H, W]` in [0, 1].
        photos: photos on which the existing styles are compared.

    Raises:
        ValueError: the network already has a style of that name.

    Reference: Dumoulin et al., ICLR 2017, section 3.4 (with arbitrary initialisation).
    """
    table = StyleTable(features, [painting])
    seen = held_out_pieces(split(photos)[1][:_PHOTOS], _SIZE)
    zero = torch.zeros(len(seen), dtype=torch.long)
    losses = [
        float(table(network(seen, mix.expand(len(seen), -1)), zero).mean()) for mix in torch.eye(len(network.names))
    ]
    best = min(range(len(losses)), key=losses.__getitem__)
    nearest = network.names[best]
    network.add_style(name, like=torch.eye(len(network.names))[best])
    return nearest
