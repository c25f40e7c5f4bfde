"""Pens from YAML files, good and bad."""

import pytest

from neuralpaint.images.palette import Palette
from neuralpaint.painting.exporters.pens import MAX_PENS, Pen, check_pens, pens_of, read_pens

pytest.importorskip("yaml")


def test_reads_pens(tmp_path):
    path = tmp_path / "pens.yaml"
    path.write_text('- {name: "dark <&> red", color: "#8a1f33", width_mm: 0.3}\n- name: sky\n  color: skyblue\n')
    pens = read_pens(path)
    assert [(pen.name, pen.hex, pen.width_mm) for pen in pens] == [
        ("dark <&> red", "#8a1f33", 0.3),
        ("sky", "#87ceeb", 0.5),
    ]


def test_a_palette_becomes_pens():
    pens = pens_of(Palette.named("zorn"), 0.8)
    assert [pen.name for pen in pens] == list(Palette.named("zorn").names)
    assert {pen.width_mm for pen in pens} == {0.8}


BOMB = "- &a {name: lol}\n" + "".join(f"- &{chr(98 + k)} [*{chr(97 + k)}, *{chr(97 + k)}]\n" for k in range(20))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a list of pens"),
        ("[]", "1 to 64 pens, got 0"),
        ("pens: 3", "must be a list of pens"),
        ("- 7", "pen 1: it must have name"),
        ("- {color: red}", "pen 1: name must be a text"),
        ("- {name: a, color: red}\n- {name: b, color: redd}", "pen 2: unknown colour 'redd'"),
        ("- name: a\n  color: #ff0000\n", "color must be a text, in quotes"),
        ("- {name: a, color: red, width: 2}", "unknown key 'width'"),
        ("- {name: a, color: red, width_mm: 0}", "width_mm must be a number from 0.05 to 20"),
        ("- {name: a, color: red, width_mm: .nan}", "width_mm must be"),
        ("- {name: a, color: red, width_mm: wide}", "width_mm must be"),
        ("- {name: ' ', color: red}", "name must be a line of text"),
        ('- {name: "a\\nb", color: red}', "name must be a line of text"),
        ("- {name: a, color: red}\n- {name: a, color: blue}", "two pens are called 'a'"),
        ("".join(f"- {{name: p{k}, color: red}}\n" for k in range(1000)), "1 to 64 pens, got 1,000"),
        ("- {name: a", "is no list of pens"),
        ("- !!python/object/apply:os.system [ls]", "is no list of pens"),
        ("[" * 30000, "is no list of pens"),
        ("x" * 70000, "more than 65,536"),
        (BOMB, "aliases"),
        ("\x00", "is no list of pens"),
    ],
)
def test_says_what_is_wrong(tmp_path, text, words):
    path = tmp_path / "pens.yaml"
    path.write_text(text)
    with pytest.raises(ValueError) as error:
        read_pens(path)
    assert words in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 330


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        read_pens(tmp_path / "none.yaml")


def test_at_most_so_many():
    with pytest.raises(ValueError, match="1 to 64 pens, got 65"):
        check_pens(Pen(f"p{k}", "red") for k in range(MAX_PENS + 1))
