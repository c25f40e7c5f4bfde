import json
import pickle
import threading
from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import DataLoader

from neuralpaint import ops
from neuralpaint.brushes import get_brush
from neuralpaint.data import StrokeBatch, StrokeDataset, stream

SIZE = 8


def dataset(count=100, brush="tape", **options):
    return StrokeDataset(brush, count, **({"size": SIZE} | options))


def numbers(strokes, count=1000, **options):
    """The indices of these strokes in the dataset."""
    known = {
        tuple(row): k for k, row in enumerate(dataset(count, **options).parameters.take(torch.arange(count)).tolist())
    }
    return [known[tuple(row)] for row in strokes.tolist()]


def numbers_of(batches):
    return [numbers(batch.strokes) for batch in batches]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# ---- which strokes ---------------------------------------------------------------------------------------------------


def test_a_stroke_is_the_same_however_it_is_asked_for():
    data = dataset()
    samples = list(data.stream(None))
    batches = list(data.stream(7))
    assert len(samples) == 100 and [len(batch.strokes) for batch in batches] == [7] * 14 + [2]
    whole = StrokeBatch(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
    for k in (0, 6, 7, 63, 64, 99):
        assert same(data[k], samples[k])
        assert same(data[k], [part[k] for part in whole])
    assert same(data[-1], data[99])
    assert same(data.draw(torch.tensor([99, 3, 3])), [part[[99, 3, 3]] for part in whole])
    assert not (dataset(seed=1)[0].strokes == data[0].strokes).any()


@pytest.mark.parametrize("brush", ["oil", "watercolor", "pixel"])
def test_strokes_cover_the_brush(brush):
    strokes = dataset(4096, brush).parameters.take(torch.arange(4096))
    held = dict(get_brush(brush).held)
    for index in range(strokes.shape[1]):
        column = strokes[:, index]
        if index in held:
            assert (column == held[index]).all()
        else:
            assert column.min() < 0.01 and column.max() > 0.99 and abs(column.mean() - 0.5) < 0.03


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.uint8])
@pytest.mark.parametrize("size", [16, (8, 24)])
def test_pictures_are_those_of_rasterize(dtype, size):
    batch = next(iter(dataset(brush="oil", size=size, dtype=dtype, softness=2.0).stream(5)))
    height, width = (size, size) if isinstance(size, int) else size
    wanted = ops.rasterize(batch.strokes, "oil", height, width, softness=2.0, dtype=dtype)
    assert batch.strokes.dtype == torch.float32 and batch.foreground.dtype == dtype
    assert same(batch[1:], wanted)


# ---- ranks and workers -----------------------------------------------------------------------------------------------


def parts(data, ranks, workers, monkeypatch, batch_size=4, **options):
    """Indices of the strokes: [rank][worker][item]."""
    found = []
    for rank in range(ranks):
        one = data.stream(batch_size, rank=rank, world_size=ranks, **options)
        found.append([])
        for worker in range(workers):
            info = SimpleNamespace(id=worker, num_workers=workers)
            monkeypatch.setattr(stream, "get_worker_info", lambda info=info: info)
            items = [item.strokes if batch_size else item.strokes[None] for item in one]
            found[-1].append([numbers(strokes) for strokes in items])
        monkeypatch.undo()
        assert sum(map(len, found[-1])) == len(one)
    return found


@pytest.mark.parametrize("count", [1, 5, 96, 103])
@pytest.mark.parametrize(("ranks", "workers"), [(1, 1), (1, 3), (2, 1), (3, 2)])
@pytest.mark.parametrize("batch_size", [4, None])
def test_every_stroke_comes_once(count, ranks, workers, batch_size, monkeypatch):
    found = parts(dataset(count), ranks, workers, monkeypatch, batch_size)
    strokes = [k for rank in found for worker in rank for item in worker for k in item]
    assert sorted(strokes) == list(range(count))
    shares = [sum(len(item) for worker in rank for item in worker) for rank in found]
    assert max(shares) - min(shares) <= 1


def test_drop_last_gives_every_rank_as_much(monkeypatch):
    found = parts(dataset(103), 3, 2, monkeypatch, drop_last=True)
    strokes = [k for rank in found for worker in rank for item in worker for k in item]
    assert sorted(strokes) == list(range(96)) and all(len(w[0]) + len(w[1]) == 8 for w in found)


def test_ranks_together_see_what_one_sees():
    one = numbers_of(dataset().stream(8))
    two = [numbers_of(dataset().stream(4, rank=rank, world_size=2)) for rank in range(2)]
    assert one == [a + b for a, b in zip(*two, strict=True)]


def test_the_same_batches_at_any_worker_count():
    data = dataset()
    wanted = list(data.stream(8))
    for workers in (0, 1, 2):
        loaded = list(DataLoader(data.stream(8), batch_size=None, num_workers=workers))
        assert len(loaded) == 13 and all(map(same, loaded, wanted))
        assert isinstance(loaded[0], StrokeBatch)


def test_threads_give_the_same_in_the_same_order():
    data, before = dataset(), torch.get_num_threads()
    wanted = list(data.stream(8))
    ahead = data.stream(8, threads=3)
    assert all(map(same, ahead, wanted)) and len(list(ahead)) == 13
    items = iter(ahead)
    first = [next(items) for _ in range(4)]
    rest = data.stream(8, threads=2)
    rest.load_state_dict(ahead.state_dict())
    items.close()
    assert all(map(same, [*first, *rest], wanted))
    seen = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert seen == [before] and torch.get_num_threads() == before  # other threads are unaffected


def test_an_error_in_a_thread_is_raised(monkeypatch):
    data = dataset()
    monkeypatch.setattr(data, "picture", lambda strokes: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(data.stream(8, threads=2))


def test_single_samples_through_a_loader():
    loader = DataLoader(dataset().stream(None), batch_size=8, num_workers=2)
    assert len(loader) == 13
    assert sorted(k for batch in loader for k in numbers(batch.strokes)) == list(range(100))


def test_map_style_through_a_loader():
    data = dataset()
    by_torch, ours = DataLoader(data, batch_size=8), DataLoader(data, batch_size=8, collate_fn=data.collate)
    assert all(map(same, by_torch, ours)) and all(map(same, ours, data.stream(8)))
    shuffled = DataLoader(data, batch_size=8, shuffle=True, num_workers=2, collate_fn=data.collate)
    assert sorted(k for batch in shuffled for k in numbers(batch.strokes)) == list(range(100))
    assert same(data.collate([data[3], data[4]]), data.draw(torch.tensor([3, 4])))


def test_rank_from_the_environment(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert numbers(next(iter(dataset().stream(4))).strokes) == [4, 5, 6, 7]
    assert numbers(next(iter(dataset().stream(4, rank=0, world_size=1))).strokes) == [0, 1, 2, 3]


def test_spawned_workers_get_the_same():
    one = dataset().stream(8)
    assert all(map(same, pickle.loads(pickle.dumps(one)), one))


# ---- going on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [7, None])
def test_resumes_at_the_exact_stroke(batch_size):
    whole = list(dataset().stream(batch_size))
    begun = dataset().stream(batch_size)
    items = iter(begun)
    first = [next(items) for _ in range(3)]
    state = json.loads(json.dumps(begun.state_dict()))
    rest = dataset().stream(batch_size)
    rest.load_state_dict(state)
    assert rest.state_dict() == state
    assert all(map(same, [*first, *rest], whole))
    assert all(map(same, rest, whole))  # once only: then from the start
    assert begun.state_dict() == state
    other = dataset().stream(5)
    other.load_state_dict(state)
    assert numbers(next(iter(other)).strokes)[0] == 3 * (batch_size or 1)


def test_start():
    assert numbers_of(dataset(10).stream(4, start=5)) == [[5, 6, 7, 8], [9]]
    assert numbers(next(iter(dataset(None).stream(2, start=900))).strokes) == [900, 901]
    assert list(dataset(10).stream(4, start=10)) == []


def test_a_state_at_the_end():
    one = dataset(10).stream(4)
    assert len(list(one)) == 3
    one.load_state_dict(one.state_dict())
    assert list(one) == [] and len(list(one)) == 3


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [8, None])
def test_stateful_data_loader(workers, batch_size):
    stateful = pytest.importorskip("torchdata.stateful_dataloader")

    def loader():
        size = None if batch_size else 8
        return stateful.StatefulDataLoader(dataset().stream(batch_size), batch_size=size, num_workers=workers)

    whole = list(loader())
    begun = loader()
    items = iter(begun)
    first = [next(items) for _ in range(5)]
    state = begun.state_dict()
    rest = loader()
    rest.load_state_dict(state)
    assert all(map(same, [*first, *rest], whole))
    assert all(map(same, rest, whole))  # the next epoch


def test_stateful_data_loader_shuffled():
    stateful = pytest.importorskip("torchdata.stateful_dataloader")
    data = dataset()

    def loader():
        generator = torch.Generator().manual_seed(1)
        return stateful.StatefulDataLoader(data, 8, shuffle=True, generator=generator, collate_fn=data.collate)

    whole = list(loader())
    begun = loader()
    items = iter(begun)
    first = [next(items) for _ in range(5)]
    rest = loader()
    rest.load_state_dict(begun.state_dict())
    assert all(map(same, [*first, *rest], whole))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "not a state of this version of StrokeStream"),
        (dataset(seed=1).stream(4).state_dict(), "strokes with seed 1, not 0"),
        (dataset(brush="marker").stream(4).state_dict(), "brush 'marker', not 'tape'"),
        (dataset().stream(4).state_dict() | {"worker": 0, "workers": 2, "step": 4}, "worker 0 of 2"),
    ],
)
def test_states_of_other_strokes(state, message):
    with pytest.raises(ValueError, match=message):
        dataset().stream(4).load_state_dict(state)


# ---- what cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"brush": "ol"}, "unknown brush 'ol'"),
        ({"count": 0}, "count must be"),
        ({"count": -3}, "count must be"),
        ({"count": 2.5}, "count must be"),
        ({"seed": -1}, "seed must be"),
        ({"size": 0}, "size must be"),
        ({"size": (8, 8, 8)}, "size must be"),
        ({"dtype": torch.float64}, "dtype must be"),
        ({"softness": 0.0}, "softness must be"),
        ({"device": "tpu"}, "unknown device"),
    ],
)
def test_datasets_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        dataset(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be"),
        ({"start": 101}, "start must be"),
        ({"rank": 2, "world_size": 2}, "rank must be"),
        ({"rank": 0}, "both rank and world_size"),
        ({"threads": -1}, "threads must be"),
        ({"batch_size": None, "threads": 2}, "threads needs a batch_size"),
    ],
)
def test_streams_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        dataset().stream(**options)


def test_without_end():
    data = dataset(None)
    with pytest.raises(TypeError, match="endless"):
        len(data)
    with pytest.raises(TypeError, match="endless"):
        len(data.stream(4))
    assert data[2**61].strokes.shape == (9,)
    with pytest.raises(IndexError):
        dataset(10)[10]


def test_strokes_that_are_not_there():
    data = StrokeDataset("tape", 10, size=8)
    assert torch.equal(data.__getitems__([-1]).batch.strokes[0], data[-1].strokes)
    for index in (torch.tensor([10]), torch.tensor([3, -1])):
        with pytest.raises(ValueError, match=r"index must be in \[0, 10\)"):
            data.draw(index)
    with pytest.raises(ValueError, match="index"):
        next(iter(DataLoader(data, sampler=[11], batch_size=2)))
    with pytest.raises(TypeError, match="index"):
        data.draw([1, 2])


@pytest.mark.parametrize(
    "change", [{"next": -5}, {"next": 10**30}, {"next": True}, {"identity": None}, {"worker": 0}, {"next": None}]
)
def test_a_state_that_cannot_be(change):
    data = StrokeDataset("tape", 10, size=8)
    state = data.stream(2).state_dict() | change
    with pytest.raises(ValueError, match="next|state"):
        data.stream(2).load_state_dict(state)
