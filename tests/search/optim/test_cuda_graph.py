"""When a step is run, recorded and replayed, with a stand-in for the GPU; on a real one: tests/cuda/test_search.py."""

from contextlib import nullcontext

import pytest
import torch

from neuralpaint.search.optim.cuda_graph import Replay

GPU = torch.device("cuda", 0)


class Stream:
    def wait_stream(self, other):
        pass


@pytest.fixture
def events(monkeypatch):
    """The events in order. During capture, the work of the function is only recorded."""
    happened = []

    class Graph:
        def capture_begin(self, **_):
            happened.append("begin")

        def capture_end(self):
            happened.append("end")

        def replay(self):
            happened.append("replay")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())
    return happened


def test_the_first_call_runs_and_the_second_is_recorded(events):
    replay = Replay(GPU)
    for _ in range(4):
        replay(lambda: events.append("run"))
    assert events == ["run", "begin", "run", "end", "replay", "replay", "replay"]
    assert replay.recorded


@pytest.mark.parametrize("replay", [Replay(torch.device("cpu")), Replay(GPU, record=False)], ids=["cpu", "not asked"])
def test_otherwise_every_call_runs(replay, events):
    for _ in range(4):
        replay(lambda: events.append("run"))
    assert events == ["run"] * 4 and not replay.recorded


def test_a_step_that_cannot_be_recorded_is_taken_as_it_is(events):
    def step():
        if events and events[-1] == "begin":
            raise RuntimeError("operation not permitted when stream is capturing")
        events.append("run")

    replay = Replay(GPU)
    replay(step)
    with pytest.warns(UserWarning, match="running slower.*not permitted"):
        replay(step)
    replay(step)
    assert events == ["run", "begin", "end", "run", "run"] and not replay.recorded


def test_other_errors_come_through(events):
    def step():
        if events and events[-1] == "begin":
            raise KeyboardInterrupt
        events.append("run")

    replay = Replay(GPU)
    replay(step)
    with pytest.raises(KeyboardInterrupt):
        replay(step)
    assert events == ["run", "begin", "end"]
