"""A step recorded once as a CUDA graph, then replayed: the host launches one graph instead of dozens of kernels."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

from neuralpaint.utils.profiling import span


class Replay:
    """Calls a function without arguments again and again; on a GPU from a recording of it.

    The first call runs it as it is, which loads its kernels. The second records it, and this and every later call
    replays the record. So the function must do the same work whenever it is called, on tensors that stay where they
    are, and never wait for the device: what changes from call to call has to be in tensors too. What it allocates is
    reused by every replay.

    Args:
        device: where the function works; on the CPU it is called as it is every time.
        record: False to never record.
    """

    def __init__(self, device: torch.device, record: bool = True) -> None:
        self._device = device
        self._record = record and device.type == "cuda"
        self._warm = False
        self._graph: torch.cuda.CUDAGraph | None = None

    @property
    def recorded(self) -> bool:
        """Whether calls replay a record."""
        return self._graph is not None

    def __call__(self, function: Callable[[], None]) -> None:
        """`function` is the same in every call; it is not kept, so that its owner may keep this."""
        if self._record and self._warm and self._graph is None:
            self._graph = self._capture(function)
        if self._graph is None:
            function()
            self._warm = True
        else:
            self._graph.replay()

    @span("record step")
    def _capture(self, function: Callable[[], None]) -> torch.cuda.CUDAGraph | None:
        # Not torch.cuda.graph(), which waits for the device and empties torch's cache: a search records often.
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device):
            stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
            stream.wait_stream(current)
            try:
                with torch.cuda.stream(stream):
                    graph.capture_begin(capture_error_mode="thread_local")
                    try:
                        function()
                    finally:
                        graph.capture_end()
            except RuntimeError as error:
                # Nothing of what was being recorded has run, so the step can be taken as it is.
                warnings.warn(f"this step cannot be recorded as a CUDA graph ({error}): it runs slower", stacklevel=5)
                self._record = False
                return None
            current.wait_stream(stream)
        return graph
