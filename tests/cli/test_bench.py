"""neuralpaint bench."""

import json

import pytest
import torch

from neuralpaint import _extension as extension
from neuralpaint.roofline import cases, limits
from neuralpaint.roofline import run as runs
from neuralpaint.roofline.timing import time_call


@pytest.fixture
def brief(monkeypatch, short_search):
    """Times everything with few rounds."""
    monkeypatch.setattr(limits, "MEMORY_BYTES", 1 << 20)
    monkeypatch.setitem(limits._MM_SIZES, "cpu", (96,))
    monkeypatch.setattr(limits, "time_call", lambda f, device, seconds: time_call(f, device, 0.01, 3))
    monkeypatch.setattr(runs, "time_call", lambda f, device, seconds, rounds: time_call(f, device, 0.01, 3))


@pytest.fixture
def few(monkeypatch, brief):
    """One small case per op, so that a run takes a second."""
    rows = [
        cases.rasterize("tape", 4, 32),
        cases.composite(2, 3, 32, True),
        cases.render("oil", 1, 4, 32, True),
        cases.search_step("oil", 5, 32),
        cases.sinkhorn(1, 8, "sqeuclidean", True),
        cases.generate("oil", 4, 32),
        cases.painting("tape", 3, 16, "fast"),
    ]
    monkeypatch.setattr(runs, "cases", lambda quick=False: iter(rows))
    return rows


def test_json(run, few, tmp_path):
    result = run("bench", "--quick", "--device", "cpu", "--threads", 1, "--json", tmp_path / "b.json")
    assert result.code == 0 and not result.err
    found = json.loads((tmp_path / "b.json").read_text())
    assert found["format"] == "neuralpaint.bench" and found["machine"]["threads"] == 1 and found["device"] == "cpu"
    assert [row["op"] for row in found["rows"]] == [case.op for case in few]
    for row in found["rows"]:
        assert 0 < row["shortest_ms"] <= row["low_ms"] <= row["median_ms"] <= row["high_ms"] and row["rounds"] >= 3
        assert row["per_second"] > 0 and (row["op"] == "paint") == (row["share"] is None)
        assert row["share"] is None or row["share"] == pytest.approx(row["limit_ms"] / row["median_ms"])
        assert f"{row['variant']}" in result.out
    assert {row["limit"] for row in found["rows"]} <= {"fill", "copy", "FMA", "FMA + exp", None}
    assert found["limits"]["FMA, float32"]["value"] > found["limits"]["exp, float32"]["value"] > 0
    assert list(tmp_path.iterdir()) == [tmp_path / "b.json"]


@pytest.mark.slow
def test_every_op_is_in_the_quick_rows(run, brief, tmp_path):
    assert run("bench", "--quick", "--device", "cpu", "--json", tmp_path / "b.json").code == 0
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    ops = {"rasterize", "composite", "render", "render_loss", "render_paths", "sinkhorn", "generate", "paint"}
    assert {row["op"] for row in rows} == ops


@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_trace(run, few, tmp_path, name):
    import gzip

    result = run("bench", "--quick", "--device", "cpu", "--trace", tmp_path / name)
    assert result.code == 0
    data = (tmp_path / name).read_bytes()
    events = json.loads(gzip.decompress(data) if name.endswith("gz") else data)["traceEvents"]
    seen = {event.get("name") for event in events}
    for span in ("rasterize", "composite", "composite backward", "render", "sinkhorn", "paint", "search step"):
        assert f"neuralpaint.{span}" in seen
    assert f"neuralpaint.bench {few[0].name}" in seen


def test_threads(run, few, monkeypatch):
    """The requested number of threads during the run; the previous number afterwards."""
    before, seen = torch.get_num_threads(), []

    def fail(*_):
        seen.append(torch.get_num_threads())
        raise RuntimeError("enough")

    monkeypatch.setattr(runs, "run", fail)
    assert run("bench", "--threads", before + 1, "--device", "cpu").code == 1
    assert seen == [before + 1] and torch.get_num_threads() == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--device", "warp"], "unknown device 'warp'"),
        (["--device", "mps"], "is not supported"),
        (["--threads", 0], "--threads must be from 1"),
        (["--json", "nowhere/b.json"], "its folder does not exist"),
        (["--trace", "nowhere/t.json"], "its folder does not exist"),
        (["--json", "."], "it is a folder"),
        (["--json", "a.json", "--trace", "a.json"], "--json and --trace name the same file"),
    ],
)
def test_bad_input(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run("bench", *arguments)
    assert result.code == 2 and message in result.line and not list(tmp_path.iterdir())


@pytest.mark.skipif(extension.HAS_CUDA and torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu(run):
    assert run("bench", "--device", "cuda").code == 2


def test_existing_file_is_kept(run, few, tmp_path):
    file = tmp_path / "b.json"
    file.write_text("mine")
    result = run("bench", "--json", file)
    assert result.code == 2 and "already exists" in result.line and file.read_text() == "mine"
    assert run("bench", "--device", "cpu", "--json", file, "--overwrite").code == 0 and json.loads(file.read_text())


def test_a_failure_leaves_no_file(run, few, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(runs, "measure", fail)
    result = run("bench", "--device", "cpu", "--json", tmp_path / "b.json")
    assert result.code == 1 and result.line == "neuralpaint: out of luck" and not list(tmp_path.iterdir())
