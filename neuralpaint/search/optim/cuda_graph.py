"""Captures a step as a CUDA graph and replays it, so the host launches one graph instead of dozens of kernels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch

from neuralpaint.utils.profiling import span

Result = TypeVar("Result")


class Replay:
    """Calls a function without arguments repeatedly, on a GPU by replaying a CUDA graph.

    The first call runs the function directly, which loads its kernels. The second captures it; this and every later
    call replays the graph. The function must do the same work in every call, on tensors at fixed addresses, without
    synchronizing with the device; values that change between calls must be in tensors. Memory it allocates is reused
    by every replay.

    Args:
        device: where the function runs; on the CPU every call is direct.
        record: False to never capture.
    """

    def __init__(self, device: torch.device, record: bool = True) -> None:
        self._device = device
        self._record = record and device.type == "cuda"
        self._warm = False
        self._graph: torch.cuda.CUDAGraph | None = None
        self._result: Any = None

    @property
    def recorded(self) -> bool:
        """Whether calls replay a graph."""
        return self._graph is not None

    def __call__(self, function: Callable[[], Result]) -> Result:
        """What `function` returns, from a graph at the same address every time. It must be the same in every call. It
        is not stored, to avoid a reference cycle with its owner."""
        if self._record and self._warm and self._graph is None:
            self._graph = self._capture(function)
        if self._graph is None:
            self._result = function()
            self._warm = True
        else:
            self._graph.replay()
        return cast(Result, self._result)

    @span("record step")
    def _capture(self, function: Callable[[], Any]) -> torch.cuda.CUDAGraph | None:
        # Not torch.cuda.graph(), which synchronizes and empties torch's cache: a search captures often.
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device):
            stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
            stream.wait_stream(current)
            try:
                with torch.cuda.stream(stream):
                    graph.capture_begin(capture_error_mode="thread_local")
                    try:
                        self._result = function()
                    finally:
                        graph.capture_end()
            except RuntimeError as error:
                # Nothing has run during the capture, so the step can still be run directly.
                warnings.warn(f"cannot capture this step as a CUDA graph, running slower: {error}", stacklevel=5)
                self._record = False
                return None
            current.wait_stream(stream)
        return graph
