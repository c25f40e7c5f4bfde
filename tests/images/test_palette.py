"""Palettes: OKLab, the colours of a photo, and what people may write for a palette."""

import numpy as np
import pytest

from neuralpaint.images.oklab import from_oklab, to_oklab
from neuralpaint.images.palette import PALETTES, Palette, get_palette, parse_palette


def test_oklab_has_the_published_values():
    # Ottosson 2020: white is (1, 0, 0); red of sRGB as CSS Color 4 gives it.
    lab = to_oklab(np.array([[1, 1, 1], [1, 0, 0], [0, 0, 0]]))
    np.testing.assert_allclose(lab, [[1, 0, 0], [0.62796, 0.22486, 0.12585], [0, 0, 0]], atol=2e-5)


def test_oklab_there_and_back():
    rgb = np.random.default_rng(0).random((500, 3))
    np.testing.assert_allclose(from_oklab(to_oklab(rgb)), rgb, atol=1e-9)


def test_finds_the_colours_of_a_picture():
    true = Palette(("#d83a24", "#204080", "#f0e0c0", "#101010"))
    random = np.random.default_rng(1)
    picture = true.array[random.choice(4, (40, 30), p=[0.7, 0.2, 0.09, 0.01])] + random.normal(0, 0.005, (40, 30, 3))
    found = Palette.from_colors(picture.clip(0, 1), 4)
    distance = np.linalg.norm(to_oklab(found.array)[:, None] - to_oklab(true.array), axis=-1)
    assert sorted(distance.argmin(1)) == [0, 1, 2, 3] and distance.min(1).max() < 0.01
    assert found == Palette.from_colors(picture.clip(0, 1), 4)
    lightness = to_oklab(found.array)[:, 0]
    assert (np.diff(lightness) > 0).all()


def test_a_picture_of_few_colours_has_a_palette_of_few():
    picture = np.zeros((8, 8, 3))
    picture[:, 4:] = 1
    assert Palette.from_colors(picture, 12).hexes == ("#000000", "#ffffff")


def test_weights_count():
    rgb = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0]])
    assert Palette.from_colors(rgb, 3, weights=np.array([1, 2, 0])).hexes == ("#000000", "#ffffff")


def test_nearest_is_by_eye():
    palette = Palette(("#000000", "#ffffff", "#0000ff"))
    assert palette.nearest(np.array([[0.9, 0.9, 0.8], [0.1, 0.1, 0.9]])).tolist() == [1, 2]
    # In OKLab blue is much darker than its mean of R, G and B would be for a grey.
    assert palette.nearest(np.zeros((2, 5, 3))).shape == (2, 5)


@pytest.mark.parametrize("name", PALETTES)
def test_palettes_of_painters(name):
    palette = parse_palette(name.upper())
    assert palette.names == tuple(color for color, _ in PALETTES[name])
    assert Palette.from_json(palette.to_json()) == palette


def test_reads_a_list_and_a_file(tmp_path):
    path = tmp_path / "paints.txt"
    path.write_text("; my paints\n\n#d83a24 warm red\n  navy\n#FFFFFF\twhite\n")
    palette = parse_palette(str(path))
    assert palette.hexes == ("#d83a24", "#000080", "#ffffff")
    assert palette.names[0] == "warm red" and palette.names[2] == "white" and "blue" in palette.names[1]
    assert parse_palette("#d83a24, navy,#ffffff").hexes == palette.hexes
    assert parse_palette(" 12 ") == 12 and get_palette(12) == 12
    assert get_palette([(1, 0, 0), "black"]).hexes == ("#ff0000", "#000000")


def test_names_tell_similar_colours_apart():
    palette = Palette.from_colors(np.random.default_rng(2).random((900, 3)), 64)
    assert len(set(palette.names)) == len(palette) == 64


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "from 1 to 256, got 0"),
        ("500", "from 1 to 256, got 500"),
        ("-3", "got -3"),
        ("9" * 5000, "from 1 to 256"),
        ("#12345", "unknown colour '#12345'"),
        ("#ff0000,,#00ff00", "unknown colour ''"),
        ("#ff0000,#f00", "twice"),
        ("zon", "did you mean 'zorn'"),
        ("", "unknown palette ''"),
        ("none.txt", "none.txt does not exist"),
        ("²", "unknown palette"),
    ],
)
def test_says_what_is_wrong_with_a_palette(text, words):
    with pytest.raises(ValueError) as error:
        parse_palette(text)
    assert words in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no colours"),
        (b"; nothing\n", "has no colours"),
        (b"#ff0000 red\nsky blue\n", "line 2: unknown colour 'sky'"),
        (b"#ff0000\n#ff0000\n", "twice"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "is no palette"),
        (b"#ff0000 " + b"x" * 101, "1 to 100 characters"),
        (b"#ff0000\n" * 9000, "more than 65,536"),
        (b"".join(b"#0000%02x\n#ff00%02x\n" % (i, i) for i in range(129)), "from 1 to 256, got 258"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path, content, words):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        Palette.read(path)
    assert words in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("wrong", [0, 257, True, 1.5, [], ["#000000", "x"], [(2, 0, 0)], None])
def test_refuses_what_is_no_palette(wrong):
    with pytest.raises((ValueError, TypeError)):
        get_palette(wrong)
