"""Code that does not need torch does not import it."""

from __future__ import annotations

import ast
import subprocess
import sys

RUN = """
import sys
from neuralpaint.cli import app
from typer.testing import CliRunner
for line in LINES:
    done = CliRunner().invoke(app, line.split(), prog_name="neuralpaint")
    if isinstance(done.exception, SystemExit) or done.exception is None:
        print(repr((line, done.exit_code, done.output, "torch" in sys.modules)))
    else:
        print(repr((line, None, repr(done.exception), "torch" in sys.modules)))
"""


def test_the_package_itself() -> None:
    code = "import sys, neuralpaint, neuralpaint.brushes, neuralpaint.images.io; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


LINES = [
    ("--help", 0, "Usage"),
    ("brushes", 0, "watercolor"),
    ("stylize --list", 0, "munch-scream"),
    ("stylize none.jpg -o out.png --style munch-scream", 2, "none.jpg does not exist"),
    ("stylize none.jpg -o out.xyz --style munch-scream", 2, ".xyz"),
    ("paint none.jpg -o out.png", 2, "none.jpg does not exist"),
    ("paint none.jpg -o out.xyz", 2, ".xyz"),
    ("paint none.jpg -o out.png --brush oyl", 2, "oil"),
    ("paint none.jpg -o out.png --strokes 0", 2, "--strokes"),
    ("paint none.jpg -o out.png --wrong", 2, "--wrong"),
    ("vectorize none.jpg -o out.svg", 2, "none.jpg does not exist"),
    ("vectorize none.jpg -o out.svg --paths 0", 2, "--paths must be"),
    ("reproduce --list", 0, "snp, figure 12"),
    ("reproduce --figure 99 -o out", 2, "--figure 99 cannot be"),
    ("reproduce --all", 2, "--out DIR is missing"),
    ("render none.safetensors -o out.png", 2, "none.safetensors does not exist"),
    ("render none.safetensors -o out.xyz", 2, ".xyz"),
    ("info none.safetensors", 2, "none.safetensors does not exist"),
    ("info", 2, "--build"),
]


def test_commands(tmp_path) -> None:
    """Runs all commands in one process, so torch imported by any of them is noticed."""
    code = f"LINES = {[line for line, _, _ in LINES]!r}\n{RUN}"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    results = [ast.literal_eval(line) for line in done.stdout.splitlines()]
    for (line, code, words), (ran, exit_code, output, torch) in zip(LINES, results, strict=True):
        assert ran == line and exit_code == code and words in output and "Traceback" not in output, (line, output)
        assert not torch, f"{line}: torch was loaded"
