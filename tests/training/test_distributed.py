"""Two processes train as one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from neuralpaint.training.renderers.source import BrushSource, share

pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

SCRIPT = Path(__file__).with_name("torchrun_train.py")


def train(folder, processes):
    folder.mkdir()
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(launcher if processes > 1 else []), str(SCRIPT), str(folder)]
    path = os.pathsep.join([str(SCRIPT.parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True)
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(processes)]


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path):
    """With gloo: the same strokes, each by one process, and the same losses and weights but for rounding.

    Networks with batch normalisation are not in this test: its statistics are each process's own.
    """
    alone, first, second = train(tmp_path / "alone", 1) + train(tmp_path / "both", 2)
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
