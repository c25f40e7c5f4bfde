"""Training in two processes gives the same as in one."""

import json
import socket
from pathlib import Path

import pytest
import torch

from neuralpaint.training.renderers.source import BrushSource, share

pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

SCRIPT = Path(__file__).with_name("torchrun_train.py")


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def train(fork_server, folder, processes):
    folder.mkdir()
    code = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    told = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "WORLD_SIZE": str(processes),
    }  # as torchrun does
    ranks = [
        {} if processes == 1 else told | {"RANK": str(k), "LOCAL_RANK": str(k), "LOCAL_WORLD_SIZE": str(processes)}
        for k in range(processes)
    ]
    for child in [fork_server.start(code, folder, env=rank) for rank in ranks]:
        assert child.wait().poll() == 0, child.err
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(processes)]


@pytest.mark.slow
def test_two_processes_train_as_one(fork_server, tmp_path):
    """With gloo: the same strokes, each in one process, and the same losses and weights up to rounding.

    Excludes networks with batch normalisation, whose statistics are per process.
    """
    alone, first, second = train(fork_server, tmp_path / "alone", 1) + train(fork_server, tmp_path / "both", 2)
    assert [facts.pop("processes") for facts in (alone, first, second)] == [1, 2, 2]
    for network in alone:
        strokes = [facts[network]["strokes"] for facts in (alone, first, second)]
        assert all(a + b == one for one, a, b in zip(*strokes, strict=True))
        everything = [tuple(stroke) for facts in strokes[1:] for step in facts for stroke in step]
        assert len(set(everything)) == len(everything)
        for name, tolerance in (("losses", 1e-5), ("weights", 1e-4)):
            one, a, b = (torch.tensor(facts[network][name]) for facts in (alone, first, second))
            assert len(one) >= 6 and torch.equal(a, b)
            torch.testing.assert_close(a, one, rtol=tolerance, atol=tolerance)


def test_shares_make_up_the_batch_of_one_process():
    source = BrushSource("oil", 16, zooms=(1, 2))
    for step in range(4):
        whole = source.batch(step, 32)
        for processes in (2, 4):
            parts = [source.batch(step, 32, k, processes) for k in range(processes)]
            for one, joined in zip(whole, zip(*parts, strict=True), strict=True):
                assert torch.equal(torch.cat(joined), one)


def test_share():
    assert [share(64, 1, n) for n in (1, 2, 3, 64)] == [64, 32, 22, 2]
    assert [share(64, 4, n) for n in (1, 2, 8)] == [4, 2, 2]
