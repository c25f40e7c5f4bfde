"""Folders of photos: parallel jobs, summary table, non-fatal failures, resuming."""

import csv
import json
import os
import sys

import numpy as np
import pytest
from PIL import Image

from neuralpaint.pipelines.summary import Row, Summary, read_summary

pytestmark = pytest.mark.usefixtures("short_search")

QUICK = ("--strokes", "6", "--preset", "fast", "--size", "24")


@pytest.fixture
def photos(tmp_path):
    """A folder with four photos and one file that is not an image."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(4):
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((30, 24), Image.Resampling.BICUBIC).save(folder / f"{seed}.png")
    (folder / "bad.png").write_bytes((folder / "0.png").read_bytes()[:60])
    return folder


def contents(folder):
    return {name: (folder / name).read_bytes() for name in sorted(os.listdir(folder))}


def test_several_at_a_time_are_the_same_as_one_after_another(run, photos, tmp_path, forked_workers):
    table = tmp_path / "table.csv"
    arguments = ("--save", tmp_path / "strokes", "--summary", table, *QUICK)
    result = run("paint", photos, "-o", tmp_path / "one", *arguments)
    assert result.code == 1 and "1 of 5 photos could not be painted" in result.err
    one, strokes, rows = contents(tmp_path / "one"), contents(tmp_path / "strokes"), read_summary(table)
    assert len(one) == len(strokes) == 4
    assert sorted(row.status for row in rows.values()) == ["failed"] + ["painted"] * 4
    assert "damaged" in rows[str(photos / "bad.png")].error

    result = run("paint", photos, "-o", tmp_path / "two", *arguments, "--jobs", 2, "--overwrite")
    assert result.code == 1 and "bad.png" in result.err and result.out.count(" dB, 6 strokes") == 4
    assert contents(tmp_path / "two") == one and contents(tmp_path / "strokes") == strokes
    again = read_summary(table)
    assert {name: row.psnr for name, row in again.items() if row.status == "painted"} == {
        name: row.psnr for name, row in rows.items() if row.status == "painted"
    }


def test_goes_on_with_what_is_left(run, stub, photos, tmp_path):
    out, table = tmp_path / "out", tmp_path / "table.json"
    arguments = ("paint", photos, "-o", out, "--summary", table, "--skip-done", *QUICK)
    assert run(*arguments).code == 1 and len(stub) == 4
    (out / "2.png").unlink()
    Image.new("RGB", (30, 24), "red").save(photos / "bad.png")
    result = run(*arguments)
    assert result.code == 0 and len(stub) == 6 and result.out.count("already painted") == 3
    rows = json.loads(table.read_text())
    assert [row["status"] for row in rows] == ["painted"] * 5  # what the first run painted is still in the table
    assert all(row["psnr"] > 0 and row["seconds"] > 0 for row in rows)


def test_what_was_painted_without_a_table_is_skipped(run, stub, photos, tmp_path):
    (photos / "bad.png").unlink()
    assert run("paint", photos, "-o", tmp_path / "out", *QUICK).code == 0
    result = run("paint", photos, "-o", tmp_path / "out", "--skip-done", "--summary", tmp_path / "t.csv", *QUICK)
    assert result.code == 0 and len(stub) == 4 and result.out.count("already painted") == 4
    with open(tmp_path / "t.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["skipped"] * 4 and rows[0]["psnr"] == ""


def test_ctrl_c_keeps_the_table(run, photos, tmp_path, monkeypatch):
    def paint(*arguments, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("neuralpaint.search.paint", paint)
    result = run("paint", photos, "-o", tmp_path / "out", "--summary", tmp_path / "t.csv", "--skip-done", *QUICK)
    assert result.code == 130 and "to continue: neuralpaint" in result.line
    assert read_summary(tmp_path / "t.csv") == {}


@pytest.mark.parametrize(
    "options, message",
    [
        (("--jobs", "0"), "--jobs must be from 1"),
        (("--summary", "t.txt"), "use the suffix .csv or .json"),
        (("--memory", "much"), "--memory must be like 2G"),
        (("--memory", "10M"), "memory: 10M is too little"),
        (("--window", "0"), "--window must be from 1"),
        (("--jobs", "2", "--ray", "auto"), "use either --jobs"),
    ],
)
def test_bad_options(run, photo, tmp_path, options, message):
    result = run("paint", photo, "-o", tmp_path / "out.png", *options, *QUICK)
    assert result.code == 2 and message in result.line
    assert os.listdir(tmp_path) == ["photo.png"]


def test_a_summary_is_not_written_over_something_else(run, photo, tmp_path):
    (tmp_path / "t.csv").write_text("my,table\n1,2\n")
    options = ("--summary", tmp_path / "t.csv", *QUICK)
    assert "already exists" in run("paint", photo, "-o", tmp_path / "out.png", *options).line
    assert (
        "is not a neuralpaint summary" in run("paint", photo, "-o", tmp_path / "out.png", "--skip-done", *options).line
    )


def test_one_photo_gets_the_workers_for_its_windows(run, stub, photo, tmp_path):
    assert run("paint", photo, "-o", tmp_path / "a.png", "--jobs", 2, "--window", 512, *QUICK).code == 0
    assert stub[0]["workers"].count == 2 and stub[0]["window"] == 512
    assert run("paint", photo, "-o", tmp_path / "b.png", *QUICK).code == 0
    assert stub[1]["workers"] is None


def test_ray_needs_no_address(run, stub, photo, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    for options in (("--ray",), ("--ray", *QUICK), ("--ray", "auto")):
        result = run("paint", photo, "-o", tmp_path / "out.png", *options)
        assert result.code == 2 and "pip install 'neuralpaint[ray]'" in result.line


def test_rows_go_and_come(tmp_path):
    for name in ("t.csv", "t.json"):
        summary = Summary(tmp_path / name)
        summary.add(Row("b, c.jpg", "x.png", "painted", 21.0625, 3.5, 10))
        summary.add(Row("a.jpg", "y.png", "failed", error='it is "bad"'))
        summary.write()
        rows = read_summary(tmp_path / name)
        assert list(rows) == ["a.jpg", "b, c.jpg"]
        assert rows["b, c.jpg"].psnr == 21.062 and rows["a.jpg"].error == 'it is "bad"'


def test_a_note_is_kept(tmp_path):
    for name in ("t.csv", "t.json"):
        summary = Summary(tmp_path / name)
        summary.add(Row("a.jpg", "y.png", "painted", note="style −5 %"))
        summary.write()
        assert read_summary(tmp_path / name)["a.jpg"].note == "style −5 %"


def test_names_that_are_no_utf8(run, stub, photo, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9.png")
    (folder / name).write_bytes(photo.read_bytes())
    for table in ("t.csv", "t.json"):
        options = ("-o", tmp_path / "out", "--summary", tmp_path / table, "--overwrite", *QUICK)
        assert run("paint", folder, *options).code == 0
        (row,) = read_summary(tmp_path / table).values()
        assert row.status == "painted" and row.photo.endswith(name)


def test_strokes_need_a_file_of_their_own(run, stub, photo, tmp_path):
    out = tmp_path / "out.png"
    assert "choose another file for --save" in run("paint", photo, "-o", out, "--save", out, *QUICK).line
    assert "must be a .safetensors file" in run("paint", photo, "-o", out, "--save", tmp_path / "s.npz", *QUICK).line
    assert os.listdir(tmp_path) == ["photo.png"]
