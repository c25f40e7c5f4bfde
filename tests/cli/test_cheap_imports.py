"""What needs no torch does not wait seconds for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

RUN = """
import sys
from neuralpaint.cli import app
try:
    app(sys.argv[1:], prog_name="neuralpaint")
except SystemExit as stop:
    assert "torch" not in sys.modules, "torch was loaded"
    sys.exit(stop.code)
"""


def test_the_package_itself() -> None:
    code = "import sys, neuralpaint, neuralpaint.brushes, neuralpaint.images.io; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
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
        ("render none.safetensors -o out.png", 2, "none.safetensors does not exist"),
        ("render none.safetensors -o out.xyz", 2, ".xyz"),
        ("info none.safetensors", 2, "none.safetensors does not exist"),
        ("info", 2, "--build"),
    ],
)
def test_commands(line: str, code: int, words: str, tmp_path) -> None:
    done = subprocess.run([sys.executable, "-c", RUN, *line.split()], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert words in done.stdout + done.stderr
