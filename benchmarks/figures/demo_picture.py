"""Makes docs/images/demo.jpg: the example photos painted in oil, side by side.

    python benchmarks/figures/demo_picture.py [PRESET]

PRESET is one of `neuralpaint paint --preset`, by default balanced, as `make demo` paints.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from PIL import Image

import neuralpaint
from neuralpaint.search import PRESETS

ROOT = Path(__file__).resolve().parents[2]
HEIGHT, GAP, MAX_BYTES = 360, 8, 250_000


def strip(paintings: list[Image.Image]) -> Image.Image:
    """Pictures in a row, all HEIGHT pixels high."""
    scaled = [p.resize((round(p.width * HEIGHT / p.height), HEIGHT), Image.Resampling.LANCZOS) for p in paintings]
    row = Image.new("RGB", (sum(p.width for p in scaled) + GAP * (len(scaled) - 1), HEIGHT), "white")
    x = 0
    for picture in scaled:
        row.paste(picture, (x, 0))
        x += picture.width + GAP
    return row


def jpeg(picture: Image.Image) -> bytes:
    """The best quality that fits in MAX_BYTES."""
    for quality in range(92, 30, -2):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= MAX_BYTES:
            return buffer.getvalue()
    raise ValueError(f"the picture does not fit in {MAX_BYTES} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", nargs="?", default="balanced", choices=list(PRESETS), metavar="PRESET")
    preset = parser.parse_args().preset
    photos = sorted((ROOT / "examples" / "photos").glob("*.jpg"))
    paintings = [neuralpaint.paint(photo, "oil", preset=preset, progress=sys.stderr.isatty()) for photo in photos]
    # Drawn twice as large and scaled down: fine bristles stay visible.
    picture = strip([painting.render(2 * HEIGHT) for painting in paintings])
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    (ROOT / "docs" / "images" / "demo.jpg").write_bytes(jpeg(picture))
    for photo, painting in zip(photos, paintings, strict=True):
        print(f"{photo.name}: {painting.psnr(photo):.1f} dB, {len(painting)} strokes")


if __name__ == "__main__":
    main()
