"""Trains a few steps and writes what each process saw; started by test_distributed as by torchrun, or alone."""

import json
import sys
from pathlib import Path

import torch
from accelerate import Accelerator

from neuralpaint.training.renderers.settings import TrainingSettings
from neuralpaint.training.renderers.source import BrushSource
from neuralpaint.training.renderers.trainer import Trainer

NETWORKS = {"coordinate": (1, 2), "pixelshuffle": (1,)}


def train(accelerator: Accelerator, folder: Path, network: str, zooms: tuple[int, ...]) -> dict:
    settings = TrainingSettings(
        network=network, brush="tape", size=32, steps=6, batch=16, eval_every=0, picture_every=0
    )
    source = BrushSource("tape", 32, zooms=zooms)
    seen, draw = [], source.batch

    def batch(*arguments):
        seen.append(draw(*arguments))
        return seen[-1]

    source.batch = batch
    trainer = Trainer(settings, source, folder / network, accelerator=accelerator)
    trainer.run()
    weights = torch.cat([value.flatten() for value in trainer.network.state_dict().values()])
    return {
        "losses": trainer.losses,
        "strokes": [part.strokes.tolist() for part in seen],
        "weights": weights[::101].tolist(),
    }


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True)
    facts = {name: train(accelerator, folder, name, zooms) for name, zooms in NETWORKS.items()}
    facts["processes"] = accelerator.num_processes
    (folder / f"rank-{accelerator.process_index}.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
