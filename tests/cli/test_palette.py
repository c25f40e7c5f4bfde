"""neuralpaint paint --palette: results, and errors for invalid use."""

import numpy as np
import pytest
from PIL import Image

from neuralpaint.images.palette import PALETTES, Palette
from neuralpaint.painting.painting import Painting

pytestmark = pytest.mark.usefixtures("short_search")

QUICK = ("--strokes", 6, "--preset", "fast", "--device", "cpu", "--brush", "tape")


def test_paints_with_the_colours_of_a_file(run, photo, tmp_path):
    paints = tmp_path / "paints.txt"
    paints.write_text("#d83a24 red\n#101010 black\n")
    strokes = tmp_path / "s.safetensors"
    result = run("paint", photo, "-o", strokes, "--palette", paints, "--opaque", *QUICK)
    assert result.code == 0, result.err
    painting = Painting.load(strokes)
    assert [entry["name"] for entry in painting.metadata["palette"]] == ["red", "black"]
    # Opaque flat rectangles: nothing else can show but the background, and where edges mix them.
    picture = np.asarray(painting.render(256)).reshape(-1, 3)
    allowed = np.array([[216, 58, 36], [16, 16, 16], [255, 255, 255]])
    exact = (np.abs(picture[:, None].astype(int) - allowed).max(-1) <= 1).any(1)
    assert exact.mean() > 0.8


def test_a_palette_of_each_photo(run, tmp_path):
    for name, color in (("a", "red"), ("b", "blue")):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.new("RGB", (24, 24), color).save(tmp_path / "in" / f"{name}.png")
    result = run("paint", tmp_path / "in", "-o", tmp_path / "out", "--format", "safetensors", "--palette", 3, *QUICK)
    assert result.code == 0, result.err
    for name, color in (("a", "#ff0000"), ("b", "#0000ff")):
        painting = Painting.load(tmp_path / "out" / f"{name}.safetensors")
        assert Palette.from_json(painting.metadata["palette"]).hexes == (color,)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--palette", "0"), "from 1 to 256"),
        (("--palette", "500"), "from 1 to 256"),
        (("--palette", "#ff000"), "#ff000"),
        (("--palette", "none.txt"), "does not exist"),
        (("--palette", "zon"), "zorn"),
        (("--opaque",), "--opaque needs --palette"),
        (("--palette", "zorn", "--preset", "paper"), "--preset paper"),
        (("--palette", "zorn", "--style-image", "x.png"), "--style-image"),
    ],
)
def test_says_what_is_wrong(run, photo, tmp_path, options, words):
    result = run("paint", photo, "-o", tmp_path / "out.png", *QUICK, *options)
    assert result.code == 2 and words in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


def test_the_output_is_not_the_palette(run, photo, tmp_path):
    path = tmp_path / "paints.safetensors"
    path.write_text("#d83a24\n")
    result = run("paint", photo, "-o", path, "--palette", path, "--overwrite", *QUICK)
    assert result.code == 2 and path.read_text() == "#d83a24\n"


def test_the_help_names_every_palette(run):
    text = run("paint", "--help").out
    assert all(name in text for name in PALETTES)
