"""Spans: visible to profilers, without effect on results, errors, compiled graphs and opcheck."""

import threading

import pytest
import torch

from neuralpaint import ops
from neuralpaint.brushes import get_brush
from neuralpaint.utils.profiling import span


def names(profile):
    return [event.name for event in profile.events() if event.name.startswith("neuralpaint.")]


def profiled():
    return torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])


def loss(strokes, target):
    canvas = ops.render(torch.ones(1, 3, 16, 16), strokes, "tape")
    foreground, alpha = ops.rasterize(strokes[0], "tape", 16, 16)
    canvas = ops.composite(canvas, foreground[None], alpha[None])
    return ops.sinkhorn(canvas.mean(1), target.mean(1)).sum() + canvas.square().sum()


@pytest.fixture
def arguments():
    generator = torch.Generator().manual_seed(0)
    strokes = get_brush("tape").sample(3, generator)[None].requires_grad_()
    return strokes, torch.rand(1, 3, 16, 16, generator=generator)


def test_ops_are_seen(arguments):
    with profiled() as profile:
        loss(*arguments).backward()
    seen = names(profile)
    for op in ("rasterize", "composite", "render", "sinkhorn"):
        assert seen.count(f"neuralpaint.{op}") == seen.count(f"neuralpaint.{op} backward") == 1


def test_nested_and_repeated():
    twice = span("outer")

    @span("recursive")
    def count(n):
        """Counts."""
        return 0 if n == 0 else 1 + count(n - 1)

    assert count.__name__ == "count" and count.__doc__ == "Counts."
    with profiled() as profile:
        for _ in range(2):
            with twice, span("inner"):
                assert count(2) == 2
    seen = names(profile)
    assert seen.count("neuralpaint.outer") == seen.count("neuralpaint.inner") == 2
    assert seen.count("neuralpaint.recursive") == 2  # torch shows a span and its only child of the same name as one


def test_errors_pass_through_and_close_the_span():
    @span("broken")
    def broken():
        raise KeyError("x")

    with profiled() as profile:
        with pytest.raises(KeyError, match="x"):
            broken()
        with pytest.raises(KeyError), span("block"):
            raise KeyError("y")
    assert names(profile) == ["neuralpaint.broken", "neuralpaint.block"]


def test_profiler_that_starts_or_ends_inside():
    profile = profiled()
    with span("before"):
        profile.start()
    with span("across"):
        profile.stop()
    with span("after"):
        pass
    assert "neuralpaint.before" not in names(profile) and "neuralpaint.after" not in names(profile)


def test_threads_do_not_disturb_each_other():
    results = []

    @span("thread")
    def work(n):
        results.append(n)

    with profiled():
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(results) == list(range(8))


def test_nvtx_ranges_where_there_is_a_gpu(monkeypatch):
    stack, seen = [], []
    monkeypatch.setattr(torch.cuda, "_initialized", True)
    monkeypatch.setattr(torch.cuda.nvtx, "range_push", lambda name: (stack.append(name), seen.append(name)))
    monkeypatch.setattr(torch.cuda.nvtx, "range_pop", stack.pop)

    @span("function")
    def function():
        assert stack == ["neuralpaint.block", "neuralpaint.function"]

    with span("block"):
        function()
    assert not stack and seen == ["neuralpaint.block", "neuralpaint.function"]


@pytest.mark.parametrize("listening", [False, True])
def test_compiled_whole(arguments, listening):
    """No graph break and the same gradient, with and without a profiler during tracing and running."""
    strokes, target = arguments
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    (expected,) = torch.autograd.grad(loss(strokes, target), strokes)
    if listening:
        with profiled():
            value = compiled(strokes, target)
    else:
        value = compiled(strokes, target)
    (gradient,) = torch.autograd.grad(value, strokes)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=0)


def test_with_block_compiles():
    def function(x):
        with span("inside"):
            return x.sin() + 1

    compiled = torch.compile(function, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(torch.ones(3)), torch.ones(3).sin() + 1)


def test_opcheck_while_listening(arguments):
    strokes, target = arguments
    with profiled():
        torch.library.opcheck(
            torch.ops.neuralpaint.sinkhorn.default,
            (target.mean(1).requires_grad_(), target.mean(1), 0.01, 2, 0),
            test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
        )
