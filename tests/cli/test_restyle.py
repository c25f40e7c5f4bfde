"""`neuralpaint restyle`, and `paint --style-image`."""

import numpy as np
import pytest
from PIL import Image

from neuralpaint import Painting


@pytest.fixture(autouse=True)
def small(monkeypatch, vgg_file):
    """Features with random weights, on small images."""
    monkeypatch.setenv("NEURALPAINT_VGG19", str(vgg_file))
    monkeypatch.setattr("neuralpaint.losses.style.SIZE", 24)


@pytest.fixture
def style(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "style.png")
    return tmp_path / "style.png"


@pytest.fixture
def landscape(tmp_path):
    """A photo with the same aspect as `stroke_file`."""
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(tmp_path / "landscape.png")
    return tmp_path / "landscape.png"


def test_restyle(run, stroke_file, landscape, style, tmp_path):
    out, kept = tmp_path / "out.png", tmp_path / "kept.safetensors"
    arguments = ["restyle", stroke_file, "--content", landscape, "--style-image", style, "-o", out, "--save", kept]
    done = run(*arguments, "--steps", 3, "--size", 64)
    assert done.code == 0, done.err
    assert "style loss -" in done.out and "difference to the photo" in done.out
    assert Image.open(out).size == (96, 64)
    before, after = Painting.load(stroke_file), Painting.load(kept)
    assert len(after) == len(before) and after.metadata["photo"] == before.metadata["photo"]
    assert after.metadata["style"]["weight"] == 0.5
    assert "already exists" in run(*arguments).line
    assert run(*arguments, "--steps", 1, "--overwrite", "--style-mode", "color", "--quiet").out == ""


def test_paint_with_a_style(run, stub, photo, style, tmp_path):
    out = tmp_path / "out.png"
    done = run(
        "paint", photo, "-o", out, "--strokes", 8, "--style-image", style, "--style-steps", 2, "--preset", "paper"
    )
    assert done.code == 0, done.err
    assert "style loss" in done.out and "difference to the photo" in done.out and Image.open(out).size == (32, 24)
    assert len(stub) == 1


@pytest.mark.parametrize("mode", ["color", "color+texture"])
def test_paint_in_a_style_with_nothing_but_the_package(run, short_search, photo, style, tmp_path, monkeypatch, mode):
    monkeypatch.delenv("NEURALPAINT_VGG19")
    monkeypatch.setattr("neuralpaint.losses.features.find_weights", lambda: None)
    monkeypatch.setattr("torch.hub.download_url_to_file", lambda *_, **__: pytest.fail("fetched"))
    out = tmp_path / "out.png"
    options = ["--strokes", 8, "--preset", "fast", "--style-steps", 2, "--style-mode", mode, "--style-strength", "0.8"]
    done = run("paint", photo, "-o", out, "--style-image", style, *options)
    assert done.code == 0, done.err
    assert "difference to the target" in done.out and Image.open(out).size == (32, 24)
    assert "VGG-19" not in done.err


def test_nothing_is_fetched_without_download(run, stroke_file, landscape, style, tmp_path, monkeypatch):
    fetched = []

    def fetch(url, *_, **__):
        fetched.append(url)
        raise OSError("no network")

    monkeypatch.delenv("NEURALPAINT_VGG19")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.download_url_to_file", fetch)
    more = ["--style-image", style, "-o", tmp_path / "out.png", "--features", "vgg19"]
    for source in (["restyle", stroke_file, "--content", landscape], ["paint", landscape]):
        done = run(*source, *more)
        assert done.code == 2 and "nothing is fetched unasked: add --download" in done.line and not fetched
        done = run(*source, *more, "--download")
        assert done.code == 2 and "cannot be downloaded (no network): set --vgg" in done.line and fetched
        fetched.clear()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: Image.new("RGB", (40, 40), "teal"), "style.png is a single colour"),
        (lambda: Image.new("RGBA", (40, 40), (0, 0, 0, 0)), "style.png is a single colour"),
        (lambda: Image.effect_noise((40, 31), 90), "style.png is 40x31 pixels: a style picture needs 32"),
    ],
)
def test_pictures_without_a_style(run, stub, photo, tmp_path, draw, message):
    draw().save(tmp_path / "style.png")
    done = run("paint", photo, "-o", tmp_path / "out.png", "--style-image", tmp_path / "style.png")
    assert done.code == 2 and message in done.line and not stub and not (tmp_path / "out.png").exists()


def test_says_that_other_features_stand_in(run, stroke_file, landscape, style, tmp_path, monkeypatch):
    from neuralpaint.losses import features

    stand_in = features.VGG19Features()
    monkeypatch.setattr(features, "find_weights", lambda: None)
    monkeypatch.setattr(features, "available", lambda: True)
    monkeypatch.setattr(features, "EfficientNetFeatures", lambda: stand_in)
    done = run(
        *["restyle", stroke_file, "--content", landscape, "--style-image", style, "-o", tmp_path / "out.png"],
        *["--steps", 1],
    )
    assert done.code == 0 and "using efficientnet-lite0 for style features" in done.line


def test_stopped_and_resumed(run, stroke_file, landscape, style, tmp_path, monkeypatch):
    from neuralpaint.search.restyle import Restyle

    out, state = tmp_path / "out.png", tmp_path / "state"
    arguments = ["restyle", stroke_file, "--content", landscape, "--style-image", style, "-o", out, "--steps", 4]
    step = Restyle.step

    def interrupted(self):
        if self.steps_done == 2:
            raise KeyboardInterrupt
        step(self)

    with monkeypatch.context() as patch:
        patch.setattr(Restyle, "step", interrupted)
        assert run(*arguments).code == 130
        done = run(*arguments, "--checkpoint", state)
    assert done.code == 130 and "--resume" in done.line and not out.exists()
    assert run(*arguments, "--checkpoint", state, "--resume").code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--style-weight", "-1"], "--style-weight must be a finite number, at least 0"),
        (["--style-weight", "nan"], "--style-weight must be a finite number"),
        (["--style-mode", "shape"], "--style-mode must be one of 'color', 'color+texture'"),
        (["--style-image", "{folder}/none.jpg"], "none.jpg does not exist"),
        (["--style-image", "{folder}/dot.png"], "dot.png is 1x1 pixels"),
        (["--style-image", "{folder}/text.png"], "is not an image"),
        (["--features", "vgg16"], "unknown features 'vgg16' (did you mean 'vgg19'?)"),
        (["--vgg", "{folder}/none.safetensors"], "none.safetensors do not exist"),
        (["--vgg", "{folder}/text.png"], "text.png"),
    ],
)
@pytest.mark.parametrize("command", ["restyle", "paint"])
def test_bad_styles(run, stub, stroke_file, landscape, style, tmp_path, command, options, message):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "text.png").write_text("no picture")
    options = [option.format(folder=tmp_path) for option in options]
    source = ["restyle", stroke_file, "--content", landscape] if command == "restyle" else ["paint", landscape]
    done = run(*source, "--style-image", style, "-o", tmp_path / "out.png", *options)
    assert done.code == 2 and message in done.line
    assert not stub and not (tmp_path / "out.png").exists()


def test_bad_paintings(run, stroke_file, photo, landscape, style, tmp_path):
    more = ["--style-image", style, "-o", tmp_path / "out.png"]
    assert "but the painting is 24x16" in run("restyle", stroke_file, "--content", photo, *more).line
    assert "not a neuralpaint stroke file" in run("restyle", style, "--content", landscape, *more).line
    done = run("restyle", stroke_file, "--content", landscape, "--style-image", style, "-o", landscape, "--overwrite")
    assert done.code == 2 and "is also an input" in done.line
    assert "--resume needs --checkpoint" in run("restyle", stroke_file, "--content", landscape, *more, "--resume").line
