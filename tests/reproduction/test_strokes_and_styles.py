"""Figures 8 and 9 of Stylized Neural Painting, at a tiny scale."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neuralpaint.losses.features import get_features
from neuralpaint.reproduction import ENTRIES, Request, few_strokes, restyled_strokes
from neuralpaint.reproduction.results import reproduce
from neuralpaint.search import PRESETS

CPU = torch.device("cpu")
PHOTOS = sorted((Path(__file__).resolve().parents[2] / "examples" / "photos").glob("*.jpg"))[:1]


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(few_strokes.SIZES, "small", few_strokes.Sizes(1, (5,), 2, 16, 3, 32))
    sizes = restyled_strokes.Sizes(1, 1, 12, "fast", 48, 3, 48)
    monkeypatch.setitem(restyled_strokes.SIZES, "small", sizes)
    monkeypatch.setitem(PRESETS, "paper", replace(PRESETS["paper"], steps=2))


def result_of(name, tmp_path, **more):
    (entry,) = (entry for entry in ENTRIES if entry.name == name)
    return reproduce(entry, Request("small", CPU, PHOTOS, features=get_features("distilled"), **more), tmp_path / "out")


def test_paintings_of_few_strokes_are_compared_with_all_photos(tmp_path, noise):
    result = result_of("snp-figure-8", tmp_path, content=noise("content", "abcd"))
    assert [row["brush"] for row in result["rows"]] == ["tape", "marker"]
    places = [row["its photo's place among the nearest"] for row in result["rows"]]
    assert all(1 <= place <= row["of photos"] == 4 for place, row in zip(places, result["rows"], strict=True))
    assert result["agrees"] == (places == [1, 1])
    assert "project page" in result["note"]


def test_the_place_of_a_photo_among_the_nearest():
    photos = torch.eye(3)
    assert few_strokes.rank(photos[1], photos, 1) == 1
    assert few_strokes.rank(photos[1], photos, 0) == 2
    assert few_strokes.rank(torch.tensor([0.6, 0.8, 0.0]), photos, 2) == 3


def test_a_painting_is_restyled_in_both_modes(tmp_path, noise):
    calls = []
    styles = noise("styles", ["mine", "munch-scream"])
    result = result_of("snp-figure-9", tmp_path, styles=styles, progress=lambda *call: calls.append(call))
    assert [(row["style"], row["mode"]) for row in result["rows"]] == [
        ("munch-scream", "color"),
        ("munch-scream", "color+texture"),
    ]
    assert "in mode color the" in result["finding"] and "1 of 1 paintings keep all shapes" in result["finding"]
    assert "0 of 1 paintings keep all shapes" in result["finding"]
    assert calls[-1][1:] == (3, 3)


def test_agreement_is_found_not_assumed():
    good = restyled_strokes.Restyled(None, (1.0, 0.4), (0.8, 0.7), True)
    assert restyled_strokes.agrees([good, good])
    assert not restyled_strokes.agrees([good, replace(good, style=(1.0, 0.6))])
    assert not restyled_strokes.agrees([good, replace(good, likeness=(0.8, 0.3))])
