"""Searches that stop, and go on as if they never had."""

import dataclasses
import importlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time

import pytest
import torch

from neuralpaint import get_brush, paint
from neuralpaint.files import WriteError
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search import checkpoint as checkpoints
from neuralpaint.search.blocks import BlockSearch
from neuralpaint.search.joint import JointSearch
from neuralpaint.search.problem import Problem
from tests.search.photos import BLOCKS, JOINT, METHODS, disc_photo, saved

module = importlib.import_module("neuralpaint.search.paint")  # the package's `paint` is the function

SMALL = [dataclasses.replace(JOINT, steps=6, refine=6, reseeds=2), dataclasses.replace(BLOCKS, steps=3)]


def label(preset):
    return preset.method


class Stop(Exception):
    pass


@pytest.fixture
def always(monkeypatch):
    """Keeps the state, and reports, after every step instead of now and then."""
    monkeypatch.setattr(module, "_CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(module, "_REPORT_SECONDS", 0.0)


def stop_at(step):
    def callback(event):
        if event.step == step:
            raise Stop

    return callback


# --- the state ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["oil", "marker", "pixel"])
@pytest.mark.parametrize("preset", SMALL, ids=label)
def test_a_search_handed_on_after_every_step_ends_the_same(preset, name):
    def begin():
        problem = Problem(disc_photo(24, 36), get_brush(name), 17, preset, (1.0, 1.0, 1.0), ExactRenderer(), 5)
        return BlockSearch(problem) if preset.method == "blocks" else JointSearch(problem)

    straight, relayed = begin(), begin()
    while not straight.finished:
        straight.step()
        relayed.step()
        following = begin()
        following.load_state_dict(relayed.state_dict())
        assert following.steps_done == straight.steps_done and following.stage == straight.stage
        assert following.work() == straight.work() and following.finished == straight.finished
        relayed = following
    assert torch.equal(straight.strokes, relayed.strokes)


@pytest.mark.parametrize("preset", SMALL, ids=label)
def test_stopped_at_any_step_and_resumed_gives_the_same_bytes(preset, tmp_path, always):
    photo, events = disc_photo(24, 24), []
    whole = saved(paint(photo, "tape", 9, preset, callback=events.append), tmp_path)
    for step in (1, 2, events[-1].steps // 2, events[-1].steps - 1):
        folder = tmp_path / str(step)
        with pytest.raises(Stop):
            paint(photo, "tape", 9, preset, checkpoint=folder, callback=stop_at(step))
        steps = []
        painting = paint(
            photo,
            "tape",
            9,
            preset,
            checkpoint=folder,
            resume=True,
            callback=lambda p, steps=steps: steps.append(p.step),
        )
        assert saved(painting, tmp_path) == whole
        assert steps[0] in (step, step + 1)  # it went on, and did not begin anew


@pytest.mark.parametrize("preset", SMALL, ids=label)
def test_resuming_what_is_finished_gives_it_again_at_once(preset, tmp_path):
    photo, folder, events = disc_photo(24, 24), tmp_path / "state", []
    first = paint(photo, "tape", 9, preset, checkpoint=folder)
    again = paint(photo, "tape", 9, preset, checkpoint=folder, resume=True, callback=events.append)
    assert torch.equal(first.strokes, again.strokes) and not events


@pytest.mark.parametrize("preset", SMALL, ids=label)
def test_a_checkpoint_changes_nothing(preset, tmp_path, always):
    photo = disc_photo(24, 24)
    plain = paint(photo, "tape", 9, preset).strokes
    assert torch.equal(paint(photo, "tape", 9, preset, checkpoint=tmp_path / "new" / "folder").strokes, plain)
    assert torch.equal(paint(photo, "tape", 9, preset, checkpoint=tmp_path / "empty", resume=True).strokes, plain)


def test_without_resume_it_begins_anew(tmp_path, always):
    photo = disc_photo(24, 24)
    paint(photo, "tape", 9, SMALL[0], checkpoint=tmp_path)
    steps = []
    paint(photo, "marker", 5, SMALL[0], checkpoint=tmp_path, callback=lambda p: steps.append(p.step))
    assert steps[0] == 1
    paint(photo, "marker", 5, SMALL[0], checkpoint=tmp_path, resume=True)


# --- kill -9 --------------------------------------------------------------------------------------------------------

# Prints a line for every step, and writes the strokes at the end.
_CHILD = """
import importlib, sys
import torch
torch.set_num_threads(1)
from neuralpaint import paint
from neuralpaint.search import Preset
from tests.search.photos import disc_photo
module = importlib.import_module("neuralpaint.search.paint")
module._CHECKPOINT_SECONDS = module._REPORT_SECONDS = 0.0
method, folder, out = sys.argv[1:]
preset = Preset("killed", method=method, stages=3, steps=60, reseeds=1, refine=60, block_pixels=16)
print("ready", flush=True)
painting = paint(disc_photo(32, 40), "watercolor", 14, preset, checkpoint=folder or None, resume=bool(folder),
                 callback=lambda p: print(p.step, p.steps, flush=True))
painting.save(out)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("method", ["joint", "blocks"])
def test_killed_at_any_moment_and_resumed_gives_the_same_bytes(method, tmp_path):
    def start(folder, out):
        return subprocess.Popen(
            [sys.executable, "-c", _CHILD, method, str(folder), str(out)], stdout=subprocess.PIPE, text=True
        )

    reference = start("", tmp_path / "whole")
    moments = random.Random(method)
    killed, began = 0, []
    for attempt in range(3):
        child = start(tmp_path / "state", tmp_path / "resumed")
        assert child.stdout.readline() == "ready\n"
        step, steps = map(int, child.stdout.readline().split())
        began.append(step)
        # Somewhere in the first half of what is left, and not at the end of a step.
        for _ in range(moments.randrange(max(1, (steps - step) // 2))):
            child.stdout.readline()
        time.sleep(moments.uniform(0, 0.004))
        child.send_signal(signal.SIGKILL)
        child.stdout.close()
        killed += child.wait() == -signal.SIGKILL
        assert not (tmp_path / "resumed").exists(), f"attempt {attempt} came to its end before it was killed"
    child = start(tmp_path / "state", tmp_path / "resumed")
    began.append(int(child.communicate()[0].split()[1]))
    reference.communicate()
    assert child.returncode == reference.returncode == 0
    assert killed == 3 and began == sorted(began) and began[0] == 1 and began[-1] > 1
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()
    assert not [path for path in (tmp_path / "state").iterdir() if not path.name.startswith(".")][1:]


def test_a_kill_while_writing_leaves_the_state_before(tmp_path, always, monkeypatch):
    """Whatever is written, the new file takes the old one's place only when it is whole."""
    photo = disc_photo(24, 24)
    whole = paint(photo, "tape", 9, SMALL[0]).strokes
    with pytest.raises(Stop):
        paint(photo, "tape", 9, SMALL[0], checkpoint=tmp_path, callback=stop_at(7))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(Stop))
    with pytest.raises(Stop):
        paint(photo, "tape", 9, SMALL[0], checkpoint=tmp_path, resume=True)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert torch.equal(paint(photo, "tape", 9, SMALL[0], checkpoint=tmp_path, resume=True).strokes, whole)


# --- what does not fit ----------------------------------------------------------------------------------------------


@pytest.fixture
def half(tmp_path, always):
    """The folder of a search that stopped half way, and its one file."""
    with pytest.raises(Stop):
        paint(disc_photo(24, 24), "tape", 9, SMALL[0], checkpoint=tmp_path, callback=stop_at(10))
    (file,) = tmp_path.iterdir()
    return tmp_path, file


def resume(folder, **changes):
    arguments = {"image": disc_photo(24, 24), "brush": "tape", "strokes": 9, "preset": SMALL[0]} | changes
    return paint(**arguments, checkpoint=folder, resume=True)


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"image": disc_photo(24, 25)}, "another photo"),
        ({"image": disc_photo(24, 24).flip(0)}, "another photo"),
        ({"brush": "marker"}, "brush"),
        ({"strokes": 10}, "strokes"),
        ({"preset": dataclasses.replace(SMALL[0], steps=7)}, "preset"),
        ({"preset": SMALL[1]}, "preset"),
        ({"canvas": "black"}, "canvas"),
        ({"seed": 1}, "seed"),
        ({"seed": 1, "strokes": 10}, "strokes, seed"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else value,
)
def test_a_state_of_something_else_is_refused_and_kept(changes, named, half):
    folder, file = half
    before = file.read_bytes()
    with pytest.raises(ValueError, match=f"(?s)checkpoint .*{named}") as caught:
        resume(folder, **changes)
    assert str(file) in str(caught.value) and "anew" in str(caught.value)
    assert file.read_bytes() == before


def test_the_size_of_the_render_is_no_matter(half):
    assert resume(half[0], size=200).size == 200


@pytest.mark.parametrize("left", [0, 5, 100, -1])
def test_a_truncated_state_is_told(left, half):
    folder, file = half
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(ValueError, match="checkpoint .* cannot be read"):
        resume(folder)


def test_what_is_no_state_is_told(half):
    folder, file = half
    file.write_bytes(b"my holiday\n" * 100)
    with pytest.raises(ValueError, match="checkpoint .* cannot be read"):
        resume(folder)
    paint(disc_photo(24, 24), "tape", 2, SMALL[0]).save(file)
    with pytest.raises(ValueError, match="checkpoint .* is not the state of a search"):
        resume(folder)


def test_a_state_of_a_newer_version_is_told(half, monkeypatch):
    folder, _ = half
    monkeypatch.setattr(checkpoints, "_VERSION", checkpoints._VERSION + 1)
    with pytest.raises(Stop):
        paint(disc_photo(24, 24), "tape", 9, SMALL[0], checkpoint=folder, callback=stop_at(10))
    monkeypatch.undo()
    with pytest.raises(ValueError, match="newer version"):
        resume(folder)


def test_a_damaged_header_is_told(half):
    folder, file = half
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = {key: value[: len(value) // 2] for key, value in header["__metadata__"].items()}
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    with pytest.raises(ValueError, match="checkpoint"):
        resume(folder)


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot write"):
        paint(disc_photo(24, 24), "tape", 2, SMALL[0], checkpoint=tmp_path / "file")


def test_the_same_state_is_the_same_bytes(tmp_path):
    for name in "ab":
        paint(disc_photo(24, 24), "tape", 9, SMALL[1], checkpoint=tmp_path / name)
    a, b = (next((tmp_path / name).iterdir()).read_bytes() for name in "ab")
    assert a == b


def test_presets_are_told_apart_only_by_what_they_do():
    assert len({preset.method for preset in METHODS}) == 2
