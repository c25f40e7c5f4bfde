"""Makes docs/images/transport.png: one stroke on its way to where it is wanted, with and without the transport loss.

    python benchmarks/figures/transport_figure.py

The figure of `neuralpaint reproduce --figure 5`. Everything is fixed, so the same picture comes out again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from neuralpaint.reproduction import Request
from neuralpaint.reproduction.zero_gradient import run

OUT = Path(__file__).resolve().parents[2] / "docs" / "images" / "transport.png"


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    outcome = run(Request("small", torch.device("cpu")))
    OUT.parent.mkdir(exist_ok=True)
    outcome.picture.quantize(128).save(OUT, optimize=True)
    print(f"{OUT.name}: {OUT.stat().st_size / 1000:.0f} kB")
    for row in outcome.rows:
        print(", ".join(f"{column} {value}" for column, value in row.items()))


if __name__ == "__main__":
    main()
