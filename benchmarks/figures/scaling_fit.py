"""How the time of a painting grows with its strokes, and the time of drawing it with its pixels: the figure of
docs/scaling.md, and the exponents.

    python benchmarks/figures/scaling_fit.py --json scaling.json        # a quarter of an hour on two cores
    python benchmarks/figures/scaling_fit.py --json scaling.json --plot # only the figure again
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
STROKES = (500, 1000, 2000, 5000, 10000, 20000, 50000)
SIZES = (1024, 2048, 4096, 8192, 16384)
BRUSHES = ("oil", "watercolor")


def mosaic(size: int) -> np.ndarray:
    """uint8 `[size, size, 3]`: the photos of examples/photos, side by side, with detail at every scale."""
    from PIL import Image

    photos = [Image.open(path).convert("RGB") for path in sorted((ROOT / "examples" / "photos").glob("*.jpg"))]
    cells = 4
    side = size // cells
    picture = np.empty((size, size, 3), np.uint8)
    random = np.random.default_rng(0)
    for row in range(cells):
        for column in range(cells):
            photo = photos[(row + column * 2) % len(photos)]
            edge = min(photo.size)
            corner = random.integers(0, [photo.width - edge * 3 // 4 + 1, photo.height - edge * 3 // 4 + 1])
            box = (*corner, *(corner + edge * 3 // 4))
            cell = photo.crop(tuple(int(v) for v in box)).resize((side, side), Image.Resampling.BICUBIC)
            picture[row * side : (row + 1) * side, column * side : (column + 1) * side] = np.asarray(cell)
    coarse = random.normal(0, 4, (size // 4, size // 4, 1))
    grain = np.kron(coarse, np.ones((4, 4, 1))) + random.normal(0, 3, (size, size, 1))
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def measure(name: str, counts: tuple[int, ...], preset: str) -> list[dict]:
    import neuralpaint

    photo, rows = mosaic(2048), []
    neuralpaint.paint(photo[:64, :64], name, 10, preset)  # textures and the like are made once
    for count in counts:
        started = time.perf_counter()
        painting = neuralpaint.paint(photo, name, count, preset)
        seconds = time.perf_counter() - started
        rows.append({"brush": name, "strokes": count, "seconds": seconds, "psnr": painting.psnr(photo)})
        print(f"{name:11} {count:7} strokes {seconds:8.1f} s {rows[-1]['psnr']:6.2f} dB", flush=True)
    return rows


def measure_drawing(count: int, sizes: tuple[int, ...]) -> list[dict]:
    import torch

    from neuralpaint import Painting
    from neuralpaint.brushes import get_brush

    generator, rows = torch.Generator().manual_seed(0), []
    block = (9 / 3 / count) ** (1 / 3)
    x, y, angle = torch.rand(3, count, generator=generator)
    color = torch.rand(3, count, generator=generator)
    painting = Painting(get_brush("oil").lay(block, x, y, 3.14 * angle, color, generator), "oil")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            started = time.perf_counter()
            painting.render_to(Path(folder) / "out.tiff", size)
            seconds = time.perf_counter() - started
            rows.append({"size": size, "strokes": count, "seconds": seconds})
            print(f"{size:6}² drawn and written in {seconds:6.1f} s", flush=True)
    return rows


def exponent(x: list[float], y: list[float]) -> tuple[float, float]:
    """(a, b) of y = b·xᵃ, least squares in logarithms."""
    slope, offset = np.polyfit(np.log(x), np.log(y), 1)
    return float(slope), float(np.exp(offset))


def plot(found: dict, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name in sorted({row["brush"] for row in found["painting"]}):
        rows = [row for row in found["painting"] if row["brush"] == name]
        x, y = [row["strokes"] for row in rows], [row["seconds"] for row in rows]
        slope, factor = exponent(x, y)
        (line,) = left.loglog(x, y, "o", label=f"{name}: strokes$^{{{slope:.2f}}}$")
        left.loglog(x, [factor * v**slope for v in x], color=line.get_color(), linewidth=1)
        print(f"painting, {name}: seconds = {factor:.3g} · strokes^{slope:.3f}")
    reach = [min(x), max(x)]
    left.loglog(reach, [1.5 * y[-1] / x[-1] * v for v in reach], "k:", linewidth=1, label="proportional")
    left.set(xlabel="strokes", ylabel="seconds", title=f"painting, {found['preset']}, two cores")
    left.legend(frameon=False)
    x = [row["size"] ** 2 / 1e6 for row in found["drawing"]]
    y = [row["seconds"] for row in found["drawing"]]
    slope, factor = exponent(x[1:], y[1:])
    print(f"drawing: seconds = {factor:.3g} · megapixels^{slope:.3f}")
    (line,) = right.loglog(x, y, "o", label=f"oil: pixels$^{{{slope:.2f}}}$")
    right.loglog(x[1:], [factor * v**slope for v in x[1:]], color=line.get_color(), linewidth=1)
    right.set(
        xlabel="million pixels", ylabel="seconds", title=f"drawing {found['drawing'][0]['strokes']:,} strokes to a TIFF"
    )
    right.legend(frameon=False)
    for axis in (left, right):
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    print(f"→ {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, required=True, help="what is measured is kept there")
    parser.add_argument("--plot", action="store_true", help="measure nothing, only plot")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--strokes", type=int, nargs="+", default=STROKES)
    parser.add_argument("--brushes", nargs="+", default=BRUSHES)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "scaling.png")
    options = parser.parse_args()
    if not options.plot:
        painting = [row for name in options.brushes for row in measure(name, tuple(options.strokes), options.preset)]
        drawing = measure_drawing(20000, tuple(options.sizes))
        options.json.write_text(
            json.dumps({"preset": options.preset, "painting": painting, "drawing": drawing}, indent=1)
        )
    plot(json.loads(options.json.read_text()), options.out)


if __name__ == "__main__":
    main()
