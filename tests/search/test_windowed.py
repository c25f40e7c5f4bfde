"""The windowed search: as good as the joint search, without seams, identical for any order of windows."""

import dataclasses
import random
import sys

import pytest
import torch

from neuralpaint import get_brush, paint
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.parallel import WorkerError
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search import PRESETS, Preset
from neuralpaint.search.checkpoint import Checkpoint
from neuralpaint.search.memory import needs_windows
from neuralpaint.search.problem import LargeProblem, Part, Problem
from neuralpaint.search.regions import cuts, windows
from neuralpaint.search.windowed import WindowedSearch
from tests.search.photos import saved, waves

# A finest block is 6 pixels, so that 12,000 strokes fill four windows of the smallest kind.
SMALL = Preset("small windows", stages=3, rounds=1, steps=8, reseeds=1, refine=16, block_pixels=6)
COUNT = 12000


def busy_photo(size=128, seed=0):
    """`[3, size, size]`: waves of many lengths, with uniformly distributed detail."""
    picture = torch.zeros(3, size, size)
    for k in range(1, 6):
        turned = torch.rot90(waves(size, seed + k), k, (1, 2))
        picture += torch.sin(3.0 * 2**k / 2 * turned * torch.pi) / 5
    return 0.5 + 0.4 * picture


@pytest.fixture(scope="module", autouse=True)
def short_sweeps():
    """The refinement is split into two sweeps, of other windows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuralpaint.search.windowed._SWEEP", SMALL.refine // 2)
        yield


def windowed(photo, count=COUNT, preset=SMALL, **more):
    return paint(photo, "tape", count, preset, window=1, **more)


# --- geometry -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length, core", [(100, 100), (125, 100), (126, 100), (1000, 100), (999, 100), (64, 1024)])
def test_cuts_cover_without_slivers(length, core):
    for shifted in (False, True):
        places = cuts(length, core, shifted)
        assert places[0] == 0 and places[-1] == length and places == sorted(set(places))
        widths = [b - a for a, b in zip(places, places[1:], strict=False)]
        assert max(widths) <= 1.25 * core + 1
        assert all(width >= 0.62 * core for width in widths[1:-1])
    if len(places) > 2:
        assert not set(places[1:-1]) & set(cuts(length, core, False)[1:-1])


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("pixels", [(400, 400), (300, 1200), (126, 500)])
def test_windows_of_one_color_do_not_touch(pixels, shifted):
    core, found = 100, windows(min(pixels), pixels, 100, 26, shifted)
    covered = torch.zeros(pixels)
    for color, own, part in found:
        covered[own.top : own.bottom, own.left : own.right] += 1
        for other_color, _, other in found:
            if color == other_color and part != other:
                gap = max(
                    other.left - part.right, part.left - other.right, other.top - part.bottom, part.top - other.bottom
                )
                assert gap >= 8
    assert (covered == 1).all() and core == 100


def test_a_part_holds_what_hangs_over_the_canvas_only():
    part = Part(100, 100, 200, 0, 20, 50, 100)
    bounds = torch.tensor([[-0.1, 0.3, 0.2, 0.4], [0.3, 0.3, 0.6, 0.4], [0.1, 0.9, 0.2, 1.1], [0.1, 0.1, 0.2, 0.3]])
    assert part.holding(bounds, 2.0).tolist() == [True, False, True, False]
    assert part.touching(bounds).all()


def test_one_part_owns_each_stroke():
    left, right = Part(100, 100, 200, 0, 0, 50, 100), Part(100, 100, 200, 50, 0, 200, 100)
    middle = torch.tensor([[-0.3, 0.5], [0.49, 0.0], [0.5, 1.0], [2.4, 1.3], [0.499999, 0.2]])
    bounds = torch.cat([middle - 0.2, middle + 0.2], 1)
    assert left.owning(bounds).tolist() == [True, True, False, False, True]
    assert (left.owning(bounds) ^ right.owning(bounds)).all()


# --- quality compared with the joint search ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both():
    """(photo, painting by the joint search, painting by the windowed search)."""
    photo = busy_photo()
    return photo, paint(photo, "tape", COUNT, SMALL), windowed(photo)


def test_as_close_as_in_one_piece(both):
    photo, whole, parted = both
    assert len(parted) == COUNT and parted.metadata["window"] < 64  # three a side
    # In so few steps even closer: each sweep of the refinement begins anew.
    assert -0.05 < parted.psnr(photo, 128) - whole.psnr(photo, 128) < 0.3


def test_no_seams_between_windows():
    preset = dataclasses.replace(SMALL, block_pixels=8, steps=4, refine=24)
    lines, elsewhere = [], []
    for seed in range(2):
        photo = busy_photo(160, 10 * seed)
        painting = windowed(photo, 5000, preset)
        error = painting.render_tensor(160) - resize(photo, 160, 160)
        core = painting.metadata["window"]
        for axis in (1, 2):
            steps = error.diff(dim=axis).abs().mean(0).mean(2 - axis)  # the mean over each line of pixels
            near = torch.zeros(len(steps), dtype=torch.bool)
            for shifted in (False, True):
                for place in cuts(160, core, shifted)[1:-1]:
                    near[place - 3 : place + 2] = True
            lines.append(steps[near])
            elsewhere.append(steps[~near])
    ratio = torch.cat(lines).mean() / torch.cat(elsewhere).mean()
    assert abs(ratio - 1) < 0.05


def test_small_paintings_have_no_windows():
    photo = busy_photo(64)
    assert saved_strokes(paint(photo, "oil", 40, SMALL)) == saved_strokes(paint(photo, "oil", 40, SMALL, window=1024))


def saved_strokes(painting):
    return painting.strokes.numpy().tobytes()


def test_windows_where_memory_is_short(monkeypatch):
    photo = busy_photo(64)
    monkeypatch.setattr(sys.modules["neuralpaint.search.paint"], "WINDOW", 1)
    small = dataclasses.replace(SMALL, steps=2, refine=2, block_pixels=24)
    painting = paint(photo, "tape", COUNT, small, memory="555M")
    assert "window" in painting.metadata
    with pytest.raises(ValueError, match=r"memory: 100M is too little for .*: at least \d+M"):
        paint(photo, "tape", COUNT, small, memory="100M")
    with pytest.raises(ValueError, match="memory must be like 2G"):
        paint(photo, "tape", 2, small, memory="lots")


def test_windows_only_where_one_piece_does_not_do():
    plenty = 1 << 40
    for count, expected in ((500, False), (20_000, False), (100_000, False), (1_000_000, True)):
        problem = Problem.of(torch.zeros(3, 8, 8), get_brush("oil"), count, PRESETS["fast"], (1, 1, 1), None, 0)
        assert needs_windows(problem, plenty, None) is expected
        assert not needs_windows(problem, plenty, 4096)
    assert needs_windows(problem, 1, None)


def test_workers_that_are_lost_again_and_again():
    class Dying(Shuffled):
        def run(self, function, tasks):
            yield next((number, WorkerError("its process died")) for number, _ in enumerate(tasks))

    with pytest.raises(WorkerError, match="a window could not be painted: its process died"):
        windowed(busy_photo(), preset=QUICK, workers=Dying(0))


# --- the same bytes -------------------------------------------------------------------------------------------------

QUICK = dataclasses.replace(SMALL, steps=2, refine=2)


class Shuffled:
    """Takes eight tasks at a time and runs them in random order."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def share(self, value):
        return value

    def run(self, function, tasks):
        waiting, started = enumerate(tasks), []
        while True:
            while len(started) < 8 and (following := next(waiting, None)) is not None:
                started.append(following)
            if not started:
                return
            number, task = started.pop(self.random.randrange(len(started)))
            yield number, function(*task)


@pytest.mark.parametrize("brush, seed", [("oil", 0), ("watercolor", 1)])
def test_the_same_bytes_in_any_order(brush, seed, tmp_path):
    photo = busy_photo()
    first = saved(paint(photo, brush, COUNT, QUICK, window=1), tmp_path)
    assert saved(paint(photo, brush, COUNT, QUICK, window=1, workers=Shuffled(seed)), tmp_path) == first


def test_stopped_and_resumed_to_the_same_bytes(tmp_path, monkeypatch):
    photo = busy_photo()
    straight = windowed(photo, preset=QUICK).strokes
    write, kept = Checkpoint.write, []

    def keep_all(self, state):
        write(self, state)
        kept.append(self.path.read_bytes())

    monkeypatch.setattr("neuralpaint.search.runner._CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(Checkpoint, "write", keep_all)
    windowed(photo, preset=QUICK, checkpoint=tmp_path)
    for data in kept[len(kept) // 3 :: 17]:
        (tmp_path / "search.safetensors").write_bytes(data)
        assert torch.equal(windowed(photo, preset=QUICK, checkpoint=tmp_path, resume=True).strokes, straight)


@pytest.fixture(scope="module")
def between_windows():
    """A search that has painted some windows of a phase, and the search itself."""
    problem = LargeProblem.of(busy_photo(), get_brush("tape"), COUNT, QUICK, (1.0, 1.0, 1.0), ExactRenderer(), 0)
    search = WindowedSearch(problem, 1)
    while "windows" not in search.state_dict():
        search.step()
    return search, search.state_dict()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("windows", torch.zeros(3, dtype=torch.bool)),
        ("windows", torch.zeros(1000)),
        ("parameters", torch.zeros(COUNT, 9)),
        ("strokes", torch.zeros(COUNT + 1, 9)),
        ("position", torch.tensor([0, 0])),
        ("position", torch.tensor([99, 0])),
    ],
)
def test_a_state_that_cannot_be_is_an_error(key, value, between_windows):
    search, state = between_windows
    search.load_state_dict(state)
    with pytest.raises(ValueError):
        search.load_state_dict(state | {key: value})


def test_a_window_keeps_what_it_must_not_move():
    photo = busy_photo()
    moved = []
    step = WindowedSearch.step

    def watched(self):
        before = self.strokes.clone()
        step(self)
        if self._painted is not None and self._painted.sum() > 1:  # with the first one come moved strokes
            moved.append(((before != self.strokes).any(1).sum() / len(before)).item())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WindowedSearch, "step", watched)
        painting = windowed(photo, preset=QUICK)
    assert moved and max(moved) < 0.9  # a window is never the whole canvas
    target = resize(photo, 64, 64)
    assert psnr(painting.render_tensor(64), target) > 12
