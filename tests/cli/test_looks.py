import dataclasses

import pytest
import yaml

from neuralpaint import paint
from neuralpaint.brushes import brushes
from neuralpaint.looks import Look, get_look, looks
from neuralpaint.painting import Finish, Painting

NAMES = ["aquarelle", "charcoal", "gouache", "impressionist", "ink", "knife", "pastel", "pointillist"]


def test_looks_that_come_along():
    assert looks() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_look_paints(name, photo):
    look = get_look(name)
    assert look.name == name and look.description and look.options["brush"] in brushes()
    painting = paint(photo, **{**look.arguments, "strokes": 6, "preset": "fast"}, device="cpu")
    finished = dataclasses.replace(painting, finish=look.finish)
    assert finished.brush.name == look.options["brush"]
    assert finished.render(32).size == (43, 32)


def test_a_file_of_ones_own(tmp_path):
    (tmp_path / "mine.yaml").write_text("brush: dry\nrelief: 0.5\npalette: zorn\n")
    look = get_look(tmp_path / "mine.yaml")
    assert look == Look("mine", "", {"brush": "dry", "relief": 0.5, "palette": "zorn"})
    assert len(look.arguments["palette"]) == 4 and look.finish == Finish(relief=0.5)


def test_the_command_takes_a_look_and_other_options_before_it(run, stub, photo, tmp_path):
    (tmp_path / "mine.yml").write_text("brush: dry\nstrokes: 7\nrelief: 0.5\nground: paper\nbackground: red\n")
    out = tmp_path / "a.safetensors"
    done = run("paint", photo, "-o", out, "--look", tmp_path / "mine.yml", "--strokes", 3, "--ground", "canvas")
    assert done.code == 0, done.err
    painting = Painting.load(out)
    assert len(painting) == 3 and painting.brush.name == "dry"
    assert painting.finish == Finish(relief=0.5, ground="canvas") and painting.background == (1, 0, 0)
    done = run("paint", photo, "-o", tmp_path / "b.safetensors")  # nothing is left of it
    assert Painting.load(tmp_path / "b.safetensors").brush.name == "oil"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("brush: watercolr", "unknown brush 'watercolr' (did you mean 'watercolor'"),
        ("colour: red", "unknown key 'colour'"),
        ("strokes: many", "strokes must be a whole number"),
        ("strokes: 0", "strokes must be a whole number from 1"),
        ("brush: 3", "brush must be a text"),
        ("relief: 2", "relief must be a number from 0 to 1"),
        ("brush: watercolor\nwet: 2", "wet must be a number from 0 to 1"),
        ("brush: oil\nwet: 1", "wet needs the brush watercolor"),
        ("opaque: 3", "opaque must be true or false"),
        ("opaque: true", "opaque needs a palette"),
        ("palette: [1, 2]", "palette must be a text"),
        ("palette: 500", "palette must be a text"),
        ("palette: nobody", "nobody"),
        ("ground: wood", "unknown ground 'wood'"),
        ("background: '#12'", "unknown colour '#12'"),
        ("preset: paper", "unknown preset 'paper'"),
        ("- brush", "a look must be an object"),
        ("", "a look must be an object"),
        ("a: &a [1]\nb: *a", "aliases"),
        ("[" * 1000 + "]" * 1000, "nested too deeply"),
        ("brush: [", "is no look"),
        ("brush: !!python/object/apply:os.system [true]", "is no look"),
        ("x" * 70_000, "is no look"),
    ],
)
def test_bad_files_are_one_line(run, photo, tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    done = run("paint", photo, "-o", tmp_path / "a.png", "--look", path)
    assert done.code == 2 and done.err.count("\n") == 1
    assert message in done.err and str(path) in done.err
    assert not (tmp_path / "a.png").exists()


def test_an_unknown_look(run, photo, tmp_path):
    done = run("paint", photo, "-o", tmp_path / "a.png", "--look", "impresionist")
    assert done.code == 2 and "did you mean 'impressionist'" in done.err
    done = run("paint", photo, "-o", tmp_path / "a.png", "--look", tmp_path / "none.yaml")
    assert done.code == 2 and "none.yaml" in done.err


def test_every_key_is_an_option_of_paint():
    import inspect

    from neuralpaint.cli.paint import command
    from neuralpaint.looks import _CHECKS

    assert set(_CHECKS) - {"description"} <= set(inspect.signature(command).parameters)
    for name in looks():
        assert yaml.safe_dump(dict(get_look(name).options))
