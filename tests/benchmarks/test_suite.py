"""The benchmarks' reference implementations match the ops; results files contain no host name."""

import json
import platform
from pathlib import Path

import pytest
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


ROOT = Path(__file__).parents[2]


@pytest.fixture
def suite(fork_server):
    """Runs benchmarks/ with these arguments; returns (exit code, output)."""

    def call(*arguments):
        code = "import runpy; runpy.run_module('pytest', run_name='__main__', alter_sys=True)"
        done = fork_server.run(code, "benchmarks", "-p", "no:cacheprovider", "--device", "cpu", *arguments, cwd=ROOT)
        return done.poll(), done.out + done.err

    return call


def test_suite(suite, tmp_path):
    """Runs a short benchmark: reports machine, median and spread, and stores no individual timings."""
    file = tmp_path / "b.json"
    arguments = ("--benchmark-max-time=0.01", "--benchmark-min-rounds=3", f"--benchmark-json={file}", "--threads", "1")
    code, out = suite("-k", "test_sample_alone or stand-in", *arguments)
    assert code == 0, out
    assert "machine: cpu" in out and "spread" in out and "oil, sampling alone" in out
    found = json.loads(file.read_text())
    assert platform.node() not in found["machine_info"].values() and found["machine_info"]["threads"] == 1
    assert len(found["benchmarks"]) == 2
    for row in found["benchmarks"]:
        assert row["stats"]["median"] > 0 and row["extra_info"]["per_second"] > 0 and "data" not in row["stats"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_suite_without_the_device_asked_for(suite):
    code, out = suite("--device", "cuda", "--collect-only")
    assert code != 0 and "--device cuda: use one of cpu" in out


def test_full_suite_covers_sizes_and_dtypes(suite):
    code, out = suite("--full", "--collect-only")
    assert code == 0, out
    for part in ("1024", "float16", "float64", "watercolor", "paper", "dual-pathway-128", "Euclidean", "backward"):
        assert part in out, part
    subset = suite("--collect-only")[1]
    assert 0 < subset.count("::test_") < out.count("::test_") / 2
