import numpy as np
import pytest
import pyvips
import torch
from PIL import Image

from neuralpaint.brushes import get_brush
from neuralpaint.painting import Painting
from neuralpaint.painting.finish import Finish


@pytest.fixture
def strokes(tmp_path):
    painting = Painting(get_brush("oil").sample(20, torch.Generator().manual_seed(1)), "oil", size=64)
    painting.save(tmp_path / "strokes.safetensors")
    return tmp_path / "strokes.safetensors"


def test_render_with_finish_and_maps(run, strokes, tmp_path):
    outputs = [f"-o{tmp_path}/a{suffix}" for suffix in (".png", ".height.png", ".normal.png", ".safetensors")]
    run("render", strokes, *outputs, "--relief", "1", "--ground", "canvas")
    kept = Painting.load(tmp_path / "a.safetensors")
    assert kept.finish == Finish(relief=1, ground="canvas")
    assert (np.asarray(Image.open(tmp_path / "a.png")) == np.asarray(kept.render())).all()
    height = Image.open(tmp_path / "a.height.png")
    assert height.mode == "I;16"
    assert (np.asarray(height) == kept.height_map()).all()
    normals = pyvips.Image.new_from_file(str(tmp_path / "a.normal.png"))
    assert normals.format == "ushort" and "icc-profile-data" not in normals.get_fields()  # they are no colours
    assert (normals.numpy() == kept.normal_map()).all()
    assert len(np.unique(normals.numpy())) > 256


def test_render_keeps_the_finish_of_the_file_unless_told_otherwise(run, strokes, tmp_path):
    run("render", strokes, "-o", tmp_path / "b.safetensors", "--relief", "0.5", "--light", "90")
    run("render", tmp_path / "b.safetensors", "-o", tmp_path / "c.safetensors", "--relief", "0.25")
    assert Painting.load(tmp_path / "c.safetensors").finish == Finish(relief=0.25, light=90)


def test_paint_with_finish(run, stub, photo, tmp_path):
    outputs = ["-o", tmp_path / "a.png", "-o", tmp_path / "a.safetensors"]
    run("paint", photo, *outputs, "--strokes", "5", "--preset", "fast", "--relief", "0.8", "--varnish", "1")
    painting = Painting.load(tmp_path / "a.safetensors")
    assert painting.finish == Finish(relief=0.8, varnish=1)
    assert (np.asarray(Image.open(tmp_path / "a.png")) == np.asarray(painting.render())).all()


def test_paint_watercolour(run, stub, photo, tmp_path):
    run("paint", photo, "-o", tmp_path / "a.safetensors", "--brush", "watercolor", "--strokes", "3", "--wet", "0.5")
    assert Painting.load(tmp_path / "a.safetensors").finish == Finish(wet=0.5)
    outcome = run("paint", photo, "-o", tmp_path / "b.png", "--look", "aquarelle", "--brush", "oil")
    assert outcome.code == 2 and "--wet needs the brush watercolor, and must be 0 for oil" in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--relief", "2"], "--relief must be from 0 to 1, got 2"),
        (["--light", "1000"], "--light must be an angle"),
        (["--ground", "wood"], "unknown ground 'wood'"),
        (["--wet", "1.5"], "--wet must be from 0 to 1, got 1.5"),
        (["--wet", "1"], "--wet needs the brush watercolor, and must be 0 for oil"),
        (["--relief", "1", "--engine", "a:b"], "--relief cannot be combined with --engine"),
    ],
)
def test_bad_options(run, strokes, tmp_path, options, message):
    outcome = run("render", strokes, "-o", tmp_path / "x.png", *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert not (tmp_path / "x.png").exists()
