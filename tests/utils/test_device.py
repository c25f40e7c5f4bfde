"""Resolving device names, and the error if the compiled extension is missing."""

import importlib
import sys

import pytest
import torch

import neuralpaint
from neuralpaint import _extension as extension
from neuralpaint.utils.device import resolve_device


@pytest.fixture
def gpus(monkeypatch):
    """Simulates a machine and a build with this number of GPUs."""

    def pretend(count, built=True):
        monkeypatch.setattr(extension, "HAS_CUDA", built)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return pretend


@pytest.mark.parametrize(("count", "built", "chosen"), [(0, True, "cpu"), (2, False, "cpu"), (2, True, "cuda")])
def test_auto(gpus, count, built, chosen):
    gpus(count, built)
    assert resolve_device() == resolve_device("auto") == torch.device(chosen)


def test_named(gpus):
    gpus(2)
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("cuda:1") == resolve_device(torch.device("cuda", 1)) == torch.device("cuda:1")


@pytest.mark.parametrize(
    ("device", "count", "built", "message"),
    [
        ("cuda:2", 2, True, "no device 'cuda:2': torch finds 2 GPUs"),
        ("cuda", 0, True, "no device 'cuda': torch finds 0 GPUs"),
        ("cuda", 2, False, "no device 'cuda': neuralpaint has no CUDA kernels"),
        ("abacus", 2, True, "unknown device 'abacus'"),
        ("meta", 2, True, "device 'meta' is not supported"),
    ],
)
def test_refused(gpus, device, count, built, message):
    gpus(count, built)
    with pytest.raises(ValueError, match=message):
        resolve_device(device)


@pytest.mark.parametrize("device", [0, None])
def test_wrong_type(device):
    with pytest.raises(TypeError, match="device must be"):
        resolve_device(device)


def test_missing_extension(monkeypatch):
    monkeypatch.setitem(sys.modules, "neuralpaint._C", None)
    monkeypatch.delattr(neuralpaint, "_C", raising=False)
    with pytest.raises(ImportError, match="run `pip install .`"):
        importlib.reload(extension)
