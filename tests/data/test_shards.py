import json
import signal

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from neuralpaint.brushes import TexturedBrush, get_brush
from neuralpaint.data import StrokeDataset
from neuralpaint.data.shards import StrokeSet
from neuralpaint.data.writer import in_bytes, write_set


def a_set(brush="tape", **changes):
    return StrokeSet(get_brush(brush), **({"count": 25, "seed": 4, "size": 8, "shard_size": 10} | changes))


@pytest.fixture
def folder(tmp_path):
    write_set(tmp_path / "set", a_set())
    return tmp_path / "set"


def shard(folder, number=1):
    return folder / f"strokes-{number:06d}.safetensors"


def test_what_is_on_the_disk(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["index.json", *(shard(folder, k).name for k in range(3))]
    facts = json.loads((folder / "index.json").read_text())
    assert (facts["brush"], facts["count"], facts["seed"], facts["shards"]) == ("tape", 25, 4, 3)
    assert facts["parameters"] == list(get_brush("tape").parameters)
    strokes = torch.cat([load_file(shard(folder, k))["strokes"] for k in range(3)])
    assert strokes.dtype == torch.float32
    assert torch.equal(strokes, StrokeDataset("tape", 25, seed=4).parameters.take(torch.arange(25)))


def test_a_folder_is_a_dataset(folder):
    stored, made = StrokeDataset.from_folder(folder), StrokeDataset("tape", 25, seed=4, size=8)
    for batches in zip(stored.stream(7), made.stream(7), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(*batches, strict=True))
    index = torch.tensor([24, 0, 9, 10, 9])
    assert torch.equal(stored.draw(index).foreground, made.draw(index).foreground)
    assert StrokeDataset.from_folder(folder, size=(4, 6))[3].alpha.shape == (1, 4, 6)
    made.stream(7).load_state_dict(stored.stream(7).state_dict())  # the same strokes


def test_a_brush_of_ones_own_goes_with_its_strokes(tmp_path):
    rng = np.random.default_rng(0)
    alpha, ridge = rng.integers(0, 256, (2, 16, 32), dtype=np.uint8)
    brush = TexturedBrush("mine", alpha=alpha, ridge=ridge)
    write_set(tmp_path, StrokeSet(brush, 4, size=16))
    stored = StrokeDataset.from_folder(tmp_path)
    assert stored.brush == brush
    assert torch.equal(stored[2].foreground, StrokeDataset(brush, 4, size=16)[2].foreground)


def change_header(path, **changes):
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["strokes"]) | changes
    save_file({"strokes": load_file(path)["strokes"].clone()}, path, metadata={"strokes": json.dumps(facts)})


def change_strokes(path, strokes=None, header=None, name="strokes"):
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()["strokes"]
    strokes = torch.zeros(10, 9) if strokes is None else strokes
    save_file({name: strokes}, path, metadata={"strokes": header or kept})


def flip(path):
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-20]), "is damaged or truncated"),
    "empty": (lambda path: path.write_bytes(b""), "is damaged or truncated"),
    "garbled": (lambda path: path.write_bytes(b"x" * 500), "is damaged or truncated"),
    "version": (lambda path: change_header(path, version=99), "has version 99, this neuralpaint reads 1"),
    "seed": (lambda path: change_header(path, seed=5), "belongs to another set: seed 5, not 4"),
    "place": (lambda path: change_header(path, first=0), "belongs to another set: first 0, not 10"),
    "brush": (lambda path: change_header(path, brush="oil"), "belongs to another set: brush oil, not tape"),
    "strokes": (lambda path: change_strokes(path), "is damaged: its checksum does not match its strokes"),
    "a bit": (lambda path: flip(path), "is damaged: its checksum does not match its strokes"),
    "shape": (lambda path: change_strokes(path, torch.ones(3, 9)), "its header does not match its strokes"),
    "type": (lambda path: change_strokes(path, torch.ones(10, 9).half()), "its header does not match its strokes"),
    "no strokes": (lambda path: change_strokes(path, name="other"), "its header does not match its strokes"),
    "header nested": (lambda path: change_strokes(path, header="[" * 100_000), "is damaged or truncated"),
    "header cut": (lambda path: change_strokes(path, header="{"), "is damaged or truncated"),
    "header a list": (lambda path: change_strokes(path, header="[1]"), "it has another format"),
    "checksum": (lambda path: change_header(path, sha256=[1]), "its checksum does not match its strokes"),
    "checksum null": (lambda path: change_header(path, sha256=None), "its checksum does not match its strokes"),
    "header twice": (lambda path: change_strokes(path, header='{"a": 1, "a": 2}'), "is damaged or truncated"),
    "first": (lambda path: change_header(path, first={}), "belongs to another set: first {}, not 10"),
    "nothing of ours": (lambda path: save_file({"a": torch.ones(2)}, path), "it has another format"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bad_shard_is_named(folder, damage):
    harm, message = DAMAGES[damage]
    harm(shard(folder))
    data = StrokeDataset.from_folder(folder)
    data.draw(torch.arange(10))
    with pytest.raises(ValueError, match=rf"strokes-000001\.safetensors {message}|{message}"):
        data.draw(torch.arange(12))


def test_a_missing_shard_is_named(folder):
    shard(folder).unlink()
    with pytest.raises(ValueError, match=r"1 of 3 shards are missing, first strokes-000001\.safetensors"):
        StrokeDataset.from_folder(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "index.json has version 2"),
        ({"format": "other"}, "it has another format"),
        ({"brush": "crayon"}, "unknown brush 'crayon'"),
        ({"fingerprint": "0"}, "different parameters or another texture"),
        ({"count": -1}, "count must be"),
        ({"layout": "webdataset"}, "webdataset library"),
        ({"seed": None}, "seed must be"),
        ({"seed": 10**400}, "seed must be"),
        ({"size": "128"}, "size must be"),
        ({"shard_size": True}, "shard_size must be"),
        ({"layout": ["vector"]}, "layout must be a text"),
        ({"layout": "zip"}, "unknown format 'zip'"),
        ({"brush": 5}, "brush must be a text"),
        ({"fingerprint": None}, "fingerprint must be a text"),
    ],
)
def test_an_index_that_cannot_be(folder, change, message):
    facts = json.loads((folder / "index.json").read_text())
    checksum = facts.pop("sha256")
    (folder / "index.json").write_text(json.dumps(facts | change))
    with pytest.raises(ValueError, match=message):
        StrokeDataset.from_folder(folder)
    (folder / "index.json").write_text(json.dumps(facts | change | {"sha256": checksum}))
    with pytest.raises(ValueError, match=rf"its checksum does not match|{message}"):
        StrokeDataset.from_folder(folder)


@pytest.mark.parametrize("change", [{"parameters": []}, {"shards": 4}, {"sha256": None}, {"more": 1}])
def test_an_index_is_what_was_written(folder, change):
    facts = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(facts | change))
    with pytest.raises(ValueError, match=r"index\.json is damaged .its checksum does not match"):
        StrokeDataset.from_folder(folder)
    del facts["sha256"]
    (folder / "index.json").write_text(json.dumps(facts))
    assert len(StrokeDataset.from_folder(folder)) == 25


def test_a_shard_without_a_checksum_is_still_read(folder):
    with safe_open(shard(folder), framework="pt") as file:
        facts = json.loads(file.metadata()["strokes"])
    assert len(facts.pop("sha256")) == 64
    save_file(load_file(shard(folder)), shard(folder), metadata={"strokes": json.dumps(facts)})
    assert torch.equal(StrokeDataset.from_folder(folder).draw(torch.arange(25)).strokes, a_set_of_strokes())


def a_set_of_strokes():
    return StrokeDataset("tape", 25, seed=4).parameters.take(torch.arange(25))


@pytest.mark.parametrize("content", [b"x" * 100, b"", b"\x02" + bytes(7) + b"{}"])
def test_a_damaged_texture_is_named(folder, content):
    (folder / "brush.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"brush\.safetensors is damaged"):
        StrokeDataset.from_folder(folder)


@pytest.mark.parametrize("text", ["[" * 100_000, "1" + "0" * 5000, "\x00", "{"])
def test_an_index_that_is_no_json(folder, text):
    (folder / "index.json").write_text(text)
    with pytest.raises(ValueError, match=r"index\.json is damaged"):
        StrokeDataset.from_folder(folder)


def test_folders_that_hold_no_set(tmp_path):
    with pytest.raises(ValueError, match="no such folder"):
        StrokeDataset.from_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"it has no index\.json"):
        StrokeDataset.from_folder(tmp_path)
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(ValueError, match=r"index\.json is damaged"):
        StrokeDataset.from_folder(tmp_path)


def test_bytes_for_people():
    assert [in_bytes(n) for n in (12, 48.1e6, 999_999, 4.8e15)] == ["12 bytes", "48.1 MB", "1.0 MB", "4.8 PB"]


@pytest.mark.parametrize("how", ["resume", "overwrite"])
@pytest.mark.parametrize("layout", ["vector", "webdataset"])
def test_a_second_writer_changes_nothing(tmp_path, how, layout):
    refused = []

    def second(progress):
        before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        with pytest.raises(ValueError, match="another run is writing to [^\n]+$"):
            write_set(tmp_path, a_set(layout=layout), **{how: True})
        assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
        refused.append(progress.done)

    write_set(tmp_path, a_set(layout=layout), callback=second)
    assert refused[-1] == 25
    assert write_set(tmp_path, a_set(layout=layout), resume=True) == 25
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("layout", ["vector", "webdataset"])
def test_an_interrupted_writer_leaves_whole_shards_only(tmp_path, layout, monkeypatch):
    def interrupt(progress):
        if progress.done >= 20:
            signal.raise_signal(signal.SIGINT)

    plan = a_set(layout=layout)
    with pytest.raises(KeyboardInterrupt):
        write_set(tmp_path, plan, callback=interrupt)
    kept = 20 if layout == "vector" else 10  # the images' second shard was not closed
    names = {"index.json", *map(plan.name, range(kept // 10))} | ({"SHA256SUMS"} if layout == "webdataset" else set())
    assert {path.name for path in tmp_path.iterdir()} == names
    assert write_set(tmp_path, plan, resume=True) == kept
