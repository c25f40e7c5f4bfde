"""`StrokeStream`: a dataset's strokes in order, shared out over ranks and workers, resumable at the exact stroke."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from neuralpaint.data.parameters import Parameters, StrokeBatch
from neuralpaint.utils.validation import check_whole

_AHEAD = {"cpu": 4096, "cuda": 65536}  # strokes whose parameters are made at once: many small operations each time
_VERSION = 1
_SAMPLES = 64  # drawn at once where single samples are asked for


class Drawn(Protocol):
    """What a stream needs of its dataset: see `neuralpaint.data.StrokeDataset`."""

    parameters: Parameters
    device: torch.device

    @property
    def count(self) -> int | None: ...

    def draw(self, index: Tensor) -> StrokeBatch: ...

    def picture(self, strokes: Tensor) -> StrokeBatch: ...


class StrokeStream(IterableDataset[StrokeBatch]):
    """Strokes in order, in batches: `for strokes, foreground, alpha in dataset.stream(64)`.

    With R ranks, step k takes the next R·batch_size strokes, and each rank a block of batch_size of them: two ranks
    with batches of 32 see, together, what one sees with 64. The batches of a rank go to its DataLoader workers in
    turns, so a `DataLoader(stream, batch_size=None, num_workers=W)` gives the same batches in the same order for any W.
    Each stroke comes once, also at the end: if fewer than R·batch_size are left, the ranks share them as evenly as can
    be (a rank may get one less than another, or none).

    `state_dict()` says which stroke is next, and `load_state_dict` goes on there, once; with worker processes, leave
    both to torchdata's `StatefulDataLoader`. Iterating again begins at `start`.

    Args:
        dataset: of the strokes.
        batch_size: strokes in a batch; None for single samples without the first dimension.
        start: number of the first stroke.
        rank, world_size: which part of the strokes is this process's. By default those of torch.distributed if it is
            initialised, else those of torchrun's environment (RANK, WORLD_SIZE), else all of them. Use 0 and 1 where
            somebody else shares out the batches, such as Accelerate's `prepare`.
        drop_last: leave out the strokes that do not fill a step of all ranks.
        threads: draw that many batches at once, ahead of the one that is asked for, each by one thread of the CPU:
            beside a training on a GPU, or because that keeps processors busier. With 0, each batch is drawn when it is
            asked for, by all of torch's threads.

    Raises:
        ValueError: an argument is out of its range.
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
            raise ValueError("rank and world_size belong together: give both or none")
        here, all_of_them = _environment() if rank is None or world_size is None else (rank, world_size)
        self.world_size = check_whole("world_size", all_of_them, 1, 2**24)
        self.rank = check_whole("rank", here, 0, self.world_size - 1)
        self.threads = check_whole("threads", threads, 0, 1024)
        if threads and (batch_size is None or dataset.device.type != "cpu"):
            raise ValueError("threads draw batches on the CPU: give a batch_size, or leave them out")
        self._next = self.start  # stroke with which the next item's step begins
        self._resumed: dict[str, Any] | None = None

    @property
    def _step(self) -> int:
        """Strokes of all ranks in a step."""
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
        with _single_threads(self.threads) as pool:
            try:
                for after, strokes in wanted:
                    waiting.append((after, pool.submit(self.dataset.picture, strokes)))
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
        """(where the next step of this process begins, strokes) of its batches."""
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
        """Numbers of this rank's strokes in those steps, and how many there are in each."""
        shares = [self._share(step) for step in steps]
        return torch.cat([torch.arange(*share) for share in shares]), [high - low for low, high in shares]

    def _share(self, step: int) -> tuple[int, int]:
        """This rank's strokes of the step that begins there: (first, last + 1)."""
        count = min(self._step, self.dataset.parameters.count - step)
        return step + count * self.rank // self.world_size, step + count * (self.rank + 1) // self.world_size

    def state_dict(self) -> dict[str, Any]:
        """Where the latest iteration is: plain data, to be given to `load_state_dict`."""
        state = {"version": _VERSION, "identity": self.dataset.parameters.identity, "next": self._next}
        info = get_worker_info()
        return state | ({"worker": info.id, "workers": info.num_workers, "step": self._step} if info else {})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The next iteration begins where that of `state` was; ranks and batch size may be others than they were.

        Raises:
            ValueError: the state is of other strokes, or of a worker process and this is not the same one.
        """
        if (
            not isinstance(state, dict)
            or state.get("version") != _VERSION
            or not isinstance(state.get("identity"), dict)
            or ("worker" in state and not {"workers", "step"} <= state.keys())
        ):
            raise ValueError("this is no state of a StrokeStream of this version")
        check_whole("next", state.get("next"), 0, 2**63 - 1)
        for name, value in self.dataset.parameters.identity.items():
            if (other := state["identity"].get(name)) != value:
                raise ValueError(f"the state is of strokes with {name} {other!r}, not {value!r}")
        info = get_worker_info()
        here = {"worker": info.id, "workers": info.num_workers, "step": self._step} if info else {}
        for name in ("worker", "workers", "step"):
            if name in state and state[name] != here.get(name):
                raise ValueError(
                    f"the state is of worker {state['worker']} of {state['workers']} with {state['step']} strokes in a "
                    "step: go on with a StatefulDataLoader of as many workers, ranks and strokes"
                )
        self._resumed = dict(state)
        self._next = state["next"]


@contextmanager
def _single_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads in each of which torch uses no others."""
    mine, started = torch.get_num_threads(), Barrier(count)
    with ThreadPoolExecutor(count, "strokes", torch.set_num_threads, (1,)) as pool:
        list(pool.map(lambda _: started.wait(), range(count)))
        torch.set_num_threads(mine)  # torch gives the last number that was set to all threads to come
        yield pool


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
