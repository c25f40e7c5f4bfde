"""The joint search: better than the block search, and without visible blocks."""

import dataclasses

import pytest
import torch

from neuralpaint import get_brush, paint
from neuralpaint.guides.guide import Guide
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search import Preset
from neuralpaint.search.joint import JointSearch
from neuralpaint.search.problem import Problem
from tests.search.photos import JOINT, NAMES, disc_photo, stripes, waves


def search(preset=JOINT, photo=None, name="tape", count=20, seed=0):
    photo = disc_photo() if photo is None else photo
    return JointSearch(Problem.of(photo, get_brush(name), count, preset, (1.0, 1.0, 1.0), ExactRenderer(), seed))


@pytest.mark.parametrize("name", ["oil", "marker", "tape"])
def test_moving_all_strokes_together_beats_blocks_alone(name):
    photo = disc_photo(64, 64)
    blocks = Preset("b", method="blocks", stages=4, steps=20, block_pixels=32, learning_rate=0.01, l1=1, l2=0)
    joint = Preset("j", stages=4, steps=40, refine=40, block_pixels=24)
    alone, together = (paint(photo, name, 60, preset).psnr(photo, 64) for preset in (blocks, joint))
    assert together > alone + 0.8


@pytest.mark.parametrize("name", NAMES)
def test_the_last_refinement_improves(name):
    photo = disc_photo(64, 64)
    rough = Preset("rough", stages=3, steps=16, refine=0, block_pixels=24)
    fine = dataclasses.replace(rough, refine=60)
    psnr = [paint(photo, name, 30, preset).psnr(photo, 64) for preset in (rough, fine)]
    assert psnr[1] > psnr[0] + 0.5


def test_the_last_steps_see_the_photos_own_resolution():
    photo = waves(96, 96)
    coarse = Preset("coarse", stages=2, rounds=1, steps=16, refine=50, block_pixels=8)
    sharp = dataclasses.replace(coarse, refine=20, polish=30)
    psnr = [paint(photo, "tape", 30, preset, detail=None).psnr(photo, 96) for preset in (coarse, sharp)]
    assert psnr[1] > psnr[0] + 0.1
    small, middle, large = (
        {phase.name: phase.size for phase in search(sharp, disc_photo(side, side)).phases} for side in (12, 24, 600)
    )
    assert "polish" not in small and middle["polish"] == 24
    assert large["polish"] == round(1.6 * large["refine"])


def test_reseeds_move_strokes_as_smaller_and_smaller_ones_of_one_level():
    made = search(dataclasses.replace(JOINT, reseeds=3), count=40)
    blocks = [phase.block for phase in made.phases if phase.move]
    assert blocks == sorted(blocks, reverse=True) and blocks[0] > 2 * blocks[-1]
    while not made.finished:
        made.step()
    assert sum(made.levels) == 40 and len(made.levels) == JOINT.stages + 1
    assert float(made.block[made.level == JOINT.stages].min()) < min(p.block for p in made.phases if p.add)


def seam(error, divisions=(2, 3, 4)):
    """The mean change of an error image within two pixels of the borders of 2×2, 3×3, 4×4 blocks, relative to
    elsewhere."""
    size = error.shape[-1]
    across = (error[:, :, 1:] - error[:, :, :-1]).abs().mean((0, 1))
    down = (error[:, 1:] - error[:, :-1]).abs().mean((0, 2))
    change = (across + down)[2:-2]  # ignore the border of the image
    borders = torch.tensor([k * size / m - 2.5 for m in divisions for k in range(1, m)])
    near = ((torch.arange(len(change))[:, None] + 0.5 - borders).abs() < 2).any(1)
    return change[near].sum(), near.sum(), change[~near].sum(), (~near).sum()


def seam_ratio(errors):
    inside, pixels, outside, others = (sum(parts) for parts in zip(*map(seam, errors), strict=True))
    return float(inside / pixels / (outside / others))


@pytest.mark.parametrize("name", ["oil", "tape"])
def test_no_block_borders_show(name):
    size, preset = 96, Preset("smooth", stages=3, steps=30, refine=30, block_pixels=24)
    errors, planted = [], []
    block = torch.arange(size) * 4 // size
    board = 0.02 * ((block[:, None] + block) % 2 - 0.5)
    for seed in range(6):
        photo = waves(size, seed)
        errors.append(paint(photo, name, 90, preset, seed=seed).render_tensor(size) - photo)
        planted.append(errors[-1] + board)
    assert seam_ratio(errors) == pytest.approx(1, abs=0.07)
    assert seam_ratio(planted) > 1.1  # blocks that differ by 2 % would be found


def test_reseeding_moves_strokes_and_keeps_their_number():
    task = search(dataclasses.replace(JOINT, reseeds=2, steps=8), stripes(), count=30)
    moved = 0
    while not task.finished:
        before, stage = task.strokes.clone(), task.stage
        task.step()
        if stage.startswith("reseed") and len(before) == 30 and not torch.allclose(before, task.strokes, atol=0.2):
            moved += 1
    assert len(task.strokes) == 30 and moved >= 2


def test_coarse_strokes_come_first_and_large():
    task = search(dataclasses.replace(JOINT, reseeds=0), count=60)
    while not task.finished:
        task.step()
    area = task.strokes[:, 2] * task.strokes[:, 3]
    assert area[:5].median() > 2 * area[-30:].median()


def test_steps_are_as_many_as_promised():
    task = search()
    for done in range(task.step_count):
        assert not task.finished and task.steps_done == done
        task.step()
    assert task.finished and task.steps_done == task.step_count and task.work()[0] == task.work()[1]


def test_colours_of_a_plain_photo_are_found_exactly():
    color = torch.tensor([0.8, 0.3, 0.1])
    photo = color.view(3, 1, 1).expand(3, 32, 32)
    painting = paint(photo, "pixel", 8, Preset("p", stages=2, steps=60, refine=60, block_pixels=16))
    assert painting.psnr(photo, 32) > 30


@pytest.mark.parametrize("name", ["tape", "oil", "watercolor"])
@pytest.mark.parametrize("weighted", [False, True])
def test_importance_is_what_the_loss_rises_by_without_a_stroke(name, weighted, monkeypatch):
    monkeypatch.setattr("neuralpaint.search.problem._PROBES", 3000)
    brush, photo = get_brush(name), waves(24, 1)
    problem = Problem.of(photo, brush, 8, JOINT, (1.0, 1.0, 1.0), ExactRenderer(), 0)
    if weighted:
        detail = 0.2 + 1.6 * torch.rand(24, 24, generator=torch.Generator().manual_seed(0))
        problem = dataclasses.replace(problem, guide=Guide(detail / detail.mean()))
    strokes = brush.sample(8, torch.Generator().manual_seed(4))

    def loss(shown):
        return problem.loss(shown, photo, problem.blank(24, 24), 24, 1.0, problem.weight(24, 24))[0]

    rises = torch.stack([loss(torch.cat([strokes[:k], strokes[k + 1 :]])) for k in range(8)]) - loss(strokes)
    assert rises.min() < 0 < rises.max()  # some are better gone
    torch.testing.assert_close(problem.importance(strokes, 24), rises, rtol=0.1, atol=0.1 * float(rises.abs().max()))


def test_a_hidden_stroke_is_moved_first():
    """It is large, and in the picture of its own colour; another hides it."""
    strokes = torch.tensor([[0.5, 0.5, 0.9, 0.9, 0.0, 1, 0, 0, 1], [0.5, 0.5, 0.99, 0.99, 0.0, 0, 0, 1, 1]])
    photo = torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1).expand(3, 32, 32).contiguous()
    problem = Problem.of(photo, get_brush("tape"), 2, JOINT, (1.0, 1.0, 1.0), ExactRenderer(), 0)
    hidden, seen = problem.importance(strokes, 32).tolist()
    assert abs(hidden) < 1 < seen
