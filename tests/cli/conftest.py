import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture
def photo(tmp_path):
    """A small photo: a bright disc on a dark gradient."""
    y, x = np.mgrid[:24, :32] / 24
    picture = np.stack([0.2 + 0.2 * x, 0.3 * y, 0.3 - 0.1 * x], axis=-1)
    picture[(x - 0.7) ** 2 + (y - 0.5) ** 2 < 0.09] = (0.9, 0.7, 0.2)
    Image.fromarray((picture * 255).astype(np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def short_search(monkeypatch):
    """Reduces `--preset fast` to a few steps."""
    from neuralpaint.search import PRESETS, Preset

    fast = Preset("fast", stages=2, rounds=1, steps=6, reseeds=1, refine=6, block_pixels=16)
    monkeypatch.setitem(PRESETS, "fast", fast)


@pytest.fixture
def stub(monkeypatch):
    """Replaces the search by random strokes, for tests of other things; returns the arguments of the calls."""
    from neuralpaint.painting.painting import Painting

    calls = []

    def paint(image, brush, strokes, preset, *, size, background, seed, callback=None, **more):
        calls.append({"image": image, "brush": brush, "strokes": strokes, "preset": preset, "size": size, **more})
        height, width = image.shape[-2:]
        shorter = min(height, width)
        drawn = brush.sample(strokes, torch.Generator().manual_seed(seed))
        return Painting(drawn, brush, (height / shorter, width / shorter), background, size or shorter)

    monkeypatch.setattr("neuralpaint.search.paint", paint)
    return calls


@pytest.fixture
def stroke_file(tmp_path):
    from neuralpaint.brushes import get_brush
    from neuralpaint.painting.painting import Painting

    brush = get_brush("tape")
    path = tmp_path / "strokes.safetensors"
    drawn = brush.sample(12, torch.Generator().manual_seed(0))
    Painting(drawn, brush, (1.0, 1.5), "#102030", 16, {"photo": "apple [1].jpg"}).save(path)
    return path
