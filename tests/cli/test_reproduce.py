"""neuralpaint reproduce: what it lists, writes and refuses."""

import json

import pytest

from neuralpaint.reproduction import ENTRIES, Outcome


def quick(request):
    from PIL import Image

    return Outcome(Image.new("RGB", (8, 8), "red"), "We find red.", True, [{"colour": "red", "share": 1.0}])


@pytest.fixture
def quick_entries(monkeypatch):
    """Entries that need nothing and cost nothing."""
    from dataclasses import replace

    entries = tuple(replace(entry, code="tests.cli.test_reproduce:quick", needs=()) for entry in ENTRIES)
    monkeypatch.setattr("neuralpaint.reproduction.ENTRIES", entries)


def test_list(run):
    result = run("reproduce", "--list")
    assert result.code == 0
    assert all(entry.label in result.out and entry.claim in result.out for entry in ENTRIES)


def test_writes_pictures_numbers_and_page(run, tmp_path, quick_entries):
    out, page = tmp_path / "figures", tmp_path / "page.md"
    result = run("reproduce", "--all", "-o", out, "--page", page)
    assert result.code == 0 and result.out.count("as the paper says. We find red.") == len(ENTRIES)
    names = {f"{entry.name}{suffix}" for entry in ENTRIES for suffix in (".png", ".json")}
    assert {path.name for path in out.iterdir()} == names
    assert json.loads((out / "snp-figure-12.json").read_text())["rows"] == [{"colour": "red", "share": 1.0}]
    assert page.read_text().count("We find red.") == len(ENTRIES) and "(figures/snp-figure-12.png)" in page.read_text()
    before = page.read_bytes()
    again = run("reproduce", "--figure", 12, "-o", out)
    assert again.code == 2 and "snp-figure-12.png already exists" in again.line
    assert run("reproduce", "-o", out, "--page", page, "--overwrite").code == 0
    assert page.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "choose what to reproduce"),
        (["--figure", 99], "--figure 99 cannot be reproduced: choose from 1, 4, 5, 6, 7"),
        (["--table", 2], "--table 2 cannot be reproduced: choose from 1 (--list"),
        (["--table", 1, "--paper", "styles"], "--table 1 of styles cannot be reproduced"),
        (["--table", 1, "--updates", 0], "--updates must be"),
        (["--table", 1, "--renderers", "nowhere"], "--renderers nowhere is not a folder"),
        (["--paper", "styles", "--styles", "{photos}"], "--content DIR is missing, which styles, figure 5 needs"),
        (["--figure", 12, "--paper", "styles"], "--figure 12 of styles cannot be reproduced"),
        (["--paper", "snq"], "unknown paper 'snq'"),
        (["--all", "--figure", 7], "--all does not go with --figure"),
        (["--all", "--scale", "smal"], "unknown scale 'smal'"),
        (["--figure", 12, "--page", "page.txt"], "must be a .md file"),
        (["--figure", 11, "--photos", "nowhere"], "--photos nowhere is not a folder"),
        (["--paper", "styles"], "--styles DIR is missing"),
        (["--paper", "styles", "--figure", 7, "--styles", "{photos}"], "VGG-19 weights are not on this machine"),
        (["--figure", 12, "-o", "{photo}"], "is a file: give a folder"),
        (["--figure", 11, "-o", "{photos}"], "is the folder of the photos"),
    ],
)
def test_what_cannot_be(run, tmp_path, photo, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("neuralpaint.losses.features.vgg.find_weights", lambda: None)
    places = {"{photo}": photo, "{photos}": photo.parent}
    given = [places.get(argument, argument) for argument in arguments]
    if "--photos" not in given:
        given += ["--photos", photo.parent]
    if "-o" not in given:
        given += ["-o", "out"]
    result = run("reproduce", *given)
    assert result.code == 2 and words in result.line
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_a_folder_is_needed(run):
    result = run("reproduce", "--figure", 12)
    assert result.code == 2 and "--out DIR is missing" in result.line
