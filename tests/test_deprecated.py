"""Old module paths still work, and warn with the new paths."""

from __future__ import annotations

import importlib
import sys

import pytest

from neuralpaint._deprecated import MOVED


@pytest.fixture
def fresh(monkeypatch):
    """Unloads all old modules."""
    for old in MOVED:
        monkeypatch.delitem(sys.modules, f"neuralpaint.{old}", raising=False)


@pytest.mark.parametrize("old", MOVED)
def test_an_old_module_names_the_new_one(old, fresh):
    with pytest.warns(DeprecationWarning, match=rf"neuralpaint\.{old} has moved to neuralpaint\.{MOVED[old][0]}"):
        importlib.import_module(f"neuralpaint.{old}")


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("strokes", "Painting", "neuralpaint.painting"),
        ("brushes.brush", "TexturedBrush", "neuralpaint.brushes"),
        ("features", "get_features", "neuralpaint.losses.features"),
        ("features.vgg", "VGG19Features", "neuralpaint.losses.features"),
        ("workers.processes", "ProcessWorkers", "neuralpaint.parallel.processes"),
        ("training.trainer", "Trainer", "neuralpaint.training.renderers.trainer"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*has moved:DeprecationWarning")
def test_old_and_new_names_are_the_same_object(old, name, new, fresh):
    assert getattr(importlib.import_module(f"neuralpaint.{old}"), name) is getattr(importlib.import_module(new), name)


def test_what_never_was_is_not_found(fresh):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("neuralpaint.strikes")
    with pytest.warns(DeprecationWarning), pytest.raises(ImportError):
        from neuralpaint.strokes import Nothing  # noqa: F401


def test_canvas_is_background(tmp_path):
    import torch

    from neuralpaint import Painting
    from neuralpaint.images import load_image

    with pytest.warns(DeprecationWarning, match="canvas is now background"):
        old = Painting(torch.rand(1, 9), "tape", canvas="black")
    assert old.background == (0, 0, 0)
    with pytest.warns(DeprecationWarning, match="Painting.background"):
        assert old.canvas == (0, 0, 0)
    with pytest.raises(TypeError, match="give background"):
        load_image(torch.rand(3, 4, 4), canvas="black", background="white")
    old.render().save(tmp_path / "photo.png")
    with pytest.warns(DeprecationWarning, match="canvas is now background"):
        load_image(tmp_path / "photo.png", canvas="black")


def test_the_option_canvas_is_background(run, tmp_path):
    from PIL import Image

    Image.new("RGB", (8, 8), "red").save(tmp_path / "photo.png")
    size = ("--strokes", "1", "--preset", "fast")
    old = run("paint", tmp_path / "photo.png", "-o", tmp_path / "old.png", "--canvas", "#0000ff", *size)
    new = run("paint", tmp_path / "photo.png", "-o", tmp_path / "new.png", "--background", "#0000ff", *size)
    assert (old.code, new.code) == (0, 0) and "--background" in old.err and not new.err
    assert (tmp_path / "old.png").read_bytes() == (tmp_path / "new.png").read_bytes()
