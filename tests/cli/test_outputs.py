"""Several outputs in one run: which are written, and which are refused before anything is painted."""

import os
import sys

import numpy as np
import pytest
from PIL import Image

from neuralpaint.painting.painting import Painting

QUICK = ("--strokes", 6, "--preset", "fast", "--device", "cpu")


def test_one_run_writes_several_files(run, stub, photo, tmp_path):
    names = ["a.png", "b.jpg", "c.tiff", "d.safetensors"]
    outputs = [option for name in names for option in ("-o", tmp_path / name)]
    result = run("paint", photo, *outputs, "--save", tmp_path / "kept.safetensors", *QUICK)
    assert result.code == 0 and result.err == "" and len(stub) == 1
    painting = Painting.load(tmp_path / "d.safetensors")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), np.asarray(painting.render()))
    assert Image.open(tmp_path / "b.jpg").size == Image.open(tmp_path / "c.tiff").size == (32, 24)
    assert (tmp_path / "kept.safetensors").read_bytes() == (tmp_path / "d.safetensors").read_bytes()
    assert result.out.count("\n") == 1 and all(name in result.out for name in names)


def test_render_writes_several_files(run, stroke_file, tmp_path):
    outputs = ("-o", tmp_path / "a.png", "-o", tmp_path / "b.webp", "-o", tmp_path / "c.safetensors")
    assert run("render", stroke_file, *outputs, "--size", 40, "--device", "cpu").code == 0
    painting = Painting.load(tmp_path / "c.safetensors")
    assert painting.size == 40 and Image.open(tmp_path / "b.webp").size == (60, 40)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), np.asarray(painting.render()))


@pytest.mark.parametrize("formats", [("--format", "png,.JPG"), ("--format", "png", "--format", "jpg")])
def test_a_folder_of_several_formats(run, stub, photo, tmp_path, formats):
    Image.new("RGB", (8, 6), "red").save(tmp_path / "other.png")
    arguments = ("paint", photo, tmp_path / "other.png", "-o", tmp_path / "out", *formats, *QUICK)
    assert run(*arguments).code == 0 and len(stub) == 2
    assert sorted(os.listdir(tmp_path / "out")) == ["other.jpg", "other.png", "photo.jpg", "photo.png"]
    (tmp_path / "out" / "photo.jpg").unlink()
    result = run(*arguments, "--skip-done")  # only what has all of its files is done
    assert result.code == 0 and len(stub) == 3 and result.out.count("already painted") == 1
    assert (tmp_path / "out" / "photo.jpg").exists()


def test_processes_write_several_formats(run, photo, tmp_path, short_search, forked_workers):
    Image.new("RGB", (8, 6), "red").save(tmp_path / "other.png")
    photos = (photo, tmp_path / "other.png")
    result = run("paint", *photos, "-o", tmp_path / "out", "--format", "png,safetensors", "--jobs", 2, *QUICK)
    assert result.code == 0
    for name in ("photo", "other"):
        painting = Painting.load(tmp_path / "out" / f"{name}.safetensors")
        picture = np.asarray(Image.open(tmp_path / "out" / f"{name}.png"))
        np.testing.assert_array_equal(picture, np.asarray(painting.render()))


@pytest.mark.parametrize(
    "outputs, message",
    [
        (("a.png", "b.xyz"), "cannot write to b.xyz: the suffix '.xyz'; use one of .png .jpg"),
        (("a.png", "b"), "no suffix"),
        (("a.png", "./a.png"), "a.png is given twice"),
        (("a.png", "folder"), "folder is a folder: give files with -o"),
        (("a.png", "there.png"), "there.png already exists: choose another file, or add --overwrite"),
        (("a.png", "photo.png"), "photo.png is the photo itself"),
        (("a.png", "nowhere/b.png"), "its folder does not exist"),
        (("a.png", "b.safetensors", "--save", "b.safetensors"), "choose another file for --save"),
        (("a.png", "b.jpg", "--format", "png"), "b.jpg has its format from its suffix"),
        (("a.png", "--size-mm", "100"), "--size-mm is for a vector file, such as -o out.svg, which is not among"),
        (("a.png", "--svg-style", "simple"), "--svg-style is for a vector file"),
    ],
)
def test_outputs_that_are_refused(run, stub, photo, tmp_path, monkeypatch, outputs, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.png").write_bytes(b"mine")
    before = sorted(os.listdir(tmp_path))
    options = outputs[outputs.index(next(o for o in outputs if o.startswith("--"))) :] if "--" in str(outputs) else ()
    files = [option for name in outputs[: len(outputs) - len(options)] for option in ("-o", name)]
    result = run("paint", "photo.png", *files, *options, *QUICK)
    assert result.code == 2 and message in result.line
    assert not stub and sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(
    "options, message",
    [
        (("-o", "a.png", "-o", "b.png"), "give one folder with -o, and the formats with --format"),
        (("-o", "out", "--format", "png,xyz"), "'.xyz'"),
        (("-o", "out", "--format", "png,png"), "--format names png twice"),
        (("-o", "out", "--format", "png,"), "use one of"),
    ],
)
def test_folders_that_are_refused(run, stub, photo, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 6)).save("other.png")
    result = run("paint", photo, "other.png", *options, *QUICK)
    assert result.code == 2 and message in result.line
    assert not stub and sorted(os.listdir(tmp_path)) == ["other.png", "photo.png"]


def test_a_missing_library_is_said_first(run, stub, photo, tmp_path, monkeypatch):
    from neuralpaint.painting.exporters import Exporter, base

    exporter = Exporter("image", (".fake",), "neuralpaint.painting.exporters.image:write_image", "", "fakelib", "fake")
    monkeypatch.setitem(base._EXPORTERS, ".fake", exporter)
    monkeypatch.setitem(sys.modules, "fakelib", None)
    result = run("paint", photo, "-o", tmp_path / "a.png", "-o", tmp_path / "b.fake", *QUICK)
    assert result.code == 2 and "pip install 'neuralpaint[fake]'" in result.line
    assert not stub and os.listdir(tmp_path) == ["photo.png"]
