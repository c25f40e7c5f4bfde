"""What a gradient step of a search asks of the device."""

import dataclasses

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from neuralpaint import get_brush
from neuralpaint.guides.guide import Guide
from neuralpaint.ops import checks
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search.optim.descent import Descent
from neuralpaint.search.problem import Problem
from tests.search.photos import JOINT, disc_photo

# On a GPU; the emulated kernels are counted in csrc/tests/emulation/test_cuda_kernels.cpp.
LAUNCHES = {"aten.copy_.default": 1, "neuralpaint.render_loss.default": 4, "neuralpaint.projected_adam_.default": 1}


class Recorder(TorchDispatchMode):
    """The operators called, but for views of their arguments."""

    def __init__(self):
        super().__init__()
        self.called = []

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        if not function.is_view:
            self.called.append(str(function))
        return function(*arguments, **(keywords or {}))


@pytest.mark.parametrize("brush", ["oil", "watercolor", "flat", "pixel"])
@pytest.mark.parametrize("kind", ["plain", "frozen", "pulled", "prefix"])
def test_a_step_is_six_launches(brush, kind, monkeypatch):
    """All steps but those that look at an unfinished painting, whose loss takes four more."""
    monkeypatch.setattr(checks, "has_values", lambda tensor: False)  # as on a GPU
    problem = Problem.of(disc_photo(40, 56), get_brush(brush), 9, JOINT, (1.0, 1.0, 1.0), ExactRenderer(), 5)
    if kind == "pulled":
        problem = dataclasses.replace(problem, guide=Guide(None, torch.ones(2, 5, 7)))
    strokes = problem.brush.sample(9, torch.Generator().manual_seed(0))
    moving = torch.arange(9).remainder(2).float() if kind == "frozen" else None
    prefixes = (2, 5) if kind == "prefix" else ()
    descent = Descent(problem, strokes, torch.full((9,), 0.2), 40, [0.02] * 4, [1.5] * 4, moving, prefixes=prefixes)
    losses = []
    for _ in range(4):  # in the first textures are loaded
        with Recorder() as recorder:
            descent.step()
        losses.append(recorder.called.count("neuralpaint.render_loss.default"))
        if len(losses) > 1:
            assert sum(LAUNCHES[name] for name in recorder.called) <= 2 + 4 * losses[-1], recorder.called
    assert losses == ([2, 1, 1, 2] if prefixes else [1] * 4)
