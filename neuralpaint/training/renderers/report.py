"""Writes the folder of a trained network, with its model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from neuralpaint._version import __version__
from neuralpaint.renderers.pretrained import load_network, save_network
from neuralpaint.training.renderers.metrics import held_out_quality
from neuralpaint.training.renderers.source import share
from neuralpaint.utils.machine import hardware

if TYPE_CHECKING:
    from neuralpaint.training.renderers.trainer import Trainer


def finish(trainer: Trainer, folder: Path, dtype: torch.dtype = torch.float32) -> str:
    """Writes and evaluates a trained network; returns a one-line summary.

    The PSNR is measured on held-out strokes, with the weights as stored on disk.
    """
    settings, network = trainer.settings, trainer.average
    facts: dict[str, Any] = {
        **settings.identity(),
        **getattr(trainer.source, "identity", {}),
        "zooms": list(trainer.source.zooms),
        "strokes": trained_strokes(trainer),
        "seconds": round(trainer.seconds, 1),
        "source_share": round(trainer.source_seconds / max(1e-9, trainer.seconds), 4),
        "hardware": hardware(trainer.accelerator.device),
        "processes": trainer.accelerator.num_processes,
        "torch": torch.__version__,
        "neuralpaint": __version__,
    }
    save_network(network, folder, dtype=dtype, training=facts)
    stored = load_network(folder, brush=network.brush).to(trainer.accelerator.device)
    with torch.inference_mode():
        result = held_out_quality(stored, trainer.source)
    facts |= {
        "psnr": round(result.psnr, 2),
        "psnr_foreground": round(result.foreground, 2),
        "psnr_alpha": round(result.alpha, 2),
    }
    save_network(network, folder, dtype=dtype, training=facts, card=model_card(trainer, facts, dtype))
    parts = f"foreground {result.foreground:.2f}, alpha {result.alpha:.2f}"
    return f"{folder}: {result.psnr:.2f} dB ({parts}) on held-out strokes"


def trained_strokes(trainer: Trainer) -> int:
    """The total number of strokes seen in training."""
    zooms, settings = trainer.source.zooms, trainer.settings
    processes = trainer.accelerator.num_processes
    counts = [processes * share(settings.batch, zoom, processes) for zoom in zooms]
    turns, rest = divmod(settings.steps, len(zooms))
    return turns * sum(counts) + sum(counts[:rest])


def _more_options(trainer: Trainer, facts: dict[str, Any]) -> str:
    """Options of `train-renderer` that differ from their defaults."""
    settings, zooms = trainer.settings, facts["zooms"]
    rate = "" if settings.learning_rate is None else f" --learning-rate {settings.learning_rate}"
    turns = "" if tuple(zooms) == trainer.average.zooms else " --zooms " + ",".join(map(str, zooms))
    seed = f" --seed {settings.seed}" if settings.seed else ""
    return rate + turns + seed


def model_card(trainer: Trainer, facts: dict[str, Any], dtype: torch.dtype) -> str:
    """The model card, Markdown: network, data, training time, quality, and the commands to reproduce it."""
    settings, network = trainer.settings, trainer.average
    count = sum(p.numel() for p in network.parameters())
    more = _more_options(trainer, facts) + (" --half" if dtype == torch.float16 else "")
    sizes = " ".join(f"{settings.size * zoom}²" for zoom in sorted(set(facts["zooms"])))
    engine = getattr(trainer.source, "engine", None)
    if engine is None:
        option = f"--brush {settings.brush}"
        data = (
            f"{facts['strokes']:,} strokes, uniform in their parameters, drawn by `neuralpaint.ops.rasterize` while "
            f"training, at {sizes}"
        )
    else:
        pool = min(facts["strokes"], facts["pool"])
        option = f"--engine {engine.address} --pool {pool}"
        data = f"{facts['strokes']:,} strokes, of {pool:,} drawn by the engine `{engine.address}`, at {sizes}"
    rows = {
        "data": data,
        "steps": f"{settings.steps:,} of {settings.batch} strokes, Adam, schedule `{settings.schedule}`, learning rate "
        f"up to {settings.rate:g}",
        "hardware": facts["hardware"],
        "time": f"{facts['seconds'] / 60:.1f} minutes",
        "PSNR": f"**{facts['psnr']:.2f} dB** (foreground {facts['psnr_foreground']:.2f}, alpha "
        f"{facts['psnr_alpha']:.2f}), mean of the two, on 3,200 held-out strokes at {settings.size}²",
    }
    whose = "neuralpaint's" if engine is None else "the engine's"
    evaluate = "" if engine is None else f" --engine {engine.address}"
    table = "\n".join(f"| {name} | {text} |" for name, text in rows.items())
    square = f"{settings.size}, {settings.size}]"
    return f"""---
library_name: neuralpaint
license: apache-2.0
tags:
- neural-painting
- differentiable-rendering
---

# Neural renderer of the brush `{settings.brush}`

A `{settings.network}` network that draws strokes of {whose} brush `{settings.brush}`: parameters in, foreground
and alpha out, differentiable in the parameters. {count:,} weights, stored as {str(dtype).removeprefix("torch.")}.

| | |
|---|---|
{table}

```sh
neuralpaint eval-renderer DIR{evaluate}    # the PSNR
neuralpaint train-renderer {option} --network {settings.network} --size {settings.size} \\
    --steps {settings.steps} --batch {settings.batch} --schedule {settings.schedule}{more} --out DIR
```

```python
from neuralpaint.renderers import NetworkRenderer

renderer = NetworkRenderer.from_pretrained("DIR")
foreground, alpha = renderer(strokes)  # [N, {network.spec.num_parameters}] → [N, 3, {square}, [N, 1, {square}
```
"""
