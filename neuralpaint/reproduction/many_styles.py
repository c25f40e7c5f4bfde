"""Figure 1 of A Learned Representation for Artistic Style: one photo in all the styles of one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from neuralpaint.images.io import to_pil
from neuralpaint.losses.features import Features
from neuralpaint.reproduction.entry import Outcome, Request
from neuralpaint.reproduction.painting import square_photo
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.styles.sheets import style_sheet
from neuralpaint.training.styles.dataset import load_style, style_name
from neuralpaint.training.styles.objective import StyleTable

NETWORKS = ("light", "paper")
SHOWN = "paper"
"""The network of the picture: the one that is built as the paper's."""

_PANEL, _COLUMNS = 118, 6  # pixels
_MOST = 0.9  # of the pictures must be nearest to their own painting, for the figure to agree


@dataclass(frozen=True)
class Sizes:
    """How much work it is: photos that are compared, and pixels along a photo."""

    photos: int
    pixels: int


SIZES = {"small": Sizes(2, 256), "paper": Sizes(32, 512)}


def known_paintings(files: Sequence[Path], names: Sequence[str]) -> dict[str, Path]:
    """The paintings of a network's styles, by style. ValueError if there are not even two."""
    known = {style_name(file): file for file in files if style_name(file) in names}
    if len(known) < 2:
        raise ValueError(
            f"--styles has {len(known)} of the paintings of the network's styles, and two are needed: name the files "
            "after the styles (neuralpaint stylize --list names them)"
        )
    return known


@torch.no_grad()
def compare_all(network: StyleNetwork, table: StyleTable, names: Sequence[str], photos: Tensor) -> Tensor:
    """`[S, S]`: mean style loss of photos `[B, 3, H, W]` in each style (row) against each painting (column)."""
    found = []
    for name in names:
        mix = torch.eye(len(network.names), device=photos.device)[network.names.index(name)]
        losses = []
        for photo in photos:
            seen = table.of(network(photo[None], mix[None]))
            against = torch.arange(len(table), device=photos.device)
            many = [[part.expand(len(table), *part.shape[1:]) for part in layer] for layer in seen]
            losses.append(table.compare(many, against))
        found.append(torch.stack(losses).mean(0))
    return torch.stack(found).cpu()


def run(request: Request) -> Outcome:
    """All styles of both bundled networks whose paintings are there; the picture has all of one network."""
    assert request.features is not None
    sizes = SIZES[request.scale]
    photos = torch.stack([square_photo(path, sizes.pixels, request.device) for path in request.photos[: sizes.photos]])
    features: Features = request.features.to(request.device)
    rows: list[dict[str, Any]] = []
    picture: Image.Image | None = None
    for number, name in enumerate(NETWORKS):
        network = load_style_network(name).to(request.device).eval()
        known = known_paintings(request.styles, network.names)
        table = StyleTable(features, [load_style(path).to(request.device) for path in known.values()])
        rows.append(_row(name, network, compare_all(network, table, list(known), photos)))
        if name == SHOWN:
            picture = _sheet(network, photos[:1])
        request.progress("networks", number + 1, len(NETWORKS))
    assert picture is not None
    return Outcome(
        picture,
        _finding(rows),
        all(row["nearest to their own painting"] >= _MOST * row["compared"] for row in rows),
        rows,
        {},
        {
            "picture": f"all styles of {SHOWN} on {request.photos[0].name}",
            "features": type(features).__name__,
            "photos": len(photos),
            "pixels": sizes.pixels,
        },
    )


def _row(name: str, network: StyleNetwork, losses: Tensor) -> dict[str, Any]:
    count = len(losses)
    own = losses.diagonal()
    total = sum(parameter.numel() for parameter in network.parameters())
    each = sum(p.shape[1] for key, p in network.named_parameters() if key.endswith(("gamma", "beta")))
    return {
        "network": name,
        "styles": len(network.names),
        "parameters of a style": each,
        "of all, for each style of its own": f"{each / (total - each * (len(network.names) - 1)):.1%}",
        "compared": count,
        "nearest to their own painting": int((losses.argmin(1) == torch.arange(count)).sum()),
        "style loss against their own": round(float(own.mean()), 3),
        "against the others": round(float((losses.sum() - own.sum()) / (count * (count - 1))), 3),
    }


def _finding(rows: Sequence[dict[str, Any]]) -> str:
    each = "; ".join(
        f"with {row['network']} {row['nearest to their own painting']} of {row['compared']} styles are nearest to "
        f"their own painting (style loss {row['style loss against their own']:g}, against the others "
        f"{row['against the others']:g}), and a style has {row['parameters of a style']} numbers of its own, "
        f"{row['of all, for each style of its own']} of a network of one style"
        for row in rows
    )
    return f"Compared with all the paintings, {each}."


@torch.no_grad()
def _sheet(network: StyleNetwork, photo: Tensor) -> Image.Image:
    mixes = torch.eye(len(network.names), device=photo.device)
    pictures = [to_pil(photo[0].cpu()), *(to_pil(network(photo, mix[None])[0].cpu()) for mix in mixes)]
    small = [picture.resize((_PANEL, _PANEL), Image.Resampling.LANCZOS) for picture in pictures]
    return style_sheet(small, _COLUMNS, ["photo", *network.names])
