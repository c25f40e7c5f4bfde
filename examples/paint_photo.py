"""Paints a photo and keeps the strokes, which then render at any size.

python examples/paint_photo.py [PHOTO] [FOLDER]
"""

import sys
from pathlib import Path

import neuralpaint

HERE = Path(__file__).parent


def main(photo: Path, folder: Path, strokes: int = 150) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    painting = neuralpaint.paint(photo, brush="oil", strokes=strokes, preset="fast")
    painting.render().save(folder / "painting.png")  # as many pixels as the photo
    painting.save(folder / "painting.safetensors")

    again = neuralpaint.Painting.load(folder / "painting.safetensors")
    again.render(1024).save(folder / "larger.png")  # the same strokes, 1024 pixels along the shorter side
    print(f"{again}: {again.psnr(photo):.1f} dB, see {folder}")


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]]
    defaults = [HERE / "photos" / "chelsea.jpg", Path("out/paint_photo")]
    main(*arguments, *defaults[len(arguments) :])
