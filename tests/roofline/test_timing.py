"""Timing and the machine's limits."""

import gc
import time

import pytest
import torch

from neuralpaint.roofline import limits
from neuralpaint.roofline.timing import time_call

CPU = torch.device("cpu")


def test_time_call():
    timing = time_call(lambda: time.sleep(0.002), CPU, 0.02)
    assert 0.002 <= timing.shortest <= timing.low <= timing.median <= timing.high
    assert timing.median < 0.02 and timing.rounds >= 5 and timing.spread >= 0


def test_short_calls_are_timed_in_groups():
    calls = []
    timing = time_call(lambda: calls.append(1), CPU, 0.01)
    assert len(calls) > 100 * timing.rounds and timing.median < 1e-4


def test_collector_is_back_after_an_error():
    count = iter(range(10**9))

    def fails():
        if next(count) > 50:
            raise KeyError

    with pytest.raises(KeyError):
        time_call(lambda: (time.sleep(1e-3), fails()), CPU, 1.0)
    assert gc.isenabled()


def test_limits(monkeypatch):
    monkeypatch.setattr(limits, "MEMORY_BYTES", 1 << 20)
    found = limits.Limits(CPU, 0.01)
    # No comparisons: the machine may be busy for the time of one of them.
    assert min(found.fill(1 << 22), found.fill(1 << 14), found.copy(1 << 14)) > 0
    assert min(found.flops(), found.flops(torch.float64), found.exps(), found.exps(torch.float64)) > 0
    measured = dict(found.timings)
    found.fill(1 << 22)
    assert found.timings == measured  # each once
    table = found.table()
    assert {"fill, memory", "copy, cached", "exp, float32", "FMA, float64"} <= set(table)
