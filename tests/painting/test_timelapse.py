"""The frames of a time-lapse."""

import numpy as np
import pytest
import torch

from neuralpaint.brushes import get_brush
from neuralpaint.painting.exporters import VideoSettings
from neuralpaint.painting.painting import Painting
from neuralpaint.painting.timelapse import frame_count, schedule, time_lapse

BRUSHES = ["oil", "watercolor", "marker", "tape", "pixel", "round", "flat"]


def painting_of(brush, count=12, size=48, aspect=(1.0, 1.3)):
    brush = get_brush(brush)
    return Painting(brush.sample(count, torch.Generator().manual_seed(1)), brush, aspect, "#203040", size)


@pytest.mark.parametrize("speed", ["ease", "strokes"])
@pytest.mark.parametrize("brush", BRUSHES)
def test_from_the_bare_canvas_to_the_painting(brush, speed):
    painting = painting_of(brush)
    settings = VideoSettings(seconds=1, fps=20, speed=speed)
    frames = [frame.pixels.copy() for frame in time_lapse(painting, settings)]
    assert len(frames) == frame_count(settings) == 20
    assert (frames[0] == np.array([0x20, 0x30, 0x40], np.uint8)).all()
    np.testing.assert_array_equal(frames[-1], np.asarray(painting.render()))


@pytest.mark.parametrize("brush", BRUSHES)
def test_strokes_drawn_one_by_one_are_those_of_the_painting(brush, monkeypatch):
    """Without the last frame, which is rendered as a whole: the canvas that was drawn bit by bit is the same."""
    painting = painting_of(brush)
    monkeypatch.setattr(Painting, "bands", lambda self: iter(()))
    *_, last = time_lapse(painting, VideoSettings(seconds=1, fps=10))
    assert np.abs(last.pixels.astype(int) - np.asarray(painting.render())).max() <= 1


@pytest.mark.parametrize("brush", BRUSHES)
def test_nothing_changes_outside_of_the_box(brush):
    before = None
    changes = 0
    for frame in time_lapse(painting_of(brush), VideoSettings(seconds=1, fps=20)):
        if before is not None:
            inside = np.zeros(before.shape[:2], bool)
            if frame.box is not None:
                x0, y0, x1, y1 = frame.box
                inside[y0:y1, x0:x1] = True
            changed = (frame.pixels != before).any(-1)
            assert not (changed & ~inside).any()
            changes += changed.any()
        before = frame.pixels.copy()
    assert changes > 10


@pytest.mark.parametrize(
    "brush, shape",
    [
        ("tape", [0.5, 0.5, 1.6, 0.6, 0.0]),
        ("round", [0.1, 0.5, 0.9, 0.5, 0.6]),
        ("flat", [0.1, 0.5, 0.5, 0.5, 0.9, 0.5, 0.6]),
        ("watercolor", [0.1, 0.5, 0.5, 0.5, 0.9, 0.5, 0.6, 0.4]),
        ("marker", [0.1, 0.5, 0.5, 0.5, 0.9, 0.5, 0.6, 0.0]),
    ],
)
def test_a_stroke_grows_along_its_length(brush, shape):
    """From one end to the other: at each time columns near the start are done, and those near the end are bare."""
    brush = get_brush(brush)
    stroke = torch.tensor([[*shape, *[0.0] * (brush.num_parameters - len(shape) - 1), 1.0]])
    painting = Painting(stroke, brush, background="white", size=64)
    row = [255 - frame.pixels[32, :, 0].astype(int) for frame in time_lapse(painting, VideoSettings(seconds=1, fps=12))]
    covered = [int((paint > 100).sum()) for paint in row]
    assert covered[0] == 0 and covered == sorted(covered) and len(set(covered)) > 6
    half = row[len(row) // 2] / np.maximum(row[-1], 1)
    painted = np.flatnonzero(row[-1] > 100)
    first, last = half[painted[: len(painted) // 5]].mean(), half[painted[-len(painted) // 5 :]].mean()
    assert first > 0.9 and last < 0.1


def test_frames_are_deterministic():
    settings = VideoSettings(seconds=0.5, fps=20)
    first, second = ([frame.pixels.copy() for frame in time_lapse(painting_of("oil"), settings)] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_schedule():
    painting = painting_of("tape", 200)
    for speed in ("ease", "strokes"):
        starts, ends = schedule(painting, VideoSettings(seconds=5, speed=speed))
        assert starts[0] == 0 and (np.diff(starts) > 0).all() and (ends > starts).all() and ends.max() <= 5 + 1e-9
        # Few strokes are drawn at the same time.
        assert max(int(((starts < t) & (ends > t)).sum()) for t in np.linspace(0, 5, 100)) <= 17
    even = np.diff(starts)
    np.testing.assert_allclose(even, 5 / 200)
    bounds = painting.brush.bounds(painting.strokes)
    size = (bounds[:, 2:] - bounds[:, :2]).norm(dim=1).numpy()
    eased = np.diff(np.append(schedule(painting, VideoSettings(seconds=5))[0], 5.0))
    assert eased[size.argmax()] > 2 * eased[size.argmin()]


@pytest.mark.parametrize("count, seconds, fps", [(0, 0.2, 10), (1, 0.01, 1), (3, 0.1, 10), (600, 0.2, 10)])
def test_few_frames_and_few_strokes(count, seconds, fps):
    painting = painting_of("tape", count, size=9)
    *_, last = time_lapse(painting, VideoSettings(seconds=seconds, fps=fps))
    np.testing.assert_array_equal(last.pixels, np.asarray(painting.render()))


def test_odd_sides_are_extended():
    painting = painting_of("oil", 5, size=15, aspect=(1.0, 1.4))
    *_, last = time_lapse(painting, VideoSettings(seconds=0.2, fps=10), even=True)
    assert last.pixels.shape == (16, 22, 3)
    np.testing.assert_array_equal(last.pixels[:15, :21], np.asarray(painting.render()))


def test_an_engines_strokes_are_refused():
    from neuralpaint.brushes.engine import engine_brush

    brush = engine_brush("mine", "box", ("xc", "yc", "w", "h", "theta", "r", "g", "b", "a"))
    with pytest.raises(ValueError, match="drawn by an engine"):
        time_lapse(Painting(torch.rand(3, 9), brush))


@pytest.mark.parametrize("brush", ["watercolor", "marker"])
def test_the_way_along_a_curve(brush):
    """It rises along the curve, from its one end to the other, and is the nearest point's beside it."""
    brush = get_brush(brush)
    stroke = torch.zeros(1, brush.num_parameters)
    stroke[0, :8] = torch.tensor([0.1, 0.2, 0.9, 0.1, 0.9, 0.8, 0.2, 0.2])
    t = torch.linspace(0, 1, 21)
    b1 = 2 * torch.tensor([0.8 * 0.9, 0.6 * 0.1])
    points = torch.tensor([0.1, 0.2]) + t[:, None] * (b1 + t[:, None] * (torch.tensor([0.8, 0.6]) - b1))
    way = brush.along(stroke, points[None, :, 0], points[None, :, 1])[0]
    assert (way.diff() > 0).all() and way[0] < 0.06 and way[-1] > 0.94
    torch.testing.assert_close(way.diff(), torch.full((20,), float(way.diff().mean())), atol=2e-3, rtol=0)
    normal = torch.tensor([-0.6, 0.8])  # of the chord, and so of the curve in its middle
    beside = brush.along(stroke, points[None, 10:11, 0] + 0.02 * normal[0], points[None, 10:11, 1] + 0.02 * normal[1])
    assert abs(float(beside) - float(way[10])) < 0.03
