"""The example scripts run, on small input."""

import importlib.util
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import neuralpaint

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def photo(tmp_path):
    y, x = np.mgrid[:32, :40] / 32
    picture = np.stack([0.2 + 0.5 * x, 0.3 + 0.4 * y, 0.5 - 0.3 * x], axis=-1)
    Image.fromarray((picture * 255).astype(np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_paint_photo(photo, tmp_path):
    load("paint_photo").main(photo, tmp_path / "out", strokes=6)
    assert Image.open(tmp_path / "out" / "larger.png").size == (1280, 1024)


def test_own_brush(photo, tmp_path):
    load("own_brush").main(photo, tmp_path / "out", strokes=6)
    painting = neuralpaint.Painting.load(tmp_path / "out" / "painting.safetensors")
    assert (painting.brush.name, len(painting)) == ("chalk", 6)
    assert 0.2 < painting.brush.alpha.mean() / 255 < 0.9


def test_fit_one_stroke():
    distances = load("fit_one_stroke").main()
    assert distances[1.0] < 0.1 < distances[0.0]


def test_strokes_dataset(tmp_path):
    load("strokes_dataset").main(20, tmp_path / "strokes.safetensors", size=16, chunk=8)
    data = load_file(tmp_path / "strokes.safetensors")
    assert {name: list(t.shape) for name, t in data.items()} == {
        "strokes": [20, 12],
        "foreground": [20, 3, 16, 16],
        "alpha": [20, 1, 16, 16],
    }
    assert all(data["alpha"].flatten(1).amax(1) > 0)


def test_examples_use_their_own_photos():
    assert {path.name for path in (EXAMPLES / "photos").glob("*.jpg")} == {"astronaut.jpg", "chelsea.jpg", "coffee.jpg"}


def test_gradio_app_paints_as_it_goes(photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = list(load("gradio_app").paint(Image.open(photo), "ink", 6))
    picture, strokes = found[-1]
    assert len(found) > 1 and found[0][1] is None
    assert picture.size == (40, 32) and len(neuralpaint.Painting.load(strokes)) == 6


def test_gradio_app_stops_when_the_visitor_leaves(photo, monkeypatch):
    ended = threading.Event()

    def endless(photo, callback, **options):
        found = torch.zeros(1, neuralpaint.brushes.get_brush(options["brush"]).num_parameters)
        try:
            while True:
                callback(neuralpaint.Progress("level 1/4", 1, 100, 1, 10.0, 1.0, 1.0, found))
                time.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr(neuralpaint, "paint", endless)
    shown = load("gradio_app").paint(Image.open(photo), "ink", 400)
    next(shown)
    assert not ended.is_set()
    shown.close()
    assert ended.wait(20)
