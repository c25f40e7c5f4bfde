"""Strokes drawn on a GPU: the same ones as on a CPU."""

import pytest
import torch
from torch.utils.data import DataLoader

from neuralpaint.data import StrokeDataset

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]


@pytest.mark.parametrize("brush", ["oil", "watercolor"])
def test_the_same_strokes_to_the_bit(brush):
    here, there = (StrokeDataset(brush, 1000, size=16, device=device) for device in ("cpu", "cuda"))
    for a, b in zip(here.stream(300), there.stream(300), strict=True):
        assert b.foreground.is_cuda and torch.equal(a.strokes, b.strokes.cpu())
        torch.testing.assert_close(b.foreground.cpu(), a.foreground, rtol=1e-3, atol=1e-4)
    assert torch.equal(here[999].strokes, there[999].strokes.cpu())


def test_not_in_worker_processes():
    stream = StrokeDataset("tape", 8, size=8, device="cuda").stream(4)
    with pytest.raises(RuntimeError, match="num_workers=0"):
        list(DataLoader(stream, batch_size=None, num_workers=1, multiprocessing_context="spawn"))
