"""`paint`: arguments, results, determinism."""

import dataclasses
import importlib
import math

import numpy as np
import pytest
import torch
from PIL import Image

import neuralpaint
from neuralpaint import Painting, Progress, get_brush, paint
from neuralpaint.brushes import TexturedBrush
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search import PRESETS, Preset
from tests.search.photos import BLOCKS, JOINT, METHODS, NAMES, disc_photo, saved, stripes

module = importlib.import_module("neuralpaint.search.paint")  # the package's `paint` is the function


@pytest.fixture
def every_step(monkeypatch):
    """Reports after every step."""
    monkeypatch.setattr("neuralpaint.search.runner._REPORT_SECONDS", 0.0)


def label(value):
    return value.name if isinstance(value, Preset) else str(value)


def quick(preset, **changes):
    return dataclasses.replace(preset, **{"steps": 2, "refine": 2, "block_pixels": 8} | changes)


# --- how many -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(24, 24), (24, 36), (12, 48), (320, 5)], ids=label)
@pytest.mark.parametrize("preset", METHODS, ids=label)
def test_paints_exactly_as_many_strokes_as_asked(preset, shape):
    photo = disc_photo(*shape)
    for count in (1, 2, 7, 55, 56, 100, 501):
        painting = paint(photo, "tape", count, quick(preset, stages=5, steps=1))
        assert len(painting) == count
        assert torch.isfinite(painting.strokes).all()


@pytest.mark.parametrize("name", PRESETS)
def test_named_presets_paint_exactly_as_many_strokes_as_asked(name):
    small = dataclasses.replace(PRESETS[name], steps=2, refine=min(2, PRESETS[name].refine), block_pixels=8)
    for count in (1, 3, 56, 101):
        assert len(paint(disc_photo(16, 24), "marker", count, small)) == count


@pytest.mark.parametrize("preset", METHODS, ids=label)
@pytest.mark.parametrize("shape", [(1, 1), (1, 64), (64, 1), (2, 3)], ids=label)
def test_photos_of_a_few_pixels(preset, shape):
    painting = paint(torch.full((3, *shape), 0.3), "oil", 6, quick(preset))
    assert len(painting) == 6 and painting.render().size == (shape[1], shape[0])


# --- how good -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", METHODS, ids=label)
@pytest.mark.parametrize("name", NAMES)
def test_every_brush_paints(name, preset):
    photo = disc_photo(40, 48)
    painting = paint(photo, name, 30, preset)
    ground = Painting(torch.zeros(0, painting.brush.num_parameters), name, painting.aspect)
    better = painting.psnr(photo, 40) - ground.psnr(photo, 40)
    assert better > (18 if preset is JOINT else 2)


@pytest.mark.parametrize("name", ["marker", "tape"])
@pytest.mark.parametrize("preset, counts, floor", [(JOINT, (4, 16, 64), 29), (BLOCKS, (14, 56, 140), 24)], ids=label)
def test_more_strokes_come_closer(preset, counts, floor, name):
    photo = disc_photo(64, 64)
    few, some, many = (paint(photo, name, count, preset).psnr(photo, 64) for count in counts)
    assert few + 2 < some < many - 2
    assert many > floor


def test_presets_that_work_longer_come_closer():
    photo = disc_photo(56, 56)  # on smaller ones either preset is at what 20 strokes can do
    fast, balanced = (
        [paint(photo, "tape", 20, name, seed=seed).psnr(photo, 56) for seed in range(3)]  # one alone may go either way
        for name in ("fast", "balanced")
    )
    assert min(fast) > 29 and sum(balanced) > sum(fast)


# --- the same every time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", METHODS, ids=label)
def test_same_seed_same_bytes_other_seed_other_strokes(preset, tmp_path):
    photo = disc_photo()
    first = saved(paint(photo, "oil", 20, preset, seed=3), tmp_path)
    torch.manual_seed(99)  # the global generator does not matter ...
    state = torch.get_rng_state()
    assert saved(paint(photo, "oil", 20, preset, seed=3), tmp_path) == first
    assert torch.equal(torch.get_rng_state(), state)  # ... and stays as it was
    assert not torch.equal(
        paint(photo, "oil", 20, preset, seed=4).strokes, paint(photo, "oil", 20, preset, seed=3).strokes
    )


@pytest.mark.parametrize("preset", METHODS, ids=label)
@pytest.mark.parametrize("name", ["oil", "watercolor"])
def test_threads_do_not_change_the_strokes(name, preset):
    photo, threads = disc_photo(40, 56), torch.get_num_threads()
    try:
        strokes = []
        for count in (1, 2):
            torch.set_num_threads(count)
            strokes.append(
                paint(photo, name, 24, dataclasses.replace(preset, steps=4, refine=4, block_pixels=40)).strokes
            )
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*strokes)


def test_path_picture_array_and_tensor_are_the_same_photo(tmp_path):
    pixels = (disc_photo(24, 32) * 255).round().byte()
    picture = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    picture.save(tmp_path / "photo.png")
    preset = quick(JOINT)
    strokes = [
        paint(photo, "tape", 6, preset).strokes
        for photo in (tmp_path / "photo.png", str(tmp_path / "photo.png"), picture, np.asarray(picture), pixels / 255)
    ]
    assert all(torch.equal(other, strokes[0]) for other in strokes[1:])


@pytest.mark.parametrize("preset", METHODS, ids=label)
@pytest.mark.parametrize("without_gradients", [torch.no_grad, torch.inference_mode])
def test_paints_the_same_where_gradients_are_off(preset, without_gradients):
    photo = disc_photo(24, 24)
    expected = paint(photo, "tape", 5, quick(preset)).strokes
    with without_gradients():
        assert torch.equal(paint(photo, "tape", 5, quick(preset)).strokes, expected)


@pytest.mark.parametrize("preset", METHODS, ids=label)
def test_paints_the_same_where_floats_are_double(preset):
    photo = disc_photo(24, 24)
    expected = paint(photo, "tape", 5, quick(preset)).strokes
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(paint(photo, "tape", 5, quick(preset)).strokes, expected)
    finally:
        torch.set_default_dtype(torch.float32)


# --- what strokes may be --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", METHODS, ids=label)
@pytest.mark.parametrize("name", NAMES)
def test_strokes_are_in_range_and_held_parameters_hold(name, preset):
    brush = get_brush(name)
    strokes = paint(stripes(), brush, 40, dataclasses.replace(preset, learning_rate=0.1)).strokes
    assert (
        strokes.shape == (40, brush.num_parameters) and strokes.dtype == torch.float32 and strokes.device.type == "cpu"
    )
    assert torch.isfinite(strokes).all()
    free = [i for i in range(brush.num_parameters) if i not in brush.positions + brush.sizes]
    assert strokes[:, free].min() >= 0 and strokes[:, free].max() <= 1
    assert strokes[:, list(brush.positions)].min() >= -0.2 and strokes[:, list(brush.positions)].max() <= 1.2
    assert strokes[:, list(brush.sizes)].min() > 0
    for index, value in brush.held:
        assert (strokes[:, index] == value).all()


def test_oil_is_opaque_and_pixels_stand_upright():
    assert get_brush("oil").held == ((11, 1.0),) and get_brush("pixel").held == ((4, 0.0), (8, 1.0))


def test_strokes_of_a_wide_photo_reach_its_end():
    photo = stripes(32).repeat(1, 1, 3)
    painting = paint(photo, "tape", 30, JOINT)
    x = painting.strokes[:, 0]
    assert painting.aspect == (1.0, 3.0) and x.max() > 2.5 and x.min() < 0.5 and x.max() <= 3


# --- what a caller can ask ------------------------------------------------------------------------------------------


def test_painting_carries_size_ground_and_how_it_was_made():
    painting = paint(disc_photo(24, 36), "tape", 3, quick(JOINT), seed=5, background="#000000", size=100)
    assert painting.pixels() == (100, 150) and painting.background == (0, 0, 0)
    assert painting.metadata["preset"] == JOINT.name and painting.metadata["seed"] == 5
    assert sum(painting.metadata["levels"]) == len(painting) and len(painting.metadata["levels"]) > 1
    assert paint(disc_photo(24, 36), "tape", 3, quick(JOINT)).size == 24


@pytest.mark.parametrize("preset", METHODS, ids=label)
def test_the_ground_is_seen_by_the_search(preset):
    """On a ground of the photo's own colour, strokes have nothing left to do."""
    photo = torch.tensor([0.2, 0.4, 0.6]).view(3, 1, 1).expand(3, 32, 32)
    painting = paint(photo, "tape", 5, preset, background=(0.2, 0.4, 0.6))
    assert painting.psnr(photo, 32) > 40


@pytest.mark.parametrize("preset", METHODS, ids=label)
def test_a_renderer_of_ones_own_is_used(preset):
    class Own:
        """An exact renderer that counts its calls."""

        calls = 0

        def render(self, canvas, strokes, brush, **where):
            self.calls += 1
            return ExactRenderer().render(canvas, strokes, brush, **where)

    photo, own, events = disc_photo(), Own(), []
    painting = paint(photo, "marker", 16, preset, renderer=own, callback=events.append)
    assert own.calls >= events[-1].steps
    assert painting.psnr(photo, 48) == pytest.approx(paint(photo, "marker", 16, preset).psnr(photo, 48), abs=3)


@pytest.mark.parametrize("preset", METHODS, ids=label)
def test_a_renderer_derived_from_the_exact_one_is_used(preset):
    class Mirrored(ExactRenderer):
        def render(self, canvas, strokes, brush, **where):
            return super().render(canvas, strokes, brush, **where).flip(1)

    photo = torch.tensor([0.9, 0.5, 0.1]).view(3, 1, 1).expand(3, 32, 32)
    painting = paint(photo, "tape", 6, preset, background="black", renderer=Mirrored())
    exact = paint(photo, "tape", 6, preset, background="black")
    assert not torch.allclose(painting.strokes[:, 5:8], exact.strokes[:, 5:8], atol=0.02)


def test_a_texture_of_ones_own_paints():
    dab = np.zeros((32, 64), dtype=np.uint8)
    dab[8:24, 4:60] = 255
    painting = paint(disc_photo(), TexturedBrush.from_image(dab, name="dab"), 12, JOINT)
    assert painting.brush.name == "dab" and painting.psnr(disc_photo(), 48) > 15


# --- reports --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", METHODS, ids=label)
def test_reports_go_steadily_from_start_to_end(preset, every_step):
    events = []
    paint(disc_photo(), "tape", 20, preset, callback=events.append)
    assert all(isinstance(event, Progress) for event in events)
    steps = [event.step for event in events]
    assert steps == list(range(1, events[0].steps + 1)) and {event.steps for event in events} == {steps[-1]}
    assert [event.strokes for event in events] == sorted(event.strokes for event in events)
    assert events[-1].strokes == 20
    assert [event.seconds for event in events] == sorted(event.seconds for event in events)
    assert all(math.isfinite(event.remaining) and event.remaining >= 0 for event in events)
    assert all(math.isfinite(event.psnr) for event in events)
    assert events[-1].remaining == pytest.approx(0, abs=1e-6)
    assert events[-1].psnr > events[0].psnr + 1
    stages = [event.stage for event in events]
    assert len(set(stages)) > 1 and all(stages)
    assert len(set(stages)) == 1 + sum(a != b for a, b in zip(stages, stages[1:], strict=False))  # none comes back


def test_a_callback_is_told_of_the_end_however_short_the_search():
    events = []
    paint(disc_photo(16, 16), "tape", 1, quick(JOINT), callback=events.append)
    assert events and events[-1].step == events[-1].steps


@pytest.mark.parametrize("preset", METHODS, ids=label)
def test_an_exception_from_the_callback_ends_the_search(preset, every_step):
    class Enough(Exception):
        pass

    steps = []

    def callback(event):
        steps.append(event.step)
        if event.step == 3:
            raise Enough

    with pytest.raises(Enough):
        paint(disc_photo(), "tape", 20, preset, callback=callback)
    assert steps == [1, 2, 3]


@pytest.mark.parametrize("preset", METHODS, ids=label)
def test_a_progress_bar_changes_nothing_and_leaves_standard_output_alone(preset, capsys):
    photo = disc_photo()
    plain = paint(photo, "tape", 6, quick(preset)).strokes
    assert torch.equal(paint(photo, "tape", 6, quick(preset), progress=True).strokes, plain)
    assert capsys.readouterr().out == ""


# --- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"strokes": 0}, ValueError, "strokes must be from 1"),
        ({"strokes": -1}, ValueError, "strokes must be from 1"),
        ({"strokes": 10**9}, ValueError, "strokes must be from 1 to 1,000,000, got 1000000000"),
        ({"strokes": 1.5}, TypeError, "strokes must be a whole number"),
        ({"strokes": True}, TypeError, "strokes must be a whole number"),
        ({"strokes": "many"}, TypeError, "strokes must be a whole number"),
        ({"seed": -1}, ValueError, "seed must be from 0"),
        ({"seed": 2**63}, ValueError, "seed must be from 0"),
        ({"seed": None}, TypeError, "seed must be a whole number"),
        ({"brush": "oyl"}, ValueError, "unknown brush 'oyl' .did you mean 'oil'.*choose from oil, filbert"),
        ({"brush": 3}, TypeError, "brush must be a name or a Brush"),
        ({"preset": "fats"}, ValueError, "unknown preset 'fats' .did you mean 'fast'.*choose from fast, balanced"),
        ({"preset": 3}, TypeError, "preset must be a name or a Preset"),
        ({"renderer": "exakt"}, ValueError, "unknown renderer 'exakt' .did you mean 'exact'"),
        ({"renderer": 3}, TypeError, "renderer must be a name or have a render method"),
        ({"device": "tpu"}, ValueError, "device.*tpu"),
        ({"device": "meta"}, ValueError, "device.*meta"),
        ({"canvas": "blurple"}, ValueError, "blurple"),
        ({"canvas": (2, 0, 0)}, ValueError, "canvas|color|colour"),
        ({"size": 0}, ValueError, "size must be from 1"),
        ({"size": 10.0}, TypeError, "size must be a whole number"),
        ({"resume": True}, ValueError, "resume needs checkpoint"),
        ({"image": "no such photo.jpg"}, ValueError, "no such photo.jpg"),
        ({"image": torch.zeros(3, 1, 100)}, ValueError, "100x1"),
    ],
    ids=str,
)
def test_mistakes_are_told_before_any_work(arguments, error, message, monkeypatch):
    monkeypatch.setattr(module, "run_search", lambda *_: pytest.fail("the search began"))
    with pytest.raises(error, match=message):
        paint(**({"image": disc_photo(), "brush": "tape", "strokes": 5} | arguments))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_is_told():
    with pytest.raises(ValueError, match="device .cuda.*cpu"):
        paint(disc_photo(), "tape", 5, device="cuda")


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "magic"},
        {"stages": 0},
        {"steps": 0},
        {"rounds": 0},
        {"block_pixels": 0},
        {"refine": -1},
        {"reseeds": -1},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"softness": 0.0},
        {"l2": -1.0},
        {"transport": math.inf},
        {"prefix": -0.1},
    ],
    ids=label,
)
def test_presets_that_cannot_work(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        Preset("mine", **changes)


def test_the_public_name_is_this_function():
    assert neuralpaint.paint is module.paint
