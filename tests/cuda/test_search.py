"""Searches on a GPU: recorded steps are the steps themselves, and no step waits for the device."""

from __future__ import annotations

import warnings

import pytest
import torch

from neuralpaint import get_brush, paint
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search.blocks import BlockSearch
from neuralpaint.search.joint import JointSearch
from neuralpaint.search.optim.cuda_graph import Replay
from neuralpaint.search.presets import Preset
from neuralpaint.search.problem import Problem
from tests.search.photos import BLOCKS, JOINT, disc_photo

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]

METHODS = pytest.mark.parametrize("preset", [JOINT, BLOCKS], ids=lambda preset: preset.method)
BRUSHES = pytest.mark.parametrize("name", ["oil", "watercolor", "pixel"])


def begin(preset: Preset, name: str = "oil") -> JointSearch | BlockSearch:
    photo = disc_photo(40, 56).cuda()
    problem = Problem.of(photo, get_brush(name), 17, preset, (1.0, 1.0, 1.0), ExactRenderer(), 5)
    return BlockSearch(problem) if preset.method == "blocks" else JointSearch(problem)


def finish(search: JointSearch | BlockSearch) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a step that cannot be recorded warns
        while not search.finished:
            search.step()
    return search.strokes


@METHODS
@BRUSHES
def test_recorded_steps_give_the_bits_of_plain_ones(preset: Preset, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = finish(begin(preset, name))
    captures: list[int] = []
    monkeypatch.setattr(Replay, "_capture", lambda self, function: captures.append(1))
    assert torch.equal(finish(begin(preset, name)), recorded)
    assert captures


@METHODS
def test_a_step_never_waits_for_the_device(preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
    """But where a phase begins, or a stroke joins: those steps are left out."""
    monkeypatch.setattr(Replay, "_capture", lambda self, function: None)
    search, checked = begin(preset), 0
    while not search.finished:
        starts = search.done == 0 or preset.method == "blocks" and search.done % preset.steps == 0
        ends = isinstance(search, BlockSearch) and search.done + 1 == search._steps(search.grids[search.grid])
        if starts or ends:
            search.step()
            continue
        torch.cuda.set_sync_debug_mode("error")
        try:
            search.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        checked += 1
    assert checked > 15


@METHODS
def test_same_bits_twice_and_resumed(preset: Preset) -> None:
    straight, relayed = begin(preset), begin(preset)
    while not straight.finished:
        straight.step()
        relayed.step()
        if straight.steps_done % 5 == 0:
            following = begin(preset)
            following.load_state_dict(relayed.state_dict())
            relayed = following
    assert torch.equal(straight.strokes, relayed.strokes)


@BRUSHES
def test_comes_as_close_as_on_the_cpu(name: str) -> None:
    photo = disc_photo(64, 64)
    ours, theirs = (paint(photo, name, 60, "fast", device=device).psnr(photo, 64) for device in ("cuda", "cpu"))
    assert abs(ours - theirs) < 1.5
