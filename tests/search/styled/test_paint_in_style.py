"""`paint_in_style`: strokes of a painting's colours, the same however often it is stopped."""

import dataclasses

import numpy as np
import pytest
import torch

from neuralpaint import paint_in_style
from neuralpaint.guides.guide import make_guide
from neuralpaint.images.color_map import ColorMap
from neuralpaint.images.oklab import to_oklab
from neuralpaint.search.styled.retouch import RADIUS
from neuralpaint.search.styled.target import style_target, stylized_guide
from tests.search.photos import BLOCKS, JOINT, disc_photo, saved, stripes

QUICK = dataclasses.replace(JOINT, stages=2, steps=4, refine=4, reseeds=0)


@pytest.fixture(autouse=True)
def bundled(monkeypatch):
    """Small pictures, and features that are always there."""
    monkeypatch.delenv("NEURALPAINT_VGG19", raising=False)
    monkeypatch.setattr("neuralpaint.losses.features.find_weights", lambda: None)
    monkeypatch.setattr("neuralpaint.losses.style.SIZE", 32)


def sea():
    """Blue and green stripes, without any red."""
    picture = stripes(48)
    return torch.stack([0.1 * picture[0], 0.4 * picture[1], 0.3 + 0.6 * picture[0]])


def painted(**more):
    options = {"preset": QUICK, "steps": 3} | more
    return paint_in_style(disc_photo(40, 48), sea(), "tape", 24, **options)


@pytest.mark.parametrize("mode", ["color", "color+texture"])
def test_colours_are_the_paintings(mode):
    painting = painted(mode=mode)
    assert len(painting) == 24 and painting.metadata["style"]["mode"] == mode
    rgb = np.asarray(painting.render(48)) / 255
    assert rgb[..., 2].mean() > 0.3 and rgb[..., 0].mean() < 0.2  # the photo's disc is orange


def test_no_colour_goes_far_from_where_transport_has_put_it(monkeypatch):
    homes = []
    moved = ColorMap.__call__

    def remember(self, colors):
        homes.append(moved(self, colors))
        return homes[-1]

    monkeypatch.setattr(ColorMap, "__call__", remember)
    painting = painted(weight=50.0, steps=12)
    brush = painting.brush
    found = torch.stack([painting.strokes[:, slot] for slot in brush.colors], 1).numpy()
    home = next(colors for colors in reversed(homes) if colors.shape == found.shape)
    away = np.linalg.norm(to_oklab(found) - to_oklab(home), axis=-1)
    assert away.max() <= RADIUS + 1e-3
    assert away.max() > 0.2 * RADIUS  # they did move


def test_strength_leads_from_the_photo_to_the_style():
    photo = disc_photo(40, 48)
    none, half, full = (style_target(photo, sea(), 24, strength=strength).picture for strength in (0.0, 0.5, 1.0))
    assert torch.equal(none, photo)
    assert 0.05 < (half - photo).abs().mean() < 0.7 * (full - photo).abs().mean()


def test_color_keeps_the_photos_forms():
    photo = disc_photo(40, 48)
    target = style_target(photo, sea(), 24, mode="color")
    assert target.touch is None and target.tangents is None
    grey, before = target.picture.mean(0).flatten(), photo.mean(0).flatten()
    assert torch.corrcoef(torch.stack([grey, before]))[0, 1].abs() > 0.5


def test_same_strokes_however_often_it_was_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("neuralpaint.search.runner._REPORT_SECONDS", 0.0)
    monkeypatch.setattr("neuralpaint.search.runner._CHECKPOINT_SECONDS", 0.0)
    expected = saved(painted(), tmp_path)

    class Stopped(Exception):
        pass

    def stop(progress):
        if progress.step == 2:
            raise Stopped

    for _ in range(2):
        with pytest.raises(Stopped):
            painted(callback=stop, checkpoint=tmp_path / "state", resume=True)
    assert saved(painted(checkpoint=tmp_path / "state", resume=True), tmp_path) == expected


def test_a_stylized_photo_has_the_detail_of_the_photo():
    photo, stylized = disc_photo(40, 48), stripes(48)[:, :40]
    guide = stylized_guide(photo, stylized)
    assert torch.equal(guide.detail, make_guide(photo).detail)
    assert guide.tangents[0].mean() < -0.8  # vertical, as the stripes are
    assert guide.touch.aspect > 2


def test_in_windows_too():
    preset = dataclasses.replace(QUICK, block_pixels=64)
    painting = paint_in_style(disc_photo(96, 96), sea(), "tape", 40, preset, steps=2, window=64)
    assert len(painting) == 40 and torch.isfinite(painting.strokes).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strength": 1.5}, "strength must be between 0 and 1"),
        ({"weight": -1.0}, "weight must be a finite number"),
        ({"steps": 0}, "steps must be from 1"),
        ({"mode": "shape"}, "mode must be one of"),
        ({"preset": BLOCKS}, "cannot paint in a style"),
        ({"resume": True}, "resume needs checkpoint"),
        ({"style_image": torch.full((3, 40, 40), 0.3)}, "style_image is a single colour"),
        ({"style_image": torch.rand(3, 1, 1)}, "style_image is 1x1 pixels: a style picture needs 32"),
        ({"features": "vgg19"}, "--download"),
    ],
)
def test_bad_arguments(change, message, tmp_path, monkeypatch):
    monkeypatch.setattr("neuralpaint.losses.features.vgg.find_weights", lambda: None)
    arguments = {"image": disc_photo(24, 24), "style_image": sea(), "strokes": 4, "preset": QUICK} | change
    with pytest.raises(ValueError, match=message):
        paint_in_style(**arguments)
