"""What a gradient step of a search asks of the device."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from neuralpaint import get_brush
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


@pytest.mark.parametrize("brush", ["oil", "watercolor", "pixel"])
@pytest.mark.parametrize("frozen", [False, True])
def test_a_step_is_six_launches(brush, frozen, monkeypatch):
    monkeypatch.setattr(checks, "has_values", lambda tensor: False)  # as on a GPU
    problem = Problem.of(disc_photo(40, 56), get_brush(brush), 9, JOINT, (1.0, 1.0, 1.0), ExactRenderer(), 5)
    strokes = problem.brush.sample(9, torch.Generator().manual_seed(0))
    moving = torch.arange(9).remainder(2).float() if frozen else None
    descent = Descent(problem, strokes, torch.full((9,), 0.2), 40, [0.02] * 3, [1.5] * 3, moving)
    descent.step()  # textures are loaded
    with Recorder() as recorder:
        descent.step()
    assert sum(LAUNCHES[name] for name in recorder.called) <= 6, recorder.called
    assert recorder.called.count("neuralpaint.render_loss.default") == 1
