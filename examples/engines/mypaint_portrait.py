"""From nothing to a painting with a brush of MyPaint: draws strokes, learns them, paints, and has MyPaint draw it.

Run in the repository's root, after `apt-get install libmypaint-1.5-1 mypaint-brushes`:

    python -m examples.engines.mypaint_portrait [PHOTO] [FOLDER]

The same by the command line: docs/engines.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

import neuralpaint
from neuralpaint.engines import EnginePool, EngineSource, draw_painting
from neuralpaint.images.io import to_pil
from neuralpaint.training.renderers.report import finish
from neuralpaint.training.renderers.settings import TrainingSettings
from neuralpaint.training.renderers.trainer import Trainer

ENGINE = "examples.engines.mypaint:oil"


def main(photo: Path, folder: Path, *, strokes: int = 300, steps: int = 2000, pool: int = 8000) -> None:
    with EngineSource(ENGINE, 128, strokes=pool) as source:
        source.fill(lambda done, count: print(f"{done} of {count} strokes drawn", end="\r", flush=True))
        settings = TrainingSettings(brush=source.brush.name, size=128, steps=steps, batch=32)
        trainer = Trainer(settings, source, folder / "network", resume=True)
        trainer.run(lambda p: print(f"step {p.step} of {p.steps}, {p.psnr:.2f} dB", end="\r", flush=True))
        print(finish(trainer, folder / "network"))
        brush, engine = source.brush, source.engine
    painting = neuralpaint.paint(photo, brush, strokes, renderer=folder / "network", size=512, progress=True)
    painting.save(folder / "painting.safetensors")
    with EnginePool(engine) as pool_of_processes:
        picture = draw_painting(painting, pool_of_processes)
    to_pil(torch.from_numpy(picture).permute(2, 0, 1)).save(folder / "painting.png")


if __name__ == "__main__":
    root = Path(__file__).parents[1]
    main(*map(Path, [*sys.argv[1:], str(root / "photos" / "chelsea.jpg"), "mypaint-out"][:2]))
