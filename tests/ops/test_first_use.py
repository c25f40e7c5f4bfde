"""The first stroke of a process drawn where something traces it: the compiler, export, fake tensors."""

from __future__ import annotations

import pytest

START = """
import torch
from neuralpaint import ops
strokes = torch.rand(1, 3, 12, generator=torch.Generator().manual_seed(0))
canvas = torch.ones(1, 3, 16, 16)
def draw(canvas, strokes):
    return ops.render(canvas, strokes, "oil")
"""
CASES = {
    "compile": """
leaf = strokes.clone().requires_grad_()
traced = torch.compile(draw, fullgraph=True, backend="aot_eager")(canvas, leaf)
traced.sum().backward()
assert leaf.grad.abs().sum() > 0
traced = traced.detach()
""",
    "export": """
class Draw(torch.nn.Module):
    def forward(self, canvas, strokes):
        return draw(canvas, strokes)
traced = torch.export.export(Draw(), (canvas, strokes)).module()(canvas, strokes)
""",
    "strict export": """
class Draw(torch.nn.Module):
    def forward(self, canvas, strokes):
        return draw(canvas, strokes)
traced = torch.export.export(Draw(), (canvas, strokes), strict=True).module()(canvas, strokes)
""",
    "fake tensors": """
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
with FakeTensorMode() as mode:
    fake = draw(mode.from_tensor(canvas), mode.from_tensor(strokes))
assert isinstance(fake, FakeTensor) and fake.shape == canvas.shape
traced = draw(canvas, strokes)
""",
    "own texture": """
import numpy as np
from neuralpaint import TexturedBrush
brushes = [TexturedBrush("mine", alpha=np.full((8, 16), a, np.uint8), ridge=np.full((8, 16), 128, np.uint8))
           for a in (40, 250)]
compiled = torch.compile(lambda c, s, brush: ops.render(c, s, brush), fullgraph=True, backend="eager")
for brush in brushes:
    assert torch.equal(compiled(canvas, strokes, brush), ops.render(canvas, strokes, brush))
traced = draw(canvas, strokes)
""",
}


@pytest.mark.parametrize("case", CASES)
def test_first_use_in_a_trace(case: str, fork_server) -> None:
    end = "\nassert torch.equal(traced, draw(canvas, strokes)) and not torch.equal(traced, canvas)\n"
    done = fork_server.run(START + CASES[case] + end)
    assert done.poll() == 0, done.err[-3000:]
