"""What the benchmarks compare with computes the same as the ops; a results file names no host."""

import platform

import torch

from benchmarks import machine, rivals
from neuralpaint import ops
from neuralpaint.brushes import get_brush


def rand(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_blend():
    arguments = rand(2, 3, 8, 9), rand(2, 5, 3, 8, 9), rand(2, 5, 1, 8, 9)
    torch.testing.assert_close(rivals.blend(*arguments), ops.composite(*arguments))


def test_render_by_maps():
    brush = get_brush("watercolor")
    strokes = brush.sample(6, torch.Generator().manual_seed(1)).double().unflatten(0, (2, 3))
    canvas = rand(2, 3, 16, 16)
    torch.testing.assert_close(rivals.render_by_maps(canvas, strokes, brush), ops.render(canvas, strokes, brush))


def test_sinkhorn_separable():
    masses = [(rand(2, 12, 10) + 0.01).requires_grad_(), (rand(2, 12, 10).flip(1) + 0.01).requires_grad_()]
    ours, rival = ops.sinkhorn(*masses), rivals.sinkhorn_separable(*masses)
    torch.testing.assert_close(rival, ours)
    gradients = [torch.autograd.grad(cost.sum(), masses) for cost in (ours, rival)]
    torch.testing.assert_close(*gradients)


def test_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results")
    assert machine.results_file().parent.is_dir()
    assert platform.node() not in machine.describe().values()
