"""The block search: its grids and their strokes."""

import dataclasses

import pytest
import torch

from neuralpaint import get_brush, paint
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search import PRESETS, Preset, blocks
from neuralpaint.search.blocks import BlockSearch, block_grid, plan
from neuralpaint.search.problem import Problem
from tests.search.photos import BLOCKS, disc_photo, stripes


def problem(preset=BLOCKS, photo=None, name="tape", count=20, seed=0):
    photo = disc_photo() if photo is None else photo
    return Problem.of(photo, get_brush(name), count, preset, (1.0, 1.0, 1.0), ExactRenderer(), seed)


@pytest.mark.parametrize("aspect", [(1.0, 1.0), (1.0, 1.5), (4.0, 1.0), (1.0, 64.0), (1.0, 1.001)], ids=str)
@pytest.mark.parametrize("divide", [1, 2, 3, 5])
def test_blocks_cover_the_canvas_and_stay_on_it(aspect, divide):
    corners, side = block_grid(aspect, divide)
    far = corners + side
    assert corners.min() >= 0
    assert far[:, 0].max() == pytest.approx(max(aspect[1], side)) and far[:, 1].max() == pytest.approx(
        max(aspect[0], 1)
    )
    for axis in (0, 1):
        starts = corners[:, axis].unique()
        if len(starts) > 1:
            # Neighbours leave no gap, and overlap wherever there is more than one.
            assert (starts[1:] - starts[:-1]).max() <= side + 1e-5
            assert divide == 1 or (starts[1:] - starts[:-1]).max() < side


def test_the_papers_grids_hold_the_same_strokes_in_each_block():
    grids = plan(problem(PRESETS["paper"], count=550))
    assert [len(grid.corners) for grid in grids] == [1, 4, 9, 16, 25]
    assert [grid.strokes for grid in grids] == [10] * 5 and all(grid.extra == 0 for grid in grids)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 13, 14, 54, 55, 56, 79, 80, 81, 1000])
@pytest.mark.parametrize("shape", [(8, 8), (8, 20), (64, 2)], ids=str)
def test_grids_add_up(count, shape):
    grids = plan(problem(PRESETS["paper"], torch.rand(3, *shape), count=count))
    assert sum(len(grid.corners) * grid.strokes + grid.extra for grid in grids) == count
    assert all(0 <= grid.extra < len(grid.corners) for grid in grids)


def test_left_over_strokes_go_where_the_error_is():
    """One detail in a corner of a plain photo of the ground's colour: the only stroke of the four blocks goes there."""
    photo = torch.ones(3, 48, 48)
    photo[:, 30:42, 30:42] = torch.tensor([0.1, 0.2, 0.6]).view(3, 1, 1)
    preset = Preset("b", method="blocks", stages=2, steps=12, block_pixels=32, learning_rate=0.01, l1=1, l2=0)
    task = BlockSearch(problem(preset, photo, count=6))  # 1 + 4 + 1 left over
    assert task.grids[-1].extra == 1
    while not task.finished:
        task.step()
    x, y = task.strokes[-1, :2]
    assert 0.5 < x < 0.95 and 0.5 < y < 0.95


def test_each_grid_comes_closer_and_leaves_the_strokes_below_alone():
    preset = Preset("b", method="blocks", stages=3, steps=16, block_pixels=32, learning_rate=0.01, l1=1, l2=0)
    photo, task = disc_photo(64, 64), BlockSearch(problem(preset, disc_photo(64, 64), count=56))
    errors, below = [], task.strokes
    while not task.finished:
        task.step()
        if len(task.strokes) > len(below):
            assert torch.equal(task.strokes[: len(below)], below)
            below = task.strokes.clone()
            errors.append(float((task.problem.draw(below, 64) - photo).square().mean()))
    assert len(errors) == 3 and errors[0] > 1.3 * errors[1] > 1.3 * 1.3 * errors[2]


def test_steps_are_as_many_as_promised():
    task = BlockSearch(problem(count=17))
    for done in range(task.step_count):
        assert not task.finished and task.steps_done == done
        task.step()
    assert task.finished and task.steps_done == task.step_count and task.work()[0] == task.work()[1]


@pytest.mark.parametrize("photo", [disc_photo(32, 48), stripes(32)], ids=["disc", "stripes"])
def test_the_papers_preset_paints(photo):
    small = dataclasses.replace(PRESETS["paper"], stages=4, steps=10, block_pixels=32)
    assert paint(photo, "oil", 100, small).psnr(photo, 32) > 16


def test_many_blocks_go_in_batches(monkeypatch):
    """The same number of strokes as in one batch, ordered by grid, and a visually equal painting."""
    photo = stripes(48)
    preset = Preset("b", method="blocks", stages=6, steps=5, block_pixels=24, learning_rate=0.01, l1=1, l2=0)
    whole = paint(photo, "tape", 200, preset)
    monkeypatch.setattr(blocks, "TOGETHER", 5)
    monkeypatch.setattr(blocks, "_ROWS", 0)  # below is drawn block by block
    grids = plan(problem(preset, photo, count=200))
    assert max(len(grid.corners) for grid in grids) <= 5
    assert sum(len(grid.corners) * grid.strokes + grid.extra for grid in grids) == 200
    assert [grid.number for grid in grids] == sorted(grid.number for grid in grids) and grids[-1].number == 6
    parts = paint(photo, "tape", 200, preset)
    assert len(parts) == 200 and abs(parts.psnr(photo, 48) - whole.psnr(photo, 48)) < 1.5
    search = BlockSearch(problem(preset, photo, count=200))
    while not search.finished:
        kept = search.state_dict()
        if search.grid == len(grids) - 1 and search.done:  # in the last batch, an extra stroke chosen
            other = BlockSearch(problem(preset, photo, count=200))
            other.load_state_dict(kept)
            other.step()
        search.step()
        if search.grid == len(grids) - 1 and search.done > 1:
            assert torch.equal(other._parameters, search._parameters)
    assert torch.equal(search.strokes, parts.strokes)


def test_what_blocks_have_below_them(monkeypatch):
    """Drawing each block with only the nearby strokes gives the same as drawing all strokes."""
    task = BlockSearch(problem(name="oil", count=60))
    task.strokes = get_brush("oil").sample(300, generator=torch.Generator().manual_seed(0))
    corners, side = block_grid((1.0, 1.0), 5)
    at_once = task._below(corners, side)
    monkeypatch.setattr(blocks, "_ROWS", 0)
    torch.testing.assert_close(task._below(corners, side), at_once, rtol=0, atol=1e-6)


def test_finer_grids_than_the_view_still_show_the_photo(monkeypatch):
    photo = stripes(64)
    task = problem(Preset("b", method="blocks", stages=8, block_pixels=16), photo, count=300)
    full = BlockSearch(task)
    full._start(full.grids[-1], torch.zeros(len(full.grids[-1].corners), 1, task.brush.num_parameters))
    monkeypatch.setattr(blocks, "LARGEST_VIEW", 64)
    small = BlockSearch(task)
    small._start(small.grids[-1], torch.zeros(len(small.grids[-1].corners), 1, task.brush.num_parameters))
    assert (small._targets - full._targets).abs().mean() < 0.05


def test_transport_changes_the_search():
    photo, more = disc_photo(), {"method": "blocks", "stages": 2, "steps": 8, "block_pixels": 32, "learning_rate": 0.01}
    strokes = [paint(photo, "tape", 5, Preset("b", l1=1, l2=0, transport=w, **more)).strokes for w in (0.0, 0.1)]
    assert not torch.equal(*strokes)
