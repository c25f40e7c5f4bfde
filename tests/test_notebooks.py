"""The notebooks of examples/ run from their first cell to their last, at small sizes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "examples" / "notebooks"
# What the cell tagged `parameters` says, instead of its own.
QUICK = {"stages": 1, "steps": 2, "rounds": 1, "reseeds": 0, "refine": 1, "polish": 0, "block_pixels": 8}
PRESET = f"__import__('dataclasses').replace(__import__('neuralpaint').search.PRESETS['fast'], **{QUICK})"
SMALL = {
    "ops.ipynb": {"SIZE": "24", "STROKES": "6", "STEPS": "5"},
    "paint.ipynb": {"PHOTO": "'photo.png'", "STROKES": "8", "SIZE": "24"},
    "train_renderer.ipynb": {
        "PHOTO": "'photo.png'",
        "BRUSH": "'tape'",
        "SIZE": "16",
        "STEPS": "4",
        "STROKES": "4",
        "PRESET": PRESET,
    },
}
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))


def cells_of(name: str) -> list[dict]:
    return json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))["cells"]


def test_all_are_run_and_listed():
    assert list(SMALL) == NAMES
    listed = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert all(f"`notebooks/{name}`" in listed for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_stripped(name):
    assert (NOTEBOOKS / name).stat().st_size < 10_000
    for cell in cells_of(name):
        assert cell["cell_type"] == "markdown" or (cell["outputs"] == [] and cell["execution_count"] is None)


def test_they_run(tmp_path, monkeypatch):
    """One after another in one process, which imports torch once, but each with no names of the others."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    for needed in ("ipykernel", "accelerate", "tensorboard"):
        pytest.importorskip(needed)
    y, x = np.mgrid[:24, :30] / 24
    picture = np.stack([0.2 + 0.5 * x, 0.3 + 0.4 * y, 0.5 - 0.3 * x], axis=-1)
    Image.fromarray((picture * 255).astype(np.uint8)).save(tmp_path / "photo.png")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    parts = {}
    for name in NAMES:
        cells = nbformat.read(NOTEBOOKS / name, as_version=4).cells
        (parameters,) = (cell for cell in cells if "parameters" in cell.metadata.get("tags", ()))
        assert {line.split(" = ")[0] for line in parameters.source.splitlines()} == set(SMALL[name])
        parameters.source = "\n".join(f"{key} = {value}" for key, value in SMALL[name].items())
        for number, cell in enumerate(cells):
            cell.id = f"{name[:-6]}-{number}"
        parts[name] = [nbformat.v4.new_code_cell("%reset -f"), *(cell for cell in cells if cell.cell_type == "code")]
    together = nbformat.v4.new_notebook(cells=[cell for cells in parts.values() for cell in cells])
    nbclient.NotebookClient(together, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for name, cells in parts.items():
        outputs = [output for cell in cells for output in cell.outputs]
        assert any("image/png" in output.get("data", {}) for output in outputs), f"{name} shows no picture"
    assert (tmp_path / "painting.svg").exists() and (tmp_path / "my-renderer").is_dir()
