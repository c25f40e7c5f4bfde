"""Searches that are interrupted and resume with identical results."""

import dataclasses
import importlib
import json
import os
import signal
import struct
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from neuralpaint import get_brush, paint
from neuralpaint.renderers import ExactRenderer
from neuralpaint.search import checkpoint as checkpoints
from neuralpaint.search.blocks import BlockSearch
from neuralpaint.search.joint import JointSearch
from neuralpaint.search.problem import Problem
from neuralpaint.utils.files import WriteError
from tests.search.photos import BLOCKS, JOINT, disc_photo, saved

module = importlib.import_module("neuralpaint.search.paint")  # the package's `paint` is the function

SMALL = [dataclasses.replace(JOINT, steps=6, refine=6, reseeds=2), dataclasses.replace(BLOCKS, steps=3)]


def label(preset):
    return preset.method


class Stop(Exception):
    pass


@pytest.fixture
def always(monkeypatch):
    """Writes checkpoints and reports after every step."""
    monkeypatch.setattr("neuralpaint.search.runner._CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr("neuralpaint.search.runner._REPORT_SECONDS", 0.0)


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
        problem = Problem.of(disc_photo(24, 36), get_brush(name), 17, preset, (1.0, 1.0, 1.0), ExactRenderer(), 5)
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
        told = {"callback": lambda p, steps=steps: steps.append(p.step)}
        painting = paint(photo, "tape", 9, preset, checkpoint=folder, resume=True, **told)
        assert saved(painting, tmp_path) == whole
        assert steps[0] in (step, step + 1)  # it resumed rather than started again


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


@pytest.mark.parametrize("number", range(1, 40, 9))
@pytest.mark.parametrize("preset", SMALL, ids=label)
def test_interrupted_within_a_step_and_resumed_gives_the_same_bytes(preset, number, tmp_path, always, monkeypatch):
    from neuralpaint.search.optim.descent import Descent

    photo = disc_photo(24, 24)
    whole = saved(paint(photo, "tape", 9, preset), tmp_path)
    step, calls = Descent.step, []

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) == number and number % 2:
            signal.raise_signal(signal.SIGINT)
        result = step(self, *arguments)
        if len(calls) == number:
            signal.raise_signal(signal.SIGINT)
        return result

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Descent, "step", interrupted)
        paint(photo, "tape", 9, preset, checkpoint=tmp_path / "state")
        raise KeyboardInterrupt  # it had fewer steps
    assert saved(paint(photo, "tape", 9, preset, checkpoint=tmp_path / "state", resume=True), tmp_path) == whole


def test_a_second_search_with_the_same_checkpoint_is_refused(tmp_path, always):
    photo, refused = disc_photo(24, 24), []

    def second(progress):
        with pytest.raises(ValueError, match="another run is writing to [^\n]+$"):
            paint(photo, "tape", 9, SMALL[0], checkpoint=tmp_path, resume=True)
        refused.append(progress.step)

    paint(photo, "tape", 9, SMALL[0], checkpoint=tmp_path, callback=second)
    assert refused
    paint(photo, "tape", 9, SMALL[0], checkpoint=tmp_path, resume=True)


def test_an_interrupt_waits_for_the_checkpoint(tmp_path, always, monkeypatch):
    write = checkpoints.Checkpoint.write

    def interrupted(self, state):
        signal.raise_signal(signal.SIGINT)
        write(self, state)

    monkeypatch.setattr(checkpoints.Checkpoint, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        paint(disc_photo(24, 24), "tape", 9, SMALL[0], checkpoint=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["search.safetensors"]


def test_without_resume_it_begins_anew(tmp_path, always):
    photo = disc_photo(24, 24)
    paint(photo, "tape", 9, SMALL[0], checkpoint=tmp_path)
    steps = []
    paint(photo, "marker", 5, SMALL[0], checkpoint=tmp_path, callback=lambda p: steps.append(p.step))
    assert steps[0] == 1
    paint(photo, "marker", 5, SMALL[0], checkpoint=tmp_path, resume=True)


# --- kill -9 --------------------------------------------------------------------------------------------------------

# A process that paints for each line it reads ("kill" and a moment, or "finish"), in a child that it kills itself: so
# torch is imported once and not once a kill. It never uses torch itself, so that its children start clean.
_PAINTER = """
import importlib, os, random, signal, sys, time
import torch
torch.set_num_threads(1)
from neuralpaint import paint
from neuralpaint.search import Preset
from tests.search.photos import disc_photo
module = importlib.import_module("neuralpaint.search.runner")
module._CHECKPOINT_SECONDS = module._REPORT_SECONDS = 0.0

def child(method, folder, out, pipe):
    preset = Preset("killed", method=method, stages=3, steps=20, reseeds=1, refine=30, block_pixels=12)
    painting = paint(disc_photo(32, 40), "watercolor", 14, preset, checkpoint=folder or None, resume=bool(folder),
                     callback=lambda p: os.write(pipe, f"{p.step} {p.steps}\\n".encode()))
    painting.save(out)

def run(method, folder, out, moments=None):
    # Returns the step it began with and how it ended; with `moments`, kills it somewhere on its way.
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            child(method, folder, out, writing)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as lines:
        began, steps = map(int, lines.readline().split())
        if moments:
            for _ in range(moments.randrange(max(1, (steps - began) // 3))):
                lines.readline()
            time.sleep(moments.uniform(0, 0.003))  # not only at the end of a step
            os.kill(pid, signal.SIGKILL)
        lines.read()
    return began, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

folder = sys.argv[1]
for method in ("joint", "blocks"):
    path, moments = folder + "/" + method, random.Random(method)
    print(*run(method, "", path + ".whole"))
    for _ in range(4):
        print(*run(method, path + ".state", path + ".resumed", moments))
    print(*run(method, path + ".state", path + ".resumed"), flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_killed_at_any_moment_and_resumed_gives_the_same_bytes(tmp_path):
    done = subprocess.run([sys.executable, "-c", _PAINTER, tmp_path], stdout=subprocess.PIPE, text=True, timeout=300)
    assert done.returncode == 0
    ends = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    for method, (whole, *killed, last) in (("joint", ends[:6]), ("blocks", ends[6:])):
        assert whole == (1, 0) and last[1] == 0
        assert [code for _, code in killed] == [-signal.SIGKILL] * 4
        began = [step for step, _ in (*killed, last)]
        assert (
            began == sorted(began) and began[0] == 1 and began[-1] > 20
        )  # each went on where the one before was killed
        assert (tmp_path / f"{method}.resumed").read_bytes() == (tmp_path / f"{method}.whole").read_bytes()


def test_a_kill_while_writing_leaves_the_state_before(tmp_path, always, monkeypatch):
    """A new file replaces the old one only when it is complete."""
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
    """The folder of a search interrupted half way, and its file."""
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
    assert str(file) in str(caught.value) and "start again" in str(caught.value)
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
    with pytest.raises(ValueError, match="checkpoint .* is not a search checkpoint"):
        resume(folder)


def test_a_state_of_a_newer_version_is_told(half, monkeypatch):
    folder, _ = half
    monkeypatch.setattr(checkpoints, "_VERSION", checkpoints._VERSION + 1)
    with pytest.raises(Stop):
        paint(disc_photo(24, 24), "tape", 9, SMALL[0], checkpoint=folder, callback=stop_at(10))
    monkeypatch.undo()
    with pytest.raises(ValueError, match="newer version"):
        resume(folder)


def test_a_state_of_an_older_version_is_told(half, monkeypatch):
    folder, _ = half
    monkeypatch.setattr(checkpoints, "_VERSION", checkpoints._VERSION + 1)
    with pytest.raises(ValueError, match="older version.*start again"):
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


def rewrite(file, change, checksum="none"):
    """Changes the header and the state of a checkpoint; without a checksum, as files of older versions are."""
    with safe_open(file, "pt") as opened:
        header = json.loads(opened.metadata()["neuralpaint"])
        state = {key: opened.get_tensor(key).clone() for key in opened.keys()}  # noqa: SIM118
    assert len(header["sha256"]) == 64
    if checksum == "none":
        del header["sha256"]
    changed = change(header, state)
    header = header if changed is None else changed
    file.write_bytes(save(state, {"neuralpaint": header if isinstance(header, str) else json.dumps(header)}))


@pytest.mark.parametrize("preset", SMALL, ids=label)
def test_a_state_without_a_checksum_is_still_read(preset, tmp_path, always):
    photo = disc_photo(24, 24)
    with pytest.raises(Stop):
        paint(photo, "tape", 9, preset, checkpoint=tmp_path, callback=stop_at(7))
    rewrite(next(tmp_path.iterdir()), lambda header, state: None)
    resumed = paint(photo, "tape", 9, preset, checkpoint=tmp_path, resume=True)
    assert torch.equal(resumed.strokes, paint(photo, "tape", 9, preset).strokes)


def test_a_changed_state_is_told(half):
    folder, file = half
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    with pytest.raises(ValueError, match="checkpoint .* is damaged .its checksum does not match.: start again"):
        resume(folder)


def put(name, value):
    return lambda header, state: state.update({name: value(state[name]) if callable(value) else value})


def drop(name):
    return lambda header, state: state.__delitem__(name)


def begin_again(state):
    """Strokes as they are, of a search that has not begun: as many again would be added."""
    state["position"] = torch.tensor([0, 0])
    for name in ("parameters", "adam.mean", "adam.square", "rmsprop.square"):
        state.pop(name, None)


BOTH = {
    "header is a list": lambda header, state: [1],
    "header nested": lambda header, state: "[" * 100_000,
    "header a number": lambda header, state: "1" + "0" * 5000,
    "settings": lambda header, state: header | {"settings": [1]},
    "no settings": lambda header, state: header.pop("settings") and None,
    "version": lambda header, state: header | {"version": [2]},
    "checksum": lambda header, state: header | {"sha256": [2]},
    "no checksum, but more": lambda header, state: header | {"sha257": "0"},
    "no position": drop("position"),
    "begun again": lambda header, state: begin_again(state),
    "position far": put("position", torch.tensor([99, 0])),
    "position below": put("position", torch.tensor([-1, 0])),
    "steps far": put("position", torch.tensor([0, 10**9])),
    "steps below": put("position", torch.tensor([0, -1])),
    "a whole position": put("position", torch.tensor(3)),
    "position of floats": put("position", torch.tensor([0.0, 1.0])),
    "no strokes": drop("strokes"),
    "strokes cut": put("strokes", lambda old: torch.zeros(len(old) + 1, 8)),
    "strokes more": put("strokes", lambda old: torch.zeros(len(old) + 5, 9)),
    "strokes flat": put("strokes", torch.zeros(())),
    "strokes double": put("strokes", lambda old: old.double()),
    "strokes not finite": put("parameters", lambda old: old * torch.nan),
    "generator": put("generator", torch.zeros(3, dtype=torch.uint8)),
    "generator of floats": put("generator", torch.zeros(5056)),
    "no generator": drop("generator"),
    "no parameters": drop("parameters"),
    "parameters": put("parameters", torch.zeros(1)),
}
ONE = {
    "joint": {
        "block": put("block", torch.zeros(1)),
        "no block": drop("block"),
        "mean": put("adam.mean", torch.zeros(9)),
        "no square": drop("adam.square"),
    },
    "blocks": {
        "chosen": put("chosen", torch.ones(3, dtype=torch.bool)),
        "no chosen": drop("chosen"),
        "square": put("rmsprop.square", torch.zeros(1)),
    },
}
DAMAGES = [(preset, name, harm) for preset in SMALL for name, harm in (BOTH | ONE[preset.method]).items()]


@pytest.mark.parametrize(
    ("preset", "harm"), [(p, harm) for p, _, harm in DAMAGES], ids=[f"{p.method}-{name}" for p, name, _ in DAMAGES]
)
def test_a_state_that_cannot_be_is_told(preset, harm, tmp_path, always):
    with pytest.raises(Stop):
        paint(disc_photo(24, 24), "tape", 9, preset, checkpoint=tmp_path, callback=stop_at(8))
    (file,) = tmp_path.iterdir()
    rewrite(file, harm)
    before = file.read_bytes()
    with pytest.raises(ValueError) as caught:
        resume(tmp_path, preset=preset)
    text = str(caught.value)
    assert text.startswith(f"checkpoint {file}") and "\n" not in text and len(text) < 400
    assert file.read_bytes() == before


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot write"):
        paint(disc_photo(24, 24), "tape", 2, SMALL[0], checkpoint=tmp_path / "file")


def test_the_same_state_is_the_same_bytes(tmp_path):
    for name in "ab":
        paint(disc_photo(24, 24), "tape", 9, SMALL[1], checkpoint=tmp_path / name)
    a, b = (next((tmp_path / name).iterdir()).read_bytes() for name in "ab")
    assert a == b
