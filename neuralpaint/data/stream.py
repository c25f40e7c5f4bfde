"""`StrokeStream`: the strokes of a dataset in order, split over ranks and workers, resumable at any stroke."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from neuralpaint.data.parameters import Parameters, StrokeBatch
from neuralpaint.utils.threads import use_one_thread
from neuralpaint.utils.validation import check_whole

_AHEAD = {"cpu": 4096, "cuda": 65536}  # strokes whose parameters are generated at once, to amortize small operations
_VERSION = 1
_SAMPLES = 64  # strokes drawn at once when iterating over single samples


class Drawn(Protocol):
    """The interface of a dataset that a stream uses: see `neuralpaint.data.StrokeDataset`."""

    parameters: Parameters
    device: torch.device

    @property
    def count(self) -> int | None: ...

    def draw(self, index: Tensor) -> StrokeBatch: ...

    def picture(self, strokes: Tensor) -> StrokeBatch: ...


class StrokeStream(IterableDataset[StrokeBatch]):
    """Strokes in order, in batches: `for strokes, foreground, alpha in dataset.stream(64)`.

    With R ranks, step k takes the next R·batch_size strokes and gives each rank a block of batch_size: two ranks with
    batches of 32 together see the same strokes as one rank with 64. Within a rank, batches are assigned to DataLoader
    workers round-robin, so `DataLoader(stream, batch_size=None, num_workers=W)` gives the same batches in the same
    order for any W. Each stroke occurs exactly once: a final step with fewer than R·batch_size strokes is split as
    evenly as possible (a rank may get one stroke less than another, or none).

    `state_dict()` gives the position, and `load_state_dict` resumes there for the next iteration; with worker
    processes, use torchdata's `StatefulDataLoader` instead. Later iterations begin at `start` again.

    Args:
        dataset: the source of the strokes.
        batch_size: strokes per batch; None for single samples without the first dimension.
        start: index of the first stroke.
        rank, world_size: the share of this process. By default from torch.distributed if initialised, else from
            torchrun's environment (RANK, WORLD_SIZE), else 0 and 1. Use 0 and 1 if something else splits the batches,
            such as Accelerate's `prepare`.
        drop_last: drop the last step if it does not have a full batch for all ranks.
        threads: number of batches to draw ahead in parallel, each on one CPU thread; useful next to training on a GPU,
            or to keep more cores busy. With 0, each batch is drawn on request by all of torch's threads.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        dataset: Drawn,
        batch_size: int | None = 64,
        *,
        start: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        drop_last: bool = False,
        threads: int = 0,
    ) -> None:
        self.dataset, self.drop_last = dataset, drop_last
        self.batch_size = None if batch_size is None else check_whole("batch_size", batch_size, 1, 2**24)
        self.start = check_whole("start", start, 0, dataset.parameters.count)
        if (rank is None) != (world_size is None):
            raise ValueError("give both rank and world_size, or neither")
        here, all_of_them = _environment() if rank is None or world_size is None else (rank, world_size)
        self.world_size = check_whole("world_size", all_of_them, 1, 2**24)
        self.rank = check_whole("rank", here, 0, self.world_size - 1)
        self.threads = check_whole("threads", threads, 0, 1024)
        if threads and (batch_size is None or dataset.device.type != "cpu"):
            raise ValueError("threads needs a batch_size and device cpu")
        self._next = self.start  # first stroke of the step of the next item
        self._resumed: dict[str, Any] | None = None

    @property
    def _step(self) -> int:
        """Strokes per step, over all ranks."""
        return (self.batch_size or 1) * self.world_size

    def __len__(self) -> int:
        """Batches (or samples) of this rank, over all workers."""
        if self.dataset.count is None:
            raise TypeError("an endless stream has no length")
        left = max(0, self.dataset.count - self.start)
        rest = self.dataset.count - left % self._step
        low, high = self._share(rest)
        return left // self._step + (0 if self.drop_last or low == high else 1)

    def __iter__(self) -> Iterator[StrokeBatch]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        first = self.start + worker * self._step
        if self._resumed is not None:
            first = self._resumed["next"] + (0 if "worker" in self._resumed else worker * self._step)
            self._resumed = None
        self._next = first
        end = self.dataset.parameters.count - (self._step - 1 if self.drop_last else 0)
        steps = range(first, end, workers * self._step)
        return self._samples(steps) if self.batch_size is None else self._batches(steps, self.batch_size)

    def _batches(self, steps: range, batch_size: int) -> Iterator[StrokeBatch]:
        wanted = self._undrawn(steps, batch_size)
        if not self.threads:
            for self._next, strokes in wanted:
                yield self.dataset.picture(strokes)
            return
        waiting: deque[tuple[int, Future[StrokeBatch]]] = deque()
        with ThreadPoolExecutor(self.threads, "strokes", use_one_thread) as executor:
            try:
                for after, strokes in wanted:
                    waiting.append((after, executor.submit(self.dataset.picture, strokes)))
                    if len(waiting) > self.threads:
                        self._next, drawn = waiting.popleft()
                        yield drawn.result()
                while waiting:
                    self._next, drawn = waiting.popleft()
                    yield drawn.result()
            finally:
                for _, drawn in waiting:
                    drawn.cancel()

    def _undrawn(self, steps: range, batch_size: int) -> Iterator[tuple[int, Tensor]]:
        """Yields (first stroke of this process's next step, strokes) for each batch."""
        for group in _groups(steps, max(1, _AHEAD[self.dataset.device.type] // batch_size)):
            index, counts = self._strokes(group)
            parts = self.dataset.parameters.take(index.to(self.dataset.device)).split(counts)
            yield from ((step + steps.step, part) for step, part in zip(group, parts, strict=True) if len(part))

    def _samples(self, steps: range) -> Iterator[StrokeBatch]:
        for group in _groups(steps, _SAMPLES):
            index, counts = self._strokes(group)
            rows = zip(*self.dataset.draw(index), strict=True)
            for step, count in zip(group, counts, strict=True):
                self._next = step + steps.step
                if count:
                    yield StrokeBatch(*next(rows))

    def _strokes(self, steps: range) -> tuple[Tensor, list[int]]:
        """Indices of this rank's strokes in these steps, and their number in each step."""
        shares = [self._share(step) for step in steps]
        return torch.cat([torch.arange(*share, device="cpu") for share in shares]), [high - low for low, high in shares]

    def _share(self, step: int) -> tuple[int, int]:
        """This rank's strokes (first, last + 1) in the step that begins at stroke `step`."""
        count = min(self._step, self.dataset.parameters.count - step)
        return step + count * self.rank // self.world_size, step + count * (self.rank + 1) // self.world_size

    def state_dict(self) -> dict[str, Any]:
        """The position of the latest iteration, as plain data for `load_state_dict`."""
        state = {"version": _VERSION, "identity": self.dataset.parameters.identity, "next": self._next}
        info = get_worker_info()
        return state | ({"worker": info.id, "workers": info.num_workers, "step": self._step} if info else {})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Makes the next iteration begin at the position of `state`. Ranks and batch size may have changed.

        Raises:
            ValueError: the state belongs to other strokes, or to a different worker process.
        """
        if (
            not isinstance(state, dict)
            or state.get("version") != _VERSION
            or not isinstance(state.get("identity"), dict)
            or ("worker" in state and not {"workers", "step"} <= state.keys())
        ):
            raise ValueError("this is not a state of this version of StrokeStream")
        check_whole("next", state.get("next"), 0, 2**63 - 1)
        for name, value in self.dataset.parameters.identity.items():
            if (other := state["identity"].get(name)) != value:
                raise ValueError(f"the state belongs to strokes with {name} {other!r}, not {value!r}")
        info = get_worker_info()
        here = {"worker": info.id, "workers": info.num_workers, "step": self._step} if info else {}
        for name in ("worker", "workers", "step"):
            if name in state and state[name] != here.get(name):
                raise ValueError(
                    f"the state belongs to worker {state['worker']} of {state['workers']} with {state['step']} strokes "
                    "per step: resume with a StatefulDataLoader with the same workers, ranks and batch size"
                )
        self._resumed = dict(state)
        self._next = state["next"]


def _groups(steps: range, count: int) -> Iterator[range]:
    for start in range(0, len(steps), count):
        yield steps[start : start + count]


def _environment() -> tuple[int, int]:
    """(rank, world size)."""
    import torch.distributed as distributed

    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    try:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return 0, 1
