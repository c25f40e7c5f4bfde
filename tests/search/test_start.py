"""`paint(start=…)`: going on from strokes; pausing at a step."""

import dataclasses

import pytest
import torch

from neuralpaint import paint
from neuralpaint.search import SearchPaused
from neuralpaint.search.joint import plan_from
from tests.search.photos import JOINT, disc_photo

QUICK = dataclasses.replace(JOINT, steps=4, refine=4, block_pixels=12)


@pytest.fixture
def every_step(monkeypatch):
    """Reports after every step."""
    monkeypatch.setattr("neuralpaint.search.runner._REPORT_SECONDS", 0.0)


@pytest.fixture(scope="module")
def sketch():
    return paint(disc_photo(), strokes=12, preset=QUICK, detail=None)


def test_a_search_goes_on_from_strokes(sketch):
    more = paint(disc_photo(), strokes=30, preset=QUICK, detail=None, start=sketch)
    assert len(more) == 30 and sum(more.metadata["levels"]) == 30
    assert more.psnr(disc_photo()) > sketch.psnr(disc_photo())


def test_fewer_strokes_than_there_are_keep_the_most_visible_ones(sketch):
    fewer = paint(disc_photo(), strokes=5, preset=QUICK, detail=None, start=sketch)
    assert len(fewer) == 5


def test_levels_that_are_there_are_left_out():
    @dataclasses.dataclass(frozen=True)
    class Phase:
        add: int

    assert [phase.add for phase in plan_from([Phase(3), Phase(4), Phase(5), Phase(0)], 5)] == [2, 5, 0]
    assert [phase.add for phase in plan_from([Phase(3), Phase(0), Phase(5)], 9)] == [0]


def test_a_search_from_strokes_resumes_bit_for_bit(sketch, tmp_path, every_step):
    arguments = {"strokes": 30, "preset": QUICK, "detail": None, "start": sketch}
    whole = paint(disc_photo(), **arguments)
    steps = 0

    def pause(progress):
        nonlocal steps
        steps += 1
        assert progress.found.shape == (progress.strokes, sketch.brush.num_parameters)
        if steps == 6:
            raise SearchPaused

    with pytest.raises(SearchPaused):
        paint(disc_photo(), **arguments, checkpoint=tmp_path, callback=pause)
    at = []
    resumed = paint(disc_photo(), **arguments, checkpoint=tmp_path, resume=True, callback=lambda p: at.append(p.step))
    assert at[0] == 7  # nothing is done twice
    assert torch.equal(resumed.strokes, whole.strokes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"brush": "marker"}, "start has strokes of the brush"),
        ({"preset": "paper"}, "preset 'paper'"),
        ({"start": "strokes"}, "start must be a Painting"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(sketch, changes, message):
    with pytest.raises(ValueError, match=message):
        paint(disc_photo(), **({"strokes": 30, "preset": QUICK, "start": sketch} | changes))


def test_a_start_of_another_aspect_is_refused(sketch):
    with pytest.raises(ValueError, match="another aspect"):
        paint(torch.rand(3, 24, 48), strokes=30, preset=QUICK, start=sketch)
