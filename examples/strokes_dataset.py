"""Rasterizes random strokes into uint8 tensors: training data for a network that imitates a brush.

    python examples/strokes_dataset.py [COUNT] [FILE]

The file (safetensors) holds `strokes` float32 [N, P], `foreground` uint8 [N, 3, H, W] and `alpha` uint8 [N, 1, H, W].
"""

import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from neuralpaint import get_brush, ops


def main(count: int, file: Path, brush: str = "oil", size: int = 64, chunk: int = 1024) -> None:
    start = time.perf_counter()
    strokes = get_brush(brush).sample(count, torch.Generator().manual_seed(0))
    foreground = torch.empty(count, 3, size, size, dtype=torch.uint8)
    alpha = torch.empty(count, 1, size, size, dtype=torch.uint8)
    for n in range(0, count, chunk):
        part = slice(n, n + chunk)
        foreground[part], alpha[part] = ops.rasterize(strokes[part], brush, size, size, dtype=torch.uint8)
    print(f"{count} {brush} strokes at {size}x{size} in {time.perf_counter() - start:.2f} s")
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({"strokes": strokes, "foreground": foreground, "alpha": alpha}, file)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 10_000,
        Path(sys.argv[2] if len(sys.argv) > 2 else "out/strokes.safetensors"),
    )
