"""Writes the folder of a trained style network, with thumbnails and model card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neuralpaint._version import __version__
from neuralpaint.images.io import save_image, to_pil
from neuralpaint.images.resample import resize
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.styles.pretrained import THUMBNAILS, load_style_network, save_style_network
from neuralpaint.training.styles.trainer import StyleTrainer, held_out_losses, held_out_pieces
from neuralpaint.utils.files import make_folder
from neuralpaint.utils.machine import hardware

_THUMBNAIL = 96  # pixels along the shorter side


def finish(trainer: StyleTrainer, folder: Path, dtype: torch.dtype = torch.float32) -> str:
    """Writes a trained network and evaluates it as stored on disk; returns a one-line summary."""
    settings, network = trainer.settings, trainer.average
    features = trainer.objective.table.features
    facts: dict[str, Any] = {
        **(network.training_facts if trainer.adding else {}),
        **({} if trainer.adding else settings.identity() | {"steps": trainer.step}),
        "features": features.name,
        "photos": len(trainer.train_files),
        "seconds": round(trainer.seconds, 1),
        "hardware": hardware(trainer.accelerator.device),
        "torch": torch.__version__,
        "neuralpaint": __version__,
    }
    if trainer.adding:
        added = {"style": trainer.names[0], "steps": trainer.step, "batch": settings.batch}
        facts["added"] = [*facts.get("added", []), added]
    save_style_network(network, folder, dtype=dtype, training=facts)
    stored = load_style_network(folder).to(trainer.accelerator.device)
    photos = held_out_pieces(trainer.held_out, settings.size).to(trainer.accelerator.device)
    losses = held_out_losses(stored, trainer.objective, photos, len(network.names) - len(trainer.names))
    old = facts.get("losses", {}) if trainer.adding else {}
    facts["losses"] = old | {
        name: [round(float(value), 4) for value in losses[:, k]] for k, name in enumerate(trainer.names)
    }
    card = model_card(network, facts, dtype)
    save_style_network(network, folder, dtype=dtype, training=facts, card=card)
    save_thumbnails(trainer.paintings, folder)
    content, style = losses.mean(1).tolist()
    return (
        f"{folder}: {len(network.names)} styles; content loss {content:.3f}, style loss {style:.3f} on held-out photos"
    )


def save_thumbnails(paintings: Mapping[str, Tensor], folder: Path) -> None:
    """Writes a thumbnail of each painting, named after its style."""
    thumbnails = make_folder(folder / THUMBNAILS)
    for name, painting in paintings.items():
        shorter = min(painting.shape[1:])
        small = resize(painting, *(max(1, round(side * _THUMBNAIL / shorter)) for side in painting.shape[1:]))
        save_image(to_pil(small), thumbnails / f"{name}.jpg")


def model_card(network: StyleNetwork, facts: Mapping[str, Any], dtype: torch.dtype) -> str:
    """The model card, Markdown: network, data, training time, losses, and how to use it."""
    count = sum(parameter.numel() for parameter in network.parameters())
    each = sum(2 * norm.channels for norm in network.norms())
    seconds = float(facts.get("seconds", math.nan))
    rows = {
        "architecture": f"`{network.architecture.name}`: {count - each * len(network.names):,} shared weights and "
        f"{each:,} per style, stored as {str(dtype).removeprefix('torch.')}",
        "photos": f"{facts.get('photos', 0):,}, in crops of {facts.get('size')}²; up to 32 more held out",
        "steps": f"{facts.get('steps', 0):,} of {facts.get('batch')} photos, Adam, learning rate up to "
        f"{facts.get('learning_rate')}, schedule `{facts.get('schedule')}`",
        "losses": f"content + {facts.get('style_weight')} × style on the features of `{facts.get('features')}`, + "
        f"{facts.get('smoothness')} × roughness",
        "hardware": str(facts.get("hardware")),
        "time": f"{seconds / 60:.0f} minutes",
    }
    table = "\n".join(f"| {name} | {text} |" for name, text in rows.items())
    losses = facts.get("losses", {})
    styles = "\n".join(
        f"| {name} | {losses[name][0]:.3f} | {losses[name][1]:.3f} |" if name in losses else f"| {name} | | |"
        for name in network.names
    )
    return f"""---
library_name: neuralpaint
license: apache-2.0
tags:
- style-transfer
- conditional-instance-normalization
---

# {len(network.names)} styles in one network

Stylizes a photo in one pass (Dumoulin et al., "A learned representation for artistic style", ICLR 2017): the styles
share all filters, and each has its own scales and shifts of the activations.

| | |
|---|---|
{table}

```sh
neuralpaint stylize photo.jpg -o out.png --network DIR --style {network.names[0]}
```

Losses on the held-out photos, with the weights as stored; 0 is the painting itself, uniform grey is about 1:

| style | content | style |
|---|---|---|
{styles}
"""
