"""neuralpaint render, info, brushes, and the main program."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint.brushes import get_brush
from neuralpaint.painting.painting import Painting


def test_render(run, stroke_file, tmp_path):
    out = tmp_path / "out.png"
    result = run("render", stroke_file, "-o", out, "--size", 64, "--device", "cpu")
    assert result.code == 0 and result.out.strip().endswith("out.png: 96x64 pixels, 12 strokes")
    np.testing.assert_array_equal(np.asarray(Image.open(out)), np.asarray(Painting.load(stroke_file).render(64)))
    assert run("render", stroke_file, "-o", out).code == 2
    assert run("render", stroke_file, "-o", out, "--overwrite").code == 0
    assert Image.open(out).size == (24, 16)


def test_render_of_the_reference_implementations_file(run, tmp_path):
    np.savez(tmp_path / "s.npz", x_ctt=np.full((4, 2, 5), 0.5), x_color=np.zeros((4, 2, 3)), x_alpha=np.ones((4, 2, 1)))
    assert run("render", tmp_path / "s.npz", "-o", tmp_path / "out.png", "--size", 32).code == 0
    assert Image.open(tmp_path / "out.png").convert("L").getextrema() == (0, 255)
    assert json.loads(run("info", tmp_path / "s.npz", "--json").out)["strokes"] == 8


def damage(path, kind):
    from safetensors.torch import save_file

    header = {"format": "neuralpaint.painting", "version": 1, "brush": "tape", "aspect": [1, 1], "size": 8}
    header |= {"canvas": [1, 1, 1], "metadata": {}}
    strokes = torch.rand(3, 9)
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
        return
    if kind == "newer":
        header["version"] = 99
    elif kind == "NaN":
        strokes[1, 2] = torch.nan
    elif kind == "shape":
        strokes = strokes[:, :7].contiguous()
    elif kind == "brush":
        header["brush"] = "crayon"
    elif kind == "range":
        strokes[0, 3] = -4
    save_file({"strokes": strokes}, path, metadata={"painting": json.dumps(header)})


@pytest.mark.parametrize("command", ["render", "info"])
@pytest.mark.parametrize(
    "kind, message",
    [
        ("truncated", "not a neuralpaint stroke file, or it is truncated"),
        ("newer", "update neuralpaint"),
        ("NaN", "NaN"),
        ("shape", "have 9 parameters"),
        ("brush", "unknown brush 'crayon'"),
        ("range", "h is from -4"),
    ],
)
def test_bad_stroke_files(run, stroke_file, tmp_path, command, kind, message):
    damage(stroke_file, kind)
    options = ("-o", tmp_path / "out.png") if command == "render" else ()
    result = run(command, stroke_file, *options)
    assert result.code == 2 and message in result.line and "strokes.safetensors" in result.line
    assert not (tmp_path / "out.png").exists()


def test_render_refuses(run, stroke_file, tmp_path):
    for strokes, out, message in [
        (tmp_path / "none", tmp_path / "out.png", "does not exist"),
        (tmp_path, tmp_path / "out.png", "is a folder"),
        (stroke_file, tmp_path / "out.xyz", "use one of"),
        (stroke_file, tmp_path / "no" / "out.png", "its folder does not exist"),
        (stroke_file, stroke_file / "out.png", "is a file"),
    ]:
        result = run("render", strokes, "-o", out)
        assert result.code == 2 and message in result.line
    assert run("render", stroke_file, "-o", tmp_path / "out.png", "--size", 0).code == 2
    assert "do not fit" in run("render", stroke_file, "-o", tmp_path / "out.webp", "--size", 12000).line


def test_info(run, stroke_file):
    shown = run("info", stroke_file)
    assert shown.code == 0
    for fact in ("tape", "12", "#102030", "apple [1].jpg", "xc yc w h theta r g b a"):
        assert fact in shown.out
    facts = json.loads(run("info", stroke_file, "--json").out)
    assert (facts["brush"], facts["strokes"], facts["width"], facts["height"]) == ("tape", 12, 24, 16)
    assert facts["metadata"] == {"photo": "apple [1].jpg"} and facts["bytes"] == stroke_file.stat().st_size


def test_brushes(run):
    result = run("brushes")
    assert result.code == 0
    for name in ("oil", "watercolor", "marker", "tape", "pixel", "round", "flat", "mop", "theta=0", "radius2"):
        assert name in result.out
    assert "tape" not in run("brushes", "oil").out
    assert "unknown brush" in run("brushes", "oi1").line


def test_brush_sheet(run, tmp_path):
    Image.fromarray(np.full((8, 32), 200, np.uint8)).save(tmp_path / "mine.png")
    sheet = tmp_path / "sheet.png"
    assert run("brushes", "tape", "marker", tmp_path / "mine.png", "--sheet", sheet).code == 0
    rows = np.asarray(Image.open(sheet)).reshape(3, 160, -1, 3)
    assert rows.shape[2] > 600
    for row in rows:  # something is painted beside the name
        assert (row[:, 120:] != 255).mean() > 0.03
    assert run("brushes", "--sheet", sheet).code == 2
    assert run("brushes", "--sheet", tmp_path / "sheet.xyz").code == 2


@pytest.mark.parametrize("name", ["oil", "watercolor", "marker", "tape", "pixel", "round", "flat"])
def test_sample_strokes_keep_what_is_held(name):
    brush = get_brush(name)
    strokes = brush.examples(5)
    for index, value in brush.held:
        assert (strokes[:, index] == value).all()


def test_program(run):
    from neuralpaint import __version__

    assert run("--version").out == f"neuralpaint {__version__}\n"
    for command in ("paint", "render", "info", "brushes"):
        shown = run(command, "--help")
        assert shown.code == 0 and f"neuralpaint {command}" in shown.out and "Example" in shown.out
        assert command in run("--help").out
    assert run("pain").code == 2
    assert run().code in (0, 2)


def test_help_does_not_wait_for_torch():
    code = "import sys, neuralpaint.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_public_names():
    import neuralpaint

    for name in neuralpaint.__all__:
        assert getattr(neuralpaint, name) is not None and name in dir(neuralpaint)
    with pytest.raises(AttributeError, match="stylise"):
        _ = neuralpaint.stylise


def test_the_stroke_file_is_never_overwritten(run, stroke_file, tmp_path):
    link = tmp_path / "strokes.png"
    link.symlink_to(stroke_file)
    before = stroke_file.read_bytes()
    result = run("render", stroke_file, "-o", link, "--overwrite")
    assert result.code == 2 and "is the stroke file" in result.line and stroke_file.read_bytes() == before
    result = run("render", stroke_file, "-o", stroke_file, "--overwrite")
    assert result.code == 2 and stroke_file.read_bytes() == before
