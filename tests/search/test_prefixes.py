"""Unfinished paintings: the first strokes of a painting look like the photo, too."""

import dataclasses

import pytest
import torch

from neuralpaint import Painting, get_brush, ops, paint
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search import Preset
from neuralpaint.search.optim.adam import AdamRows
from neuralpaint.search.optim.descent import Descent
from neuralpaint.search.optim.prefixes import SHARES, PrefixLoss, prefix_counts
from neuralpaint.search.problem import Part, Problem
from neuralpaint.search.regions import descend
from tests.search.photos import disc_photo, waves

PRESET = Preset("unfinished", stages=3, steps=24, reseeds=2, refine=60, block_pixels=24)
ALONE = dataclasses.replace(PRESET, prefix=0.0)  # only the finished picture counts


def first(painting, share):
    """The painting after this share of its strokes."""
    return dataclasses.replace(painting, strokes=painting.strokes[: round(share * len(painting))])


def progress(painting, photo):
    """PSNR after each of `SHARES` of the strokes, and at the end: `[5]`."""
    return torch.tensor([first(painting, share).psnr(photo, 64) for share in (*SHARES, 1.0)])


@pytest.mark.parametrize("name", ["oil", "tape", "watercolor", "marker"])
def test_unfinished_paintings_come_closer_and_finished_ones_no_less_close(name):
    photo = waves(64, 3)
    with_prefixes, without = (
        torch.stack([progress(paint(photo, name, 60, preset, seed=seed), photo) for seed in range(4)]).mean(0)
        for preset in (PRESET, ALONE)
    )
    gained = with_prefixes - without
    assert gained[:2].mean() > 1 and gained[2:4].min() > 0
    assert gained[4] > -0.2 * gained[:2].mean()


def test_without_weight_the_last_phase_is_as_any_other():
    photo = disc_photo(48, 48)
    problem = Problem.of(photo, get_brush("tape"), 8, ALONE, (1.0, 1.0, 1.0), ExactRenderer(), 0)
    strokes, block = get_brush("tape").sample(8, torch.Generator().manual_seed(0)), torch.full((8,), 0.3)
    with_prefixes, without = (
        Descent(problem, strokes, block, 48, [0.02] * 3, [1.0] * 3, prefixes=prefixes) for prefixes in ((2, 5), ())
    )
    for _ in range(3):
        with_prefixes.step()
        without.step()
    assert torch.equal(with_prefixes.strokes, without.strokes)


@pytest.mark.parametrize("name, shape", [("tape", (40, 48)), ("watercolor", (41, 47))])
def test_the_gradient_is_that_of_the_first_strokes_at_a_quarter_of_the_resolution(name, shape):
    brush, photo = get_brush(name), disc_photo(*shape)
    problem = Problem.of(photo, brush, 10, PRESET, (1.0, 1.0, 1.0), ExactRenderer(), 0)
    strokes = brush.sample(10, torch.Generator().manual_seed(1))
    gradient = torch.zeros_like(strokes)
    loss = PrefixLoss(problem, photo, min(shape), (4,))
    gradient[:4] += loss.factor * loss.gradient(strokes, 4, 2.0)

    height, width = shape[0] // 4, shape[1] // 4
    target = photo[:, : 4 * height, : 4 * width].reshape(3, height, 4, width, 4).mean((2, 4))
    shown = strokes[:4].clone().requires_grad_()
    picture = ops.render(
        torch.ones(1, 3, height, width), shown[None], brush, softness=2.0, pixels_per_unit=min(shape) / 4
    )
    weight = PRESET.prefix * 16 * 3  # as if at the full resolution, in every step
    (expected,) = torch.autograd.grad(weight * (picture[0] - target).square().sum(), shown)
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(gradient[:4], expected, rtol=1e-3, atol=1e-3)
    assert not gradient[4:].any()


def test_a_hidden_stroke_takes_the_colour_of_what_it_shows_first():
    """A red stroke under one that covers the canvas: the finished picture says nothing of it, the unfinished does."""
    photo = torch.tensor([0.2, 0.5, 0.8]).view(3, 1, 1).expand(3, 32, 32)
    problem = Problem.of(photo, get_brush("pixel"), 2, PRESET, (1.0, 1.0, 1.0), ExactRenderer(), 0)
    whole = [0.5, 0.5, 2.0, 2.0, 0.0]
    strokes = torch.tensor([[*whole, 1.0, 0.0, 0.0, 1.0], [*whole, 0.2, 0.5, 0.8, 1.0]])
    rates = [0.05 * 0.98**k for k in range(120)]
    seen, unseen = (
        Descent(problem, strokes, torch.ones(2), 32, rates, [1.0] * 120, prefixes=prefixes) for prefixes in ((1,), ())
    )
    for _ in rates:
        seen.step()
        unseen.step()
    looks = [psnr(Painting(descent.strokes[:1], "pixel").render_tensor(32), photo) for descent in (seen, unseen)]
    assert looks[0] > 25 and looks[1] < 10


def test_windows_look_at_unfinished_paintings_too():
    photo = waves(64, 5)
    setting = Problem.of(photo, get_brush("tape"), 40, PRESET, (1.0, 1.0, 1.0), ExactRenderer(), 0).setting
    part = Part(64, 64, 64, 16, 16, 64, 64)
    crop = part.crop(photo.mul(255).round().byte())
    moving, rates, softnesses = torch.ones(40, dtype=torch.bool), [0.03] * 60, [1.0] * 60

    def closeness(prefixes, seed):
        strokes = get_brush("tape").sample(40, torch.Generator().manual_seed(seed))
        strokes[:, :2] = 0.3 + 0.6 * strokes[:, :2]
        strokes[:, 2:4] = 0.05 + 0.2 * strokes[:, 2:4]
        strokes[:, 8] = 1.0
        state = torch.full((40,), 0.2), moving, AdamRows.new(strokes)
        moved, *_ = descend(setting, part, crop, strokes, *state, rates, softnesses, prefixes=prefixes)
        return psnr(Painting(moved[:10], "tape").render_tensor(64)[:, 16:, 16:], photo[:, 16:, 16:])

    gained = [closeness((10,), seed) - closeness((), seed) for seed in range(6)]
    assert sum(gained) / 6 > 0.3


def test_every_third_step_looks_at_one_unfinished_painting():
    problem = Problem.of(disc_photo(), get_brush("tape"), 9, PRESET, (1.0, 1.0, 1.0), ExactRenderer(), 0)
    loss = PrefixLoss(problem, disc_photo(), 48, (1, 2, 5))
    assert [loss.count(step) for step in range(10)] == [1, 0, 0, 2, 0, 0, 5, 0, 0, 1]


@pytest.mark.parametrize("count, expected", [(500, (50, 125, 250, 375)), (1, (0, 0, 0, 1)), (2, (0, 0, 1, 2))])
def test_counts(count, expected):
    assert prefix_counts(count) == expected


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_strokes(count):
    photo = disc_photo(20, 24)
    painting = paint(photo, "oil", count, PRESET)
    assert len(painting) == count and torch.isfinite(painting.strokes).all()
    shown = psnr(painting.render_tensor(20), resize(photo, 20, 24))
    assert shown > psnr(torch.ones(3, 20, 24), resize(photo, 20, 24))
