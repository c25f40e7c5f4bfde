"""What a guide does to a search."""

import dataclasses

import pytest
import torch

import neuralpaint
from neuralpaint.guides.guide import NO_GUIDE, Guide
from neuralpaint.images.io import load_image
from neuralpaint.search.joint import plan
from neuralpaint.search.presets import Preset
from tests.search.photos import disc_photo

QUICK = Preset("quick", stages=2, rounds=1, steps=25, reseeds=1, refine=20, block_pixels=16)


def noisy(seed=0, side=48):
    generator = torch.Generator().manual_seed(seed)
    rough = torch.rand(1, 3, 12, 12, generator=generator)
    return torch.nn.functional.interpolate(rough, size=(side, side), mode="nearest")[0]


@pytest.mark.parametrize("brush", ["oil", "marker"])
def test_a_mask_brings_detail_where_it_is_white(brush):
    photo, mask = noisy(), torch.zeros(3, 48, 48)
    mask[:, :24, :24] = 1
    errors = []
    for detail in (None, mask):
        found = [neuralpaint.paint(photo, brush, 60, QUICK, detail=detail, seed=seed) for seed in range(4)]
        difference = sum((load_image(painting.render()) - photo).square() for painting in found)
        errors.append((difference[:, :24, :24].mean(), difference[:, 24:, 24:].mean()))
    assert errors[1][0] < 0.8 * errors[0][0]
    assert errors[1][1] > errors[0][1]


def test_all_black_and_coloured_masks_are_refused():
    for mask in (torch.zeros(3, 8, 8), torch.tensor([1.0, 0.0, 0.0])[:, None, None].expand(3, 8, 8)):
        with pytest.raises(ValueError, match="detail"):
            neuralpaint.paint(noisy(), "tape", 5, QUICK, detail=mask)
    with pytest.raises(ValueError, match="paper"):
        neuralpaint.paint(noisy(), "tape", 5, "paper", detail=torch.ones(3, 8, 8))


def test_the_words_of_detail_mean_what_they_do_on_the_command_line():
    strokes = {
        detail: neuralpaint.paint(noisy(), "tape", 5, QUICK, detail=detail).strokes
        for detail in (None, "none", " None", "auto", "AUTO")
    }
    assert torch.equal(strokes[None], strokes["none"]) and torch.equal(strokes[None], strokes[" None"])
    assert torch.equal(strokes["auto"], strokes["AUTO"]) and not torch.equal(strokes[None], strokes["auto"])
    assert len(neuralpaint.paint(noisy(side=16), "tape", 2, Preset("b", "blocks", 1, steps=1), detail="none")) == 2
    with pytest.raises(ValueError, match="nothing.png"):
        neuralpaint.paint(noisy(), "tape", 5, QUICK, detail="nothing.png")


def test_as_many_strokes_as_the_photo_needs():
    calm = neuralpaint.paint(disc_photo(32, 32), "tape", "auto", QUICK)
    busy = neuralpaint.paint(noisy(side=32), "tape", "auto", QUICK)
    assert 100 <= len(calm) < len(busy)
    with pytest.raises((ValueError, TypeError), match="strokes"):
        neuralpaint.paint(noisy(), "tape", "many", QUICK)


def test_small_faces_are_refined_and_large_ones_not(problem_of):
    small, large = problem_of((0.4, 0.4, 0.5, 0.5)), problem_of((0.1, 0.1, 0.9, 0.9))
    assert [phase.name for phase in plan(small)][-1] == "faces" and plan(small)[-1].part is not None
    assert all(phase.part is None for phase in plan(large))
    part = plan(small)[-1].part
    assert part.left < 0.4 * part.width < 0.5 * part.width < part.right


@pytest.fixture
def problem_of():
    from neuralpaint.brushes import get_brush
    from neuralpaint.renderers import get_renderer
    from neuralpaint.search.problem import Problem

    def make(face):

        brush = get_brush("tape")
        preset = Preset("p", block_pixels=40)
        made = Problem.of(torch.rand(3, 64, 64), brush, 500, preset, (1.0, 1.0, 1.0), get_renderer("exact", brush), 0)
        return dataclasses.replace(made, guide=Guide(None, None, (face,)))

    return make


def test_a_face_moves_in_its_own_phase_and_resumes_to_the_same_bytes(problem_of):

    from neuralpaint.search.joint import JointSearch

    problem = dataclasses.replace(problem_of((0.3, 0.3, 0.7, 0.7)), num_strokes=60, preset=QUICK)
    search, states = JointSearch(problem), []
    while not search.finished:
        if search.phase == len(search.phases) - 1:
            states.append((search.strokes.clone(), search.state_dict()))
        search.step()
    assert search.phases[-1].part is not None
    moved = (search.strokes != states[0][0]).any(1)
    assert 0 < moved.sum() < len(search.strokes)
    other = JointSearch(problem)
    other.load_state_dict(states[len(states) // 2][1])
    while not other.finished:
        other.step()
    assert torch.equal(other.strokes, search.strokes)
    assert NO_GUIDE.maps == []
