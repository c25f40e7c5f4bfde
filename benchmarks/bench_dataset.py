"""`StrokeDataset`: strokes a second as a training sees them, against the kernel alone on the same batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from benchmarks.sizes import full
from neuralpaint import ops
from neuralpaint.data import StrokeDataset
from neuralpaint.roofline.dataset import BATCH

COUNT = 4096
DTYPES = [torch.uint8, *full(torch.float16, torch.float32)]


def dataset(brush: str, dtype: torch.dtype, device: torch.device) -> StrokeDataset:
    return StrokeDataset(brush, COUNT, size=128, dtype=dtype, device=device)


def exhaust(batches: Any) -> None:
    for _ in batches:
        pass


def group(dtype: torch.dtype) -> str:
    return f"dataset, 128², {str(dtype).removeprefix('torch.')}"


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("brush", ["oil", *full("watercolor", "marker", "tape")])
def test_kernel_alone(measure: Callable[..., Any], device: torch.device, brush: str, dtype: torch.dtype) -> None:
    parts = dataset(brush, dtype, device).parameters.take(torch.arange(COUNT, device=device)).split(BATCH)
    call = lambda: exhaust(ops.rasterize(part, brush, 128, 128, dtype=dtype) for part in parts)  # noqa: E731
    measure(group(dtype), f"{brush}, kernel alone", call, COUNT, "strokes")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("brush", ["oil", *full("watercolor", "marker", "tape")])
def test_stream(measure: Callable[..., Any], device: torch.device, brush: str, dtype: torch.dtype) -> None:
    data = dataset(brush, dtype, device)
    measure(group(dtype), f"{brush}, stream", lambda: exhaust(data.stream(BATCH)), COUNT, "strokes")


def test_stream_threads(measure: Callable[..., Any]) -> None:
    """A batch a thread, ahead. Starting the threads is in it."""
    data, threads = dataset("oil", torch.uint8, torch.device("cpu")), torch.get_num_threads()
    call = lambda: exhaust(data.stream(BATCH, threads=threads))  # noqa: E731
    measure(group(torch.uint8), f"oil, stream, threads={threads}", call, COUNT, "strokes")


@pytest.mark.parametrize("batch_size", full(1, 16, 256, 1024))
def test_stream_batches(measure: Callable[..., Any], device: torch.device, batch_size: int) -> None:
    data = dataset("oil", torch.uint8, device)
    call = lambda: exhaust(data.stream(batch_size))  # noqa: E731
    measure(group(torch.uint8), f"oil, stream, {batch_size} a batch", call, COUNT, "strokes")


@pytest.mark.parametrize("style", ["stream, samples", "map-style, DataLoader", *full("map-style, DataLoader, collate")])
def test_samples(measure: Callable[..., Any], style: str) -> None:
    data = dataset("oil", torch.uint8, torch.device("cpu"))
    collate = {"collate_fn": data.collate} if style.endswith("collate") else {}
    source = data.stream(None) if style.startswith("stream") else DataLoader(data, BATCH, **collate)
    measure(group(torch.uint8), f"oil, {style}", lambda: exhaust(source), COUNT, "strokes")


@pytest.mark.parametrize("workers", full(1, 2))
def test_workers(measure: Callable[..., Any], workers: int) -> None:
    """Through shared memory. The workers are started before the clock."""
    data = StrokeDataset("oil", None, size=128, dtype=torch.uint8)
    batches: Iterator[Any] = iter(DataLoader(data.stream(BATCH), batch_size=None, num_workers=workers))

    def call() -> None:
        for _ in range(COUNT // BATCH):
            next(batches)

    measure(group(torch.uint8), f"oil, stream, {workers} worker processes", call, COUNT, "strokes")


def test_parameters_alone(measure: Callable[..., Any], device: torch.device) -> None:
    parameters, index = dataset("oil", torch.uint8, device).parameters, torch.arange(COUNT, device=device)
    measure(group(torch.uint8), "oil, parameters alone", lambda: parameters.take(index), COUNT, "strokes")
