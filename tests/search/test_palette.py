"""Searches with a palette: only its colours, and better than changing the colours afterwards."""

import dataclasses
import importlib

import pytest
import torch

from neuralpaint import Painting, get_brush, paint
from neuralpaint.images.palette import Palette
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search import Preset
from neuralpaint.search.joint import JointSearch
from neuralpaint.search.optim.colors import ColorChoice, snap
from neuralpaint.search.problem import Problem
from tests.search.photos import BLOCKS, JOINT, disc_photo, waves

PRESET = Preset("small", stages=3, rounds=1, steps=30, reseeds=1, refine=30, block_pixels=20)
COLORS = Palette(("#203040", "#e8a030", "#80a0b0", "#c0c8a0", "#604830", "#f0f0f0"))


def ends(painting):
    """`[N, 1 or 2, 3]`: the colours of each stroke."""
    return torch.stack([painting.strokes[:, part] for part in painting.brush.colors], 1)


def of_palette(painting, palette=COLORS):
    distance = (ends(painting)[:, :, None] - torch.tensor(palette.colors)).abs().amax(-1)
    return bool((distance.amin(-1) < 1e-6).all())


@pytest.mark.parametrize(("name", "opaque"), [("oil", False), ("oil", True), ("tape", False), ("marker", True)])
def test_the_search_beats_changing_colours_afterwards(name, opaque):
    photo = disc_photo(64, 64)
    free = paint(photo, name, 30, PRESET)
    changed = snap(free.strokes, free.brush, COLORS, opaque)
    after = Painting(changed, free.brush, free.aspect, free.background, free.size)
    within = paint(photo, name, 30, PRESET, palette=COLORS, opaque=opaque)
    assert of_palette(within) and of_palette(after)
    assert within.psnr(photo, 64) > after.psnr(photo, 64) + 0.3
    if opaque:
        assert (within.strokes[:, within.brush.opacity] == 1).all()
        assert (ends(within) == ends(within)[:, :1]).all()
    assert within.brush == get_brush(name)


def test_the_palette_is_in_the_file(tmp_path):
    photo = disc_photo()
    painting = paint(photo, "tape", 12, JOINT, palette=5, opaque=True)
    painting.save(tmp_path / "p.safetensors")
    metadata = Painting.load(tmp_path / "p.safetensors").metadata
    palette = Palette.from_json(metadata["palette"])
    assert metadata["opaque"] is True and len(palette) == 5 and of_palette(painting, palette)
    assert "palette" not in paint(photo, "tape", 3, JOINT).metadata


def test_changes_of_colour_never_raise_the_error():
    photo, brush = waves(48, 3), get_brush("oil")
    problem = Problem.of(photo, brush, 60, JOINT, (1.0, 1.0, 1.0), ExactRenderer(), 0)
    strokes = snap(brush.sample(60, torch.Generator().manual_seed(4)), brush, COLORS, False)
    moving = torch.arange(60) % 3 > 0
    choice = ColorChoice(problem, COLORS, 48, moving.float())

    def error(changed):
        return float((problem.draw(changed, 48) - photo).square().sum())

    errors = [error(strokes)]
    first = strokes
    for turn in range(3):
        strokes = choice.improve(strokes, 1.0, turn)
        errors.append(error(strokes))
    assert errors[1] < 0.98 * errors[0] and errors == sorted(errors, reverse=True)
    assert torch.equal(strokes[~moving], first[~moving])
    assert torch.equal(strokes[:, brush.shape], first[:, brush.shape])


@pytest.mark.parametrize("name", ["oil", "marker"])
def test_handed_on_after_every_step_it_ends_the_same(name, monkeypatch):
    monkeypatch.setattr("neuralpaint.search.optim.descent._CHOOSE_EVERY", 3)
    brush = get_brush(name)
    small = dataclasses.replace(JOINT, steps=6, refine=6)
    problem = Problem.of(disc_photo(), brush, 9, small, (1.0, 1.0, 1.0), ExactRenderer(), 0)

    def begin():
        return JointSearch(dataclasses.replace(problem, palette=COLORS))

    whole, parts = begin(), begin()
    while not whole.finished:
        whole.step()
        parts.step()
        handed, parts = parts, begin()
        parts.load_state_dict(handed.state_dict())
    assert parts.finished and torch.equal(whole.strokes, parts.strokes)


def test_windows_keep_to_the_palette():
    preset = Preset("windows", stages=2, rounds=1, steps=2, refine=2, block_pixels=6)
    painting = paint(waves(96, 1), "tape", 4000, preset, window=1, palette=COLORS)
    assert "window" in painting.metadata and of_palette(painting)


def test_a_checkpoint_belongs_to_one_palette(tmp_path):
    arguments = (disc_photo(), "tape", 4, JOINT)
    painting = paint(*arguments, checkpoint=tmp_path, palette=3)
    again = paint(*arguments, checkpoint=tmp_path, palette=3, resume=True)
    assert torch.equal(painting.strokes, again.strokes)
    for other in ({"palette": 4}, {"palette": 3, "opaque": True}, {}):
        with pytest.raises(ValueError, match="other settings|search checkpoint|start again"):
            paint(*arguments, checkpoint=tmp_path, resume=True, **other)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"palette": 0}, "from 1 to 256"),
        ({"palette": "zon"}, "zorn"),
        ({"opaque": True}, "opaque needs a palette"),
        ({"palette": 4, "opaque": 1}, "True or False"),
        ({"palette": 4, "preset": BLOCKS}, "palette does not go with preset"),
    ],
)
def test_says_what_does_not_go(wrong, words):
    with pytest.raises(ValueError, match=words):
        importlib.import_module("neuralpaint").paint(disc_photo(), strokes=3, **wrong)
