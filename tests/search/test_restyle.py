"""`restyle`: moves strokes towards a style, within their ranges, deterministically."""

import dataclasses
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from neuralpaint import Painting, get_brush, paint, restyle
from neuralpaint.losses import StyleLoss
from neuralpaint.losses.features import VGG19Features
from neuralpaint.search.restyle import own_ranges
from tests.search.photos import BLOCKS, JOINT, NAMES, disc_photo, saved

SIZE, STEPS = 24, 24


@pytest.fixture(scope="module")
def vgg(vgg_file):
    return VGG19Features(vgg_file)


@pytest.fixture(scope="module")
def style(vgg):
    return StyleLoss(other_colours(), features=vgg, size=SIZE)


def other_colours():
    """With the same brightness as the photo, so that the content loss does not interfere."""
    return disc_photo(40, 40).flip(0)


def painted(name="tape", preset=JOINT, count=20, shape=(32, 32)):
    return paint(disc_photo(*shape), name, count, dataclasses.replace(preset, steps=4, refine=4))


def change(painting, key):
    before, after = painting.metadata["style"][key]
    return after / before


@pytest.mark.parametrize("name", NAMES)
def test_every_brush_takes_on_a_style(name, style):
    before = painted(name)
    after = restyle(before, disc_photo(32, 32), style, steps=STEPS)
    assert len(after) == len(before) and after.brush == before.brush
    assert change(after, "style_loss") < 0.8
    assert torch.isfinite(after.strokes).all()


@pytest.mark.parametrize("preset", [JOINT, BLOCKS], ids=lambda preset: preset.name)
@pytest.mark.parametrize("shape", [(24, 36), (36, 24)])
def test_paintings_of_either_search_and_any_aspect(preset, shape, style):
    after = restyle(painted("oil", preset, shape=shape), disc_photo(*shape), style, steps=STEPS)
    assert change(after, "style_loss") < 0.8


def test_strokes_of_the_reference_implementation(style, tmp_path):
    import numpy as np

    random = np.random.default_rng(0)
    parts = {"x_ctt": 5, "x_color": 6, "x_alpha": 1}
    np.savez(tmp_path / "snp.npz", **{key: random.random((4, 5, count)) for key, count in parts.items()})
    after = restyle(Painting.from_snp(tmp_path / "snp.npz"), disc_photo(32, 32), style, steps=STEPS)
    assert change(after, "style_loss") < 0.9


@pytest.mark.parametrize("name", NAMES)
def test_color_leaves_shapes_as_they_are(name, vgg):
    before, brush = painted(name), get_brush(name)
    after = restyle(
        before, disc_photo(32, 32), StyleLoss(other_colours(), mode="color", features=vgg, size=SIZE), steps=4
    )
    assert torch.equal(after.strokes[:, brush.shape], before.strokes[:, brush.shape])
    assert not torch.equal(after.strokes[:, brush.colors[0]], before.strokes[:, brush.colors[0]])
    assert torch.equal(after.strokes[:, brush.opacity], before.strokes[:, brush.opacity]) == brush.opaque


@pytest.mark.parametrize("name", NAMES)
def test_strokes_stay_inside_their_ranges(name, style):
    before, brush = painted(name), get_brush(name)
    after = restyle(before, disc_photo(32, 32), style, weight=50.0, steps=STEPS)
    ranges = own_ranges(brush, before.strokes, before.aspect)
    for index, value in brush.held:
        assert (after.strokes[:, index] == value).all()
    assert (after.strokes >= ranges.low - 1e-6).all() and (after.strokes <= ranges.high + 1e-6).all()
    assert not torch.equal(after.strokes[:, brush.shape], before.strokes[:, brush.shape])


def test_weight_goes_from_likeness_to_style(style):
    before = painted()
    styles, likenesses = [], []
    for weight in (0.0, 0.5, 5.0):
        after = restyle(before, disc_photo(32, 32), style, weight=weight, steps=STEPS)
        styles.append(change(after, "style_loss"))
        likenesses.append(change(after, "l1_grey"))
    assert styles[0] > styles[1] > styles[2]
    assert likenesses[0] < likenesses[1] < likenesses[2]
    assert likenesses[0] < 1


def test_report_is_kept_with_the_strokes(style, tmp_path):
    after = restyle(painted(), disc_photo(32, 32), style, steps=2)
    after.save(tmp_path / "after.safetensors")
    loaded = Painting.load(tmp_path / "after.safetensors").metadata
    assert loaded["style"]["mode"] == "color+texture" and loaded["style"]["steps"] == 2
    assert loaded["preset"] == "small joint"


def test_same_strokes_however_often_it_was_stopped(style, tmp_path):
    before, photo = painted("oil"), disc_photo(32, 32)
    expected = saved(restyle(before, photo, style, steps=9), tmp_path)

    class Stopped(Exception):
        pass

    def stop(progress):
        if progress.step in (3, 4, 7):
            raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuralpaint.search.runner._REPORT_SECONDS", 0.0)
        patch.setattr("neuralpaint.search.runner._CHECKPOINT_SECONDS", 0.0)
        for _ in range(2):
            with pytest.raises(Stopped):
                restyle(before, photo, style, steps=9, callback=stop, checkpoint=tmp_path / "state", resume=True)
        with pytest.raises(ValueError, match="other settings \\(weight\\)"):
            restyle(before, photo, style, steps=9, weight=0.4, checkpoint=tmp_path / "state", resume=True)
    assert saved(restyle(before, photo, style, steps=9, checkpoint=tmp_path / "state", resume=True), tmp_path) == (
        expected
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("position", torch.tensor(99)),
        ("position", torch.tensor(-1)),
        ("position", torch.tensor([1])),
        ("strokes", torch.zeros(20, 8)),
        ("strokes", torch.full((20, 9), torch.nan)),
        ("parameters", torch.zeros(1)),
        ("adam.mean", torch.zeros(20, 9).double()),
        ("adam.square", None),
    ],
)
def test_a_state_that_cannot_be_is_told(key, value, style, tmp_path):
    before, photo = painted(), disc_photo(32, 32)
    restyle(before, photo, style, steps=2, checkpoint=tmp_path)
    (file,) = tmp_path.iterdir()
    with safe_open(file, "pt") as opened:
        header = json.loads(opened.metadata()["neuralpaint"])
        state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    del header["sha256"]
    state = {name: part for name, part in (state | {key: value}).items() if part is not None}
    file.write_bytes(save(state, {"neuralpaint": json.dumps(header)}))
    with pytest.raises(ValueError, match=rf"^checkpoint .* cannot be read .*{key}.*: start again"):
        restyle(before, photo, style, steps=2, checkpoint=tmp_path, resume=True)


def test_tells_how_far_it_is(style):
    events = []
    restyle(painted(), disc_photo(32, 32), style, steps=3, callback=events.append)
    assert events[-1].step == events[-1].steps == 3 and events[-1].strokes == 20
    assert "style loss" in events[-1].stage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight": -0.5}, "weight must be a finite number, at least 0, got -0.5"),
        ({"weight": float("nan")}, "weight must be a finite number, at least 0, got nan"),
        ({"steps": 0}, "steps must be from 1"),
        ({"mode": "shape"}, "mode must be one of"),
        ({"mode": "color"}, "mode is 'color', but the StyleLoss has mode 'color\\+texture'"),
        ({"resume": True}, "resume needs checkpoint"),
        ({"photo": torch.zeros(3, 32, 48)}, "photo is 48x32 pixels, but the painting is 32x32"),
        ({"painting": Painting(torch.zeros(0, 9), "tape")}, "no strokes"),
    ],
)
def test_bad_arguments(arguments, message, style):
    chosen = {"painting": painted(), "photo": disc_photo(32, 32), "style_image": style} | arguments
    with pytest.raises(ValueError, match=message):
        restyle(**chosen)
