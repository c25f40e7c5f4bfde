import errno
import json
import os
import signal
import time

import pytest
import torch

from neuralpaint.data import StrokeDataset
from neuralpaint.data import writer as writing
from neuralpaint.utils.temporary import clean_up, temporary_name

TAPE = ("--brush", "tape", "--count", 50, "--shard-size", 20)


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_vector(run, tmp_path):
    out = tmp_path / "set"
    result = run("strokes", "--out", out, *TAPE, "--seed", 3)
    assert result.code == 0, result.err
    assert "50 tape strokes in 3 shards" in result.out and "50 of them new" in result.out
    stored = StrokeDataset.from_folder(out)
    assert len(stored) == 50 and torch.equal(stored[49].strokes, StrokeDataset("tape", seed=3)[49].strokes)


def test_webdataset(run, tmp_path):
    out = tmp_path / "set"
    result = run("strokes", "--out", out, *TAPE, "--format", "webdataset", "--size", 16)
    assert result.code == 0 and len(list(out.glob("*.tar"))) == 3
    assert json.loads((out / "index.json").read_text())["size"] == 16


@pytest.mark.parametrize("layout", ["vector", "webdataset"])
def test_resume_writes_what_is_missing(run, tmp_path, layout):
    arguments = ("strokes", *TAPE, "--format", layout, "--size", 8, "--out")
    out, whole = tmp_path / "set", tmp_path / "whole"
    assert run(*arguments, whole).code == 0 and run(*arguments, out).code == 0
    first, middle, last = sorted(path for path in out.glob("strokes-*"))
    middle.unlink()
    last.write_bytes(last.read_bytes()[:-700])
    name, _, unique = temporary_name(middle).name.rsplit("-", 2)
    left_over = out / f"{name}-1-{unique}"  # of an earlier process
    left_over.write_bytes(b"half a shard")
    clean_up.cache_clear()
    before = times(out)
    result = run(*arguments, out, "--resume")
    assert result.code == 0 and "30 of them new" in result.out
    assert last.name in result.line and "rewriting it" in result.line
    assert times(out)[first.name] == before[first.name] and not left_over.exists()
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {p.name: p.read_bytes() for p in whole.iterdir()}
    assert "none of them new" in run(*arguments, out, "--resume").out


@pytest.mark.parametrize("layout", ["vector", "webdataset"])
def test_a_shard_that_is_a_link_is_replaced_itself(run, tmp_path, layout):
    arguments = ("strokes", *TAPE, "--format", layout, "--size", 8, "--out", tmp_path / "set")
    assert run(*arguments).code == 0
    shard = max(path for path in (tmp_path / "set").iterdir() if path.suffix != ".json")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"another's")
    whole = shard.read_bytes()
    shard.unlink()
    shard.symlink_to(elsewhere)
    assert run(*arguments, "--resume").code == 0
    assert not shard.is_symlink() and shard.read_bytes() == whole and elsewhere.read_bytes() == b"another's"


def test_a_folder_that_holds_strokes(run, tmp_path):
    out = tmp_path / "set"
    assert run("strokes", "--out", out, *TAPE).code == 0
    (out / "notes.txt").write_text("mine")
    for arguments, words in [
        (TAPE, "contains strokes: add --resume to continue, or --overwrite"),
        ((*TAPE, "--seed", 1, "--resume"), "contains another set (seed 0, not 1)"),
        ((*TAPE, "--brush", "marker", "--resume"), "contains another set (brush tape, not marker)"),
        ((*TAPE, "--format", "webdataset", "--resume"), "contains another set (layout vector, not webdataset)"),
    ]:
        before = times(out)
        result = run("strokes", "--out", out, *arguments)
        assert result.code == 2 and words in result.line
        assert times(out) == before
    assert run("strokes", "--out", out, *TAPE, "--count", 10, "--overwrite").code == 0
    assert sorted(times(out)) == ["index.json", "notes.txt", "strokes-000000.safetensors"]


def test_shards_without_an_index(run, tmp_path):
    out = tmp_path / "set"
    assert run("strokes", "--out", out, *TAPE).code == 0
    (out / "index.json").unlink()
    assert run("strokes", "--out", out, *TAPE).code == 2
    result = run("strokes", "--out", out, *TAPE, "--resume")
    assert result.code == 2 and "it has no index.json" in result.line


def test_a_shard_of_another_version(run, tmp_path):
    from tests.data.test_shards import change_header

    out = tmp_path / "set"
    assert run("strokes", "--out", out, *TAPE).code == 0
    change_header(out / "strokes-000001.safetensors", version=7)
    result = run("strokes", "--out", out, *TAPE, "--resume")
    assert result.code == 2 and "strokes-000001.safetensors has version 7" in result.line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--count", 0), "--count must be"),
        (("--count", -5), "--count must be"),
        (("--count", 10**16), "--count must be"),
        (("--count", 10**15), "need 49.0 PB, but"),
        (("--brush", "ol"), "unknown brush 'ol'"),
        (("--brush", "nowhere.png"), "nowhere.png"),
        (("--format", "tfrecord"), "--format must be vector or webdataset"),
        (("--seed", -1), "--seed must be"),
        (("--size", 0), "--size must be"),
        (("--shard-size", 0), "--shard-size must be"),
        (("--measure",), "--measure writes nothing"),
    ],
)
def test_what_cannot_be(run, tmp_path, arguments, words):
    result = run("strokes", "--out", tmp_path / "set", *arguments)
    assert result.code == 2 and words in result.line
    assert not (tmp_path / "set").exists()


def test_no_folder(run, tmp_path):
    assert "--out DIR is required" in run("strokes", *TAPE).line
    (tmp_path / "file").touch()
    result = run("strokes", "--out", tmp_path / "file", *TAPE)
    assert result.code == 2 and "is a file, but must be a folder" in result.line


def test_too_little_room(run, tmp_path, monkeypatch):
    usage = type("usage", (), {"free": 2000})
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda path: usage)
    result = run("strokes", "--out", tmp_path / "set", *TAPE)
    assert result.code == 2 and "50 strokes need 14.4 kB" in result.line and "2.0 kB free" in result.line
    assert not (tmp_path / "set").exists()
    for layout in ("vector", "webdataset"):
        usage.free = 10**9
        out = tmp_path / layout
        assert run("strokes", "--out", out, *TAPE, "--format", layout).code == 0
        usage.free = 0
        assert run("strokes", "--out", out, *TAPE, "--format", layout, "--resume").code == 0  # nothing to write


@pytest.mark.parametrize("layout", ["vector", "webdataset"])
def test_the_disk_is_full_in_the_middle(run, tmp_path, monkeypatch, layout):
    arguments = ("strokes", "--out", tmp_path, *TAPE, "--format", layout, "--size", 8)
    real, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 5:  # index, first shard, each with its folder; then the second shard
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    result = run(*arguments)
    assert result.code == 1 and "no space left on the disk" in result.line
    suffix = {"vector": "safetensors", "webdataset": "tar"}[layout]
    assert sorted(times(tmp_path)) == ["index.json", f"strokes-000000.{suffix}"]
    monkeypatch.setattr(os, "fsync", real)
    assert run(*arguments, "--resume").code == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_stopped_in_the_middle(run, tmp_path, how, fork_server):
    """Finished shards survive and --resume keeps them; temporary files are removed where possible."""
    out = tmp_path / "set"
    arguments = ["strokes", "--brush", "tape", "--count", "4000", "--shard-size", "400", "--format", "webdataset"]
    arguments += ["--size", "32", "--workers", "0", "--out", str(out)]
    code = "import runpy; runpy.run_module('neuralpaint', run_name='__main__', alter_sys=True)"
    process = fork_server.start(code, *arguments)
    deadline = time.monotonic() + 60
    while len(list(out.glob("*.tar"))) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill(how)
    process.wait()
    if how == signal.SIGKILL:
        assert process.poll() == -how
    else:
        assert process.poll() == 128 + how
        assert "neuralpaint: stopped" in process.err and "Traceback" not in process.err
        assert not [file for file in out.iterdir() if file.name.startswith(".")]
    before = times(out)
    finished = [name for name in before if name.endswith(".tar") and not name.startswith(".")]
    assert 2 <= len(finished) < 10
    result = run(*arguments, "--resume")
    assert result.code == 0 and f"{4000 - 400 * len(finished):,} of them new" in result.out
    after = times(out)
    assert all(after[name] == before[name] for name in finished)
    assert sorted(after) == ["SHA256SUMS", "index.json", *(f"strokes-{k:06d}.tar" for k in range(10))]


def test_measure(run):
    result = run("strokes", "--brush", "tape", "--count", 300, "--size", 16, "--measure", "--batch", 50)
    assert result.code == 0 and "300 tape strokes, 16x16 uint8, batches of 50" in result.out
    assert "strokes/s; the kernel alone" in result.out


def test_a_line_a_minute(monkeypatch, capsys):
    from neuralpaint.cli import strokes

    with strokes._bar() as callback:
        for seconds in (30.0, 61.0, 100.0, 122.0):
            callback(writing.WritingProgress(round(1000 * seconds), 1_000_000, 0, seconds))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "61,000 of 1,000,000 strokes · 1,000 strokes/s · 15:39 left" and len(lines) == 2
