"""--pens and .json outputs: from the command line to the files."""

import json

import pytest
import torch

from neuralpaint import Painting, get_brush

pytestmark = pytest.mark.usefixtures("short_search")
PENS = '- {name: dark, color: "#202020", width_mm: 0.4}\n- {name: light, color: "#e0c080"}\n'


@pytest.fixture
def saved(tmp_path):
    brush = get_brush("tape")
    painting = Painting(brush.sample(8, torch.Generator().manual_seed(0)), brush)
    painting.save(tmp_path / "p.safetensors")
    (tmp_path / "pens.yaml").write_text(PENS)
    return tmp_path / "p.safetensors"


def test_paints_for_a_plotter(run, photo, tmp_path):
    pytest.importorskip("shapely")
    quick = ("--strokes", 5, "--preset", "fast", "--device", "cpu", "--brush", "tape", "--palette", "zorn", "--opaque")
    result = run("paint", photo, "-o", tmp_path / "plot.svg", "-o", tmp_path / "out.png", "--pens", "auto", *quick)
    assert result.code == 0, result.err
    assert " pen lifts, about " in result.out and "5 strokes" in result.out and result.out.count("\n") == 1
    text = (tmp_path / "plot.svg").read_text()
    assert 'width="297mm"' in text and 'inkscape:label="4 ivory black"' in text


def test_renders_for_a_plotter_and_a_robot(run, saved, tmp_path):
    pytest.importorskip("shapely")
    outputs = ("-o", tmp_path / "plot.svg", "-o", tmp_path / "robot.json")
    result = run("render", saved, *outputs, "--pens", tmp_path / "pens.yaml", "--size-mm", 50)
    assert result.code == 0, result.err
    assert " pens, " in result.out
    text = (tmp_path / "plot.svg").read_text()
    assert 'width="70mm"' in text and "1 dark" in text and "2 light" in text and 'stroke-width="0.4"' in text
    content = json.loads((tmp_path / "robot.json").read_text())
    assert content["canvas"] == {"width": 50, "height": 50} and len(content["strokes"]) == 8


def test_without_pens_it_is_a_painting(run, saved, tmp_path):
    assert run("render", saved, "-o", tmp_path / "out.svg").code == 0
    assert "<path" in (tmp_path / "out.svg").read_text()


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("out.png", ("--pens", "auto"), "--pens is for a vector file"),
        ("out.pdf", ("--pens", "auto"), "--pens"),
        ("out.svgz", ("--pens", "auto"), "not .svgz"),
        ("out.svg", ("--pens", "none.yaml"), "none.yaml cannot be read: it does not exist"),
        ("out.svg", ("--pens", "auto", "--svg-style", "simple"), "--svg-style"),
        ("out.svg", ("--pens", "auto", "--size-mm", 20000), "size_mm"),
        ("out.json", ("--svg-style", "simple"), "--svg-style is for"),
        ("out.json", ("--size-mm", 0.5), "size_mm"),
    ],
)
def test_says_what_is_wrong(run, saved, tmp_path, out, options, words):
    result = run("render", saved, "-o", tmp_path / out, *options)
    assert result.code == 2 and words in result.err and result.err.count("\n") == 1
    assert not (tmp_path / out).exists()


def test_the_output_is_not_the_list_of_pens(run, saved, tmp_path):
    pens = tmp_path / "pens.svg"
    pens.write_text(PENS)
    result = run("render", saved, "-o", pens, "--pens", pens, "--overwrite")
    assert result.code == 2 and pens.read_text() == PENS
