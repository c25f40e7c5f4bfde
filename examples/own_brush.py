"""Makes a brush of a picture, here one drawn by a few lines of NumPy, and paints with it.

python examples/own_brush.py [PHOTO] [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import neuralpaint

HERE = Path(__file__).parent


def chalk(height: int = 64, width: int = 256, seed: int = 0) -> np.ndarray:
    """A grainy dab, uint8 `[height, width]`: white is paint, black is none. Its streaks run along the rows."""
    noise = np.random.default_rng(seed).random((height, width))
    streaks = np.apply_along_axis(lambda row: np.convolve(row, np.ones(24) / 24, "same"), 1, noise)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    outline = np.clip(6 * (1 - np.maximum(np.abs(y), np.abs(x) ** 3)), 0, 1)
    return np.round(255 * outline * np.clip(0.5 + 5 * (streaks - 0.42), 0, 1)).astype(np.uint8)


def main(photo: Path, folder: Path, strokes: int = 150) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(chalk()).save(folder / "chalk.png")

    brush = neuralpaint.TexturedBrush.from_image(folder / "chalk.png")
    painting = neuralpaint.paint(photo, brush, strokes, preset="fast", background="#202028")
    painting.render().save(folder / "painting.png")
    painting.save(folder / "painting.safetensors")  # the brush's texture goes with the strokes
    print(f"{painting}: {painting.psnr(photo):.1f} dB, see {folder}")


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]]
    defaults = [HERE / "photos" / "coffee.jpg", Path("out/own_brush")]
    main(*arguments, *defaults[len(arguments) :])
