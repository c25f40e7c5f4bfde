"""Makes docs/images/large_painting.jpg and large_window_border.jpg: a painting of 20,000 strokes, searched by windows.

    python benchmarks/figures/large_painting.py

The first is the whole painting; the second is its middle at 4096 pixels a side, where the borders of windows cross.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

import neuralpaint

ROOT = Path(__file__).resolve().parents[2]
SIZE, SHOWN = 4096, 800


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    photo, images = ROOT / "examples" / "photos" / "astronaut.jpg", ROOT / "docs" / "images"
    picture = neuralpaint.paint(photo, strokes=20_000, preset="fast", window=376).render(SIZE)
    corner = (SIZE - SHOWN) // 2
    middle = picture.crop((corner, corner, corner + SHOWN, corner + SHOWN))
    whole = picture.resize((SHOWN, SHOWN), Image.Resampling.LANCZOS)
    for name, shown in (("large_painting", whole), ("large_window_border", middle)):
        shown.save(images / f"{name}.jpg", quality=85, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
