"""neuralpaint paint: results, and errors for invalid use."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neuralpaint.painting.painting import Painting
from neuralpaint.pipelines.batch import distinct_names

pytestmark = pytest.mark.usefixtures("short_search")

QUICK = ("--strokes", 8, "--preset", "fast", "--device", "cpu")


# ---- the real search -------------------------------------------------------------------------------------------------


def test_paints_a_photo(run, photo, tmp_path):
    out, strokes = tmp_path / "out.png", tmp_path / "out.safetensors"
    result = run("paint", photo, "-o", out, "--save", strokes, *QUICK)
    assert result.code == 0 and result.err == ""
    assert Image.open(out).size == (32, 24)
    painting = Painting.load(strokes)
    assert 1 <= len(painting) <= 8 and painting.brush.name == "oil"
    np.testing.assert_array_equal(np.asarray(painting.render()), np.asarray(Image.open(out)))
    assert f"photo.png → {out}: " in result.out and " dB, " in result.out and result.out.count("\n") == 1
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_the_same_seed_paints_the_same(run, photo, tmp_path):
    for name in ("a.png", "b.png"):
        assert run("paint", photo, "-o", tmp_path / name, "--seed", 3, "--brush", "tape", *QUICK).code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_paints_with_a_brush_of_ones_own(run, photo, tmp_path):
    Image.fromarray(np.full((16, 64), 255, np.uint8)).save(tmp_path / "my_brush.png")
    strokes = tmp_path / "s.safetensors"
    arguments = ("-o", tmp_path / "out.png", "--brush", tmp_path / "my_brush.png", "--save", strokes)
    assert run("paint", photo, *arguments, *QUICK).code == 0
    assert Painting.load(strokes).brush.name == "my_brush"


def test_paints_one_pixel(run, tmp_path):
    Image.new("RGB", (1, 1), "red").save(tmp_path / "dot.png")
    assert run("paint", tmp_path / "dot.png", "-o", tmp_path / "out.png", *QUICK).code == 0
    assert Image.open(tmp_path / "out.png").size == (1, 1)


@pytest.fixture
def interrupted(monkeypatch):
    """The search is interrupted, as by Ctrl-C, at its second report."""
    from contextlib import contextmanager

    @contextmanager
    def progress(bars, name):
        reports = []

        def callback(p):
            reports.append(p)
            if len(reports) == 2:
                raise KeyboardInterrupt

        yield callback

    with monkeypatch.context() as patch:
        patch.setattr("neuralpaint.cli.progress.Bars.search", progress)
        patch.setattr("neuralpaint.search.runner._REPORT_SECONDS", 0.0)
        yield patch


def test_ctrl_c_and_resume(run, photo, tmp_path, interrupted):
    state, out = tmp_path / "state", tmp_path / "out.png"
    arguments = ("paint", photo, "-o", out, "--checkpoint", state, *QUICK)
    result = run(*arguments)
    assert result.code == 130 and "to continue: neuralpaint " in result.line and result.line.endswith("--resume")
    assert not out.exists()
    interrupted.undo()
    assert run(*arguments, "--resume").code == 0
    assert Image.open(out).size == (32, 24)


def test_checkpoint_of_another_photo(run, photo, tmp_path, interrupted):
    state, other = tmp_path / "state", tmp_path / "other.png"
    assert run("paint", photo, "-o", tmp_path / "out.png", "--checkpoint", state, *QUICK).code == 130
    interrupted.undo()
    Image.new("RGB", (32, 24), "green").save(other)
    result = run("paint", other, "-o", tmp_path / "out.png", "--checkpoint", state, "--resume", *QUICK)
    assert result.code == 2 and "another photo" in result.line
    assert not (tmp_path / "out.png").exists()


# ---- bad input: one line, exit code 2, nothing painted ---------------------------------------------------------------


def cut(path):
    path.write_bytes(path.read_bytes()[:200])


def bad_photo(kind, tmp_path):
    path = tmp_path / "bad.png"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("not a picture")
    elif kind == "truncated":
        noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
        cut(path)
    elif kind == "long":
        Image.new("RGB", (1, 5000)).save(path)
    return path


@pytest.mark.parametrize(
    "kind, message",
    [
        ("missing", "does not exist"),
        ("empty", "is an empty file"),
        ("text", "is not an image"),
        ("truncated", "is damaged or truncated"),
        ("long", "more than 64 times"),
    ],
)
def test_bad_photo(run, stub, tmp_path, kind, message):
    result = run("paint", bad_photo(kind, tmp_path), "-o", tmp_path / "out.png", *QUICK)
    assert result.code == 2 and message in result.line and "bad.png" in result.line
    assert not stub and not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    "options, message",
    [
        (("--strokes", 0), "--strokes must be from 1 to 1000000, got 0"),
        (("--strokes", -3), "got -3"),
        (("--strokes", 10**9), "got 1000000000"),
        (("--strokes", "many"), "--strokes"),
        (("--size", 0), "--size must be from 1 to 65536, got 0"),
        (("--size", -1), "got -1"),
        (("--size", 10**8), "got 100000000"),
        (("--seed", -1), "--seed must be from 0"),
        (("--brush", "oill"), "unknown brush 'oill' (did you mean 'oil'"),
        (("--brush", "none.png"), "none.png does not exist"),
        (("--grids", 3), "--grids needs --preset paper; preset balanced does not paint in blocks"),
        (("--preset", "paper", "--grids", 0), "--grids must be from 1 to 1024, got 0"),
        (("--preset", "fats"), "unknown preset 'fats' (did you mean 'fast'"),
        (("--background", "whitish"), "unknown colour 'whitish'"),
        (("--depth", 12), "depth must be 8 or 16 bits, got 12"),
        (("--depth", 16, "-o", "out.jpg"), "a .jpg file has 8 bits a channel: use .png or .tif or .tiff"),
        (("--background", "#ffffff00"), "the colour '#ffffff00' has an alpha, but must be opaque: use #rrggbb"),
        (("--device", "abacus"), "unknown device 'abacus'"),
        (("--device", "cuda:99"), "no device 'cuda:99'"),
        (("--device", "meta"), "not supported"),
        (("--resume",), "--resume needs --checkpoint"),
        (("--colour",), "No such option"),
    ],
)
def test_bad_options(run, stub, photo, tmp_path, options, message):
    result = run("paint", photo, "-o", tmp_path / "out.png", *options)
    assert result.code == 2 and message in result.err
    assert not stub and os.listdir(tmp_path) == ["photo.png"]


def test_bad_outputs(run, stub, photo, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for target, message in [
        (tmp_path / "out.xyz", "use one of .png .jpg"),
        (tmp_path / "out", "no suffix"),
        (tmp_path / "nowhere" / "out.png", "its folder does not exist"),
        (tmp_path / "file" / "out.png", "is a file"),
        (tmp_path / "folder.png", "it is a folder"),
        (tmp_path / ("x" * 300 + ".png"), "name is too long"),
        (photo, "is the photo itself"),
    ]:
        result = run("paint", photo, "-o", target, "--overwrite", *QUICK)
        assert result.code == 2 and message in result.line, (target, result.err)
    result = run("paint", photo, "-o", tmp_path / "out.png", "--save", tmp_path / "folder.png", *QUICK)
    assert result.code == 2 and "it is a folder" in result.line
    result = run("paint", photo, "-o", tmp_path / "out.webp", "--size", 16000, *QUICK)
    assert result.code == 2 and "do not fit in a .webp" in result.line
    result = run("paint", photo, "-o", tmp_path / "out.png", "--checkpoint", tmp_path / "file", *QUICK)
    assert result.code == 2 and "must be a folder" in result.line
    assert not stub


def test_an_existing_painting_is_kept(run, stub, photo, tmp_path):
    out = tmp_path / "out.png"
    out.write_bytes(b"mine")
    result = run("paint", photo, "-o", out, *QUICK)
    assert result.code == 2 and "--overwrite" in result.line and out.read_bytes() == b"mine"
    assert run("paint", photo, "-o", out, "--overwrite", *QUICK).code == 0
    assert Image.open(out).size == (32, 24)


def test_nothing_to_paint(run, stub, photo, tmp_path):
    assert run("paint", "-o", "out.png").code == 2
    assert run("paint", photo).code == 2
    (tmp_path / "empty").mkdir()
    result = run("paint", tmp_path / "empty", "-o", tmp_path / "out")
    assert result.code == 2 and "contains no images" in result.line


# ---- what goes wrong while it runs: exit code 1 ----------------------------------------------------------------------


def test_no_space_left(run, stub, photo, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    result = run("paint", photo, "-o", tmp_path / "out.png", *QUICK)
    assert result.code == 1 and "no space left on the disk" in result.line
    assert os.listdir(tmp_path) == ["photo.png"]


@pytest.mark.parametrize(
    "error, message",
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("kernel\nlost"), "kernel lost"),
        (ZeroDivisionError("0"), "internal error (--debug shows the traceback): ZeroDivisionError"),
    ],
)
def test_failures(run, photo, tmp_path, monkeypatch, error, message):
    def paint(*args, **kwargs):
        raise error

    monkeypatch.setattr("neuralpaint.search.paint", paint)
    result = run("paint", photo, "-o", tmp_path / "out.png", *QUICK)
    assert result.code == 1 and message in result.line


def test_debug_shows_the_traceback(photo, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from neuralpaint.cli import app

    result = CliRunner().invoke(app, ["paint", str(photo), "-o", str(tmp_path / "o.xyz"), "--debug"])
    assert isinstance(result.exception, ValueError)


def test_ctrl_c_without_a_checkpoint(run, photo, tmp_path, monkeypatch):
    def paint(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("neuralpaint.search.paint", paint)
    result = run("paint", photo, "-o", tmp_path / "out.png", *QUICK)
    assert result.code == 130 and "use --checkpoint FOLDER to keep it" in result.line


# ---- many photos -----------------------------------------------------------------------------------------------------


def test_a_folder_of_photos(run, stub, photo, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("b.jpg", "a.PNG", "b.png", ".hidden.png"):
        Image.new("RGB", (8, 6), "red").save(photos / name)
    (photos / "notes.txt").write_text("no picture")
    out = tmp_path / "new" / "paintings"
    result = run("paint", photos, photo, "-o", out, "--save", tmp_path / "kept", "--format", "jpg", *QUICK)
    assert result.code == 0
    assert sorted(os.listdir(out)) == ["a.jpg", "b_jpg.jpg", "b_png.jpg", "photo.jpg"]
    kept = ["a.safetensors", "b_jpg.safetensors", "b_png.safetensors", "photo.safetensors"]
    assert sorted(os.listdir(tmp_path / "kept")) == kept
    painted = [line.split(" → ")[0] for line in result.out.splitlines()]
    assert [Path(name).name for name in painted] == ["a.PNG", "b.jpg", "b.png", "photo.png"]


def test_one_bad_photo_does_not_stop_the_others(run, stub, photo, tmp_path):
    bad = bad_photo("truncated", tmp_path)
    result = run("paint", bad, photo, "-o", tmp_path / "out", *QUICK)
    assert result.code == 1
    first, last = result.err.strip().splitlines()
    assert "bad.png is damaged" in first and last.endswith("1 of 2 photos could not be painted")
    assert os.listdir(tmp_path / "out") == ["photo.png"]


def test_resume_leaves_what_is_painted(run, stub, photo, tmp_path):
    Image.new("RGB", (8, 6), "red").save(tmp_path / "other.png")
    arguments = (
        "paint",
        photo,
        tmp_path / "other.png",
        "-o",
        tmp_path / "out",
        "--checkpoint",
        tmp_path / "state",
        *QUICK,
    )
    assert run(*arguments).code == 0 and len(stub) == 2
    assert [call["checkpoint"].name for call in stub] == ["photo", "other"]
    (tmp_path / "out" / "other.png").unlink()
    assert run(*arguments).code == 2 and len(stub) == 2
    result = run(*arguments, "--resume")
    assert result.code == 0 and len(stub) == 3 and "already painted" in result.out
    assert run(*arguments, "--resume", "--overwrite").code == 0 and len(stub) == 5


def test_several_photos_need_a_folder(run, stub, photo, tmp_path):
    Image.new("RGB", (8, 6)).save(tmp_path / "other.png")
    result = run("paint", photo, tmp_path / "other.png", "-o", tmp_path / "out.png", *QUICK)
    assert result.code == 2 and "choose a folder" in result.line
    (tmp_path / "file").touch()
    result = run("paint", photo, tmp_path / "other.png", "-o", tmp_path / "file", *QUICK)
    assert result.code == 2 and "is a file, not a folder" in result.line
    result = run("paint", tmp_path, "-o", tmp_path, "--overwrite", *QUICK)
    assert result.code == 2 and "is the photo itself" in result.line
    result = run("paint", tmp_path, "-o", tmp_path / "out", "--format", "xyz", *QUICK)
    assert result.code == 2 and "'.xyz'" in result.line
    assert not stub


def test_the_same_photo_twice_is_painted_once(run, stub, photo, tmp_path):
    assert run("paint", photo, photo.parent / "." / photo.name, "-o", tmp_path / "out.png", *QUICK).code == 0
    assert len(stub) == 1


def test_a_folder_as_output_of_one_photo(run, stub, photo, tmp_path):
    (tmp_path / "out").mkdir()
    assert run("paint", photo, "-o", tmp_path / "out", "-q", *QUICK).out == ""
    assert os.listdir(tmp_path / "out") == ["photo.png"]


@pytest.mark.parametrize(
    "photos, names",
    [
        (["a.jpg", "b.jpg"], ["a", "b"]),
        (["a.jpg", "a.png"], ["a_jpg", "a_png"]),
        (["a.jpg", "A.png"], ["a_jpg", "A_png"]),
        (["x/a.jpg", "y/a.jpg"], ["a_jpg", "a_jpg_2"]),
        (["x/a.jpg", "y/a.jpg", "a_jpg.png"], ["a_jpg_2", "a_jpg_3", "a_jpg"]),
        (["a.jpg", "a.png", "a_png"], ["a_jpg", "a_png_2", "a_png"]),
    ],
)
def test_distinct_names(photos, names):
    assert distinct_names([Path(p) for p in photos]) == names


def test_progress_on_a_terminal(run, photo, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    result = run("paint", photo, "-o", tmp_path / "out.png", *QUICK)
    assert result.code == 0 and "strokes ·" in result.err and "dB" in result.err


# ---- what is left out, and what must not be overwritten --------------------------------------------------------------


def folder_of(tmp_path, *names):
    folder = tmp_path / "photos"
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".cr2", ".dng", ".txt"):
            path.write_bytes(b"not read")
        else:
            kind = {".jfif": "JPEG", ".mpo": "MPO"}.get(path.suffix)
            Image.new("RGB", (8, 6), "red").save(path, kind)
    return folder


def test_photos_left_out_are_named_at_the_end(run, stub, tmp_path):
    folder = folder_of(tmp_path, "a.png", "b.cr2", "c.dng", "notes.txt", "more/d.png", ".hidden/e.png")
    result = run("paint", folder, "-o", folder / "paintings", *QUICK)
    assert result.code == 0 and sorted(os.listdir(folder / "paintings")) == ["a.png"]
    expected = "2 files and 1 folder left out: b.cr2, c.dng, more/ (save them as JPEG or PNG; --recursive paints"
    assert expected in result.line
    assert run("paint", folder, "-o", folder / "paintings", "-q", "--overwrite", *QUICK).err == ""


def test_many_photos_left_out_make_one_line(run, stub, tmp_path):
    folder = folder_of(tmp_path, "a.png", *(f"{k:02}.cr2" for k in range(30)))
    result = run("paint", folder, "-o", tmp_path / "out", *QUICK)
    assert "30 files left out: 00.cr2, 01.cr2" in result.line and "07.cr2, … (" in result.line


def test_a_folder_without_photos_says_what_it_has(run, stub, tmp_path):
    folder = folder_of(tmp_path, "a.cr2", "more/b.png")
    result = run("paint", folder, "-o", tmp_path / "out", *QUICK)
    assert result.code == 2 and "contains no images" in result.line and "left out: a.cr2, more/" in result.line


def pictures(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))


def test_photos_of_one_name_stay_in_their_folders(run, stub, tmp_path):
    folder = folder_of(tmp_path, "a/x.png", "a/x.jfif", "b/x.png", "b/deep/x.png", "x.png")
    out = tmp_path / "out"
    result = run("paint", folder, "-o", out, "--save", tmp_path / "kept", "--recursive", *QUICK)
    assert result.code == 0
    assert pictures(out) == ["a/x_jfif.png", "a/x_png.png", "b/deep/x.png", "b/x.png", "x.png"]
    assert (tmp_path / "kept" / "b" / "deep").is_dir()
    folder_of(tmp_path / "other", "b/x.png")  # two folders that hold a file of the same place
    arguments = ("paint", folder / "b", tmp_path / "other" / "photos" / "b", "-o", tmp_path / "two", "--recursive")
    assert run(*arguments, *QUICK).code == 0
    assert pictures(tmp_path / "two") == ["deep/x.png", "x_png.png", "x_png_2.png"]


def test_a_folder_of_the_paintings_that_is_a_file(run, stub, tmp_path):
    folder = folder_of(tmp_path, "a/x.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").touch()
    result = run("paint", folder, "-o", tmp_path / "out", "--recursive", *QUICK)
    assert result.code == 2 and "it is a file, not a folder" in result.line


def test_folders_in_folders(run, stub, tmp_path):
    folder = folder_of(tmp_path, "a.png", "more/b.jfif", "more/deep/c.mpo", "more/deep/d.cr2")
    (folder / "more" / "circle").symlink_to(folder)
    out = folder / "paintings"
    for _ in range(2):  # the second time, the paintings are there
        result = run("paint", folder, "-o", out, "--save", out / "kept", "--recursive", "--overwrite", *QUICK)
        assert result.code == 0
        assert pictures(out) == ["a.png", "more/b.png", "more/deep/c.png"]
        assert "1 file and 1 folder left out: more/deep/d.cr2, more/circle/ (save" in result.line


def test_inputs_are_never_overwritten(run, stub, photo, tmp_path):
    brush = tmp_path / "dab.png"
    Image.new("L", (16, 16), 200).save(brush)
    for options, message in [
        (("-o", brush), "dab.png is the image of the brush"),
        (("-o", tmp_path / "out.png", "--save", brush), "dab.png is the image of the brush"),
        (("-o", tmp_path / "." / "dab.png"), "is the image of the brush"),
    ]:
        before = brush.read_bytes()
        result = run("paint", photo, "--brush", brush, *options, "--overwrite", "--preset", "fast")
        assert result.code == 2 and message in result.line and brush.read_bytes() == before
    style = tmp_path / "style.png"
    Image.new("RGB", (32, 32), "red").save(style)
    result = run("paint", photo, "--style-image", style, "-o", style, "--overwrite", *QUICK)
    assert result.code == 2 and "is the style image" in result.line
    assert not stub


def test_an_empty_output(run, stub, photo):
    for command in (
        ("paint", photo, "-o"),
        ("paint", photo, "-o", "out.png", "--save"),
        ("render", photo, "-o"),
        ("stylize", photo, "--all", "-o"),
        ("strokes", "--out"),
        ("train-renderer", "--out"),
        ("train-styles", "--out"),
        ("bench", "--json"),
    ):
        result = run(*command, "")
        assert result.code == 2 and f"{command[-1]} is empty: name a file or a folder" in result.line
    for command in (("strokes", "--out="), ("paint", "", "-o", "out.png"), ("info", "")):
        result = run(*command)
        assert result.code == 2 and "is empty: name a file or a folder" in result.line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strokes", "many"], "--strokes must be a whole number or auto"),
        (["--detail", "nowhere.png"], "nowhere.png does not exist"),
        (["--detail", "MASK", "--preset", "paper"], "does not go with preset 'paper'"),
    ],
)
def test_bad_detail_is_named(run, photo, tmp_path, options, message):
    mask = tmp_path / "mask.png"
    Image.new("L", (8, 8), 255).save(mask)
    result = run("paint", photo, "-o", tmp_path / "out.png", *(mask if each == "MASK" else each for each in options))
    assert result.code == 2 and message in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


def test_a_mask_of_another_shape_is_said_to_be_stretched(run, photo, tmp_path):
    Image.new("L", (30, 8), 255).save(tmp_path / "mask.png")
    with pytest.warns(UserWarning, match="stretched"):  # which `main` shows in a line
        result = run("paint", photo, "-o", tmp_path / "out.png", "--detail", tmp_path / "mask.png", *QUICK)
    assert result.code == 0
