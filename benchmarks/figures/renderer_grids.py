"""Makes docs/images/renderer_*.jpg, held-out strokes of every brush as the bundled networks draw them, and the table of
these networks in docs/renderers.md.

    python benchmarks/figures/renderer_grids.py

Rows: foreground as it is, as drawn, five times the difference; then the same of alpha.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from neuralpaint.images.io import to_pil
from neuralpaint.renderers.pretrained import WEIGHTS, bundled_folder, load_network
from neuralpaint.training.renderers.pictures import picture_grid
from neuralpaint.training.renderers.source import Batch, BrushSource

DOCS = Path(__file__).resolve().parents[2] / "docs"
SHOWN = 7
PAPER = {"oil": "27.0", "watercolor": "31.4"}  # SNP Table 1
BEGIN, END = "<!-- bundled: begin -->", "<!-- bundled: end -->"


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    lines = [
        "| brush | PSNR, dB | foreground | alpha | SNP's, on its own brushes | file, KB | minutes of one core |",
        "|---|---|---|---|---|---|---|",
    ]
    for brush in ("oil", "watercolor", "marker", "tape"):
        folder = bundled_folder(brush)
        network = load_network(folder)
        batch = BrushSource(brush, network.size).held_out(0, 64)
        # The strokes that show most, in their order.
        chosen = batch.alpha.flatten(1).sum(1).topk(3 * SHOWN).indices.sort().values[::3]
        picture = to_pil(picture_grid(network, Batch(*(part[chosen] for part in batch))))
        picture.save(DOCS / "images" / f"renderer_{brush}.jpg", quality=88, subsampling=0)
        facts = network.trained
        cells = [brush, f"**{facts['psnr']:.1f}**", f"{facts['psnr_foreground']:.1f}", f"{facts['psnr_alpha']:.1f}"]
        size = (folder / WEIGHTS).stat().st_size
        cells += [PAPER.get(brush, ""), f"{size / 1000:,.0f}", f"{facts['seconds'] / 60:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    page = (DOCS / "renderers.md").read_text()
    before, rest = page.split(BEGIN)
    table = "\n".join(lines)
    (DOCS / "renderers.md").write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
