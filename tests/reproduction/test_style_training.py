"""Figures 5 and 6 of the styles paper, at a tiny scale: networks that are trained."""

from pathlib import Path

import numpy as np
import pytest
import torch

from neuralpaint.losses.features import get_features
from neuralpaint.reproduction import ENTRIES, Request, added_style, shared_network
from neuralpaint.reproduction.results import reproduce
from neuralpaint.reproduction.style_training import Losses, means, measure, schedule
from neuralpaint.training.styles.dataset import load_style

CPU = torch.device("cpu")
PHOTOS = sorted((Path(__file__).resolve().parents[2] / "examples" / "photos").glob("*.jpg"))[:1]
NEW, KINDS = "a-new-painting", ("content loss", "style loss")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(shared_network.SIZES, "small", shared_network.Sizes(2, 3, 32, 1))
    monkeypatch.setitem(added_style.SIZES, "small", added_style.Sizes("light", 2, 8, 32, 1))
    for module in (shared_network, added_style):
        monkeypatch.setattr(module, "_SHOWN", 32)


@pytest.fixture
def request_of(noise, tmp_path):
    def make(styles, **more):
        content = noise("content", [f"photo{k}" for k in range(10)])
        features = get_features("distilled")
        return Request("small", CPU, PHOTOS, noise("styles", styles), content, features, work=tmp_path / "work", **more)

    return make


def result_of(name, request, tmp_path):
    (entry,) = (entry for entry in ENTRIES if entry.name == name)
    return reproduce(entry, request, tmp_path / "out")


def test_one_network_of_several_styles_is_compared_with_one_for_each(request_of, tmp_path):
    calls = []
    request = request_of(["first", "second"], progress=lambda *call: calls.append(call))
    result = result_of("styles-figure-5", request, tmp_path)
    assert [row["style"] for row in result["rows"]] == ["first", "second"]
    assert result["settings"]["updates"] == 3 and result["settings"]["held-out photos"] == 1
    assert set(result["curves"]) == {f"{n}, {w}" for n in ("first", "second") for w in ("alone", "one of several")}
    shares = [row["style loss, one of several"] / row["style loss, alone"] - 1 for row in result["rows"]]
    for row, share in zip(result["rows"], shares, strict=True):
        assert float(row["style: difference"].rstrip("%")) == pytest.approx(100 * share, abs=2)
    assert {call[0] for call in calls} == {"together", "alone-first", "alone-second"}
    # What is in the work folder is not trained again, and gives the same numbers.
    calls.clear()
    assert result_of("styles-figure-5", request, tmp_path)["rows"] == result["rows"] and not calls


def test_the_updates_of_a_request_stand_before_those_of_the_scale(request_of, tmp_path):
    result = result_of("styles-figure-5", request_of(["first", "second"], updates=2), tmp_path)
    assert result["settings"]["updates"] == 2


def test_one_painting_is_not_enough(request_of, tmp_path):
    with pytest.raises(ValueError, match="1 painting, and two are needed"):
        result_of("styles-figure-5", request_of(["first"]), tmp_path)


def test_means_are_of_the_shares_by_style():
    pairs = [(Losses(1.0, 2.0), Losses(1.2, 2.0)), (Losses(2.0, 1.0), Losses(2.0, 0.8))]
    assert means(pairs) == pytest.approx((0.1, -0.1))


def test_a_style_is_added_to_a_network_and_learned_from_scratch(request_of, tmp_path):
    result = result_of("styles-figure-6", request_of([NEW, "munch-scream", "newer", "newest"]), tmp_path)
    rows = result["rows"]
    assert [row["updates"] for row in rows] == [0, 1, 1, 8] * 2
    assert [row["style"] for row in rows] == [NEW] * 4 + ["newer"] * 4
    assert set(result["settings"]["begin as"].split(", ")) <= set(added_style.load_style_network("light").names)
    above = {kind: np.mean([rows[k + 1][kind] / rows[k + 3][kind] - 1 for k in (0, 4)]) for kind in KINDS}
    assert result["agrees"] == (above["content loss"] <= 0.15 and above["style loss"] <= 0.1)
    for kind, share in above.items():
        assert f"{share:+.0%} (" in result["finding"], kind
    assert len(result["curves"]) == 6


def test_a_painting_that_the_network_knows_is_not_added():
    files = [Path("munch-scream.jpg"), Path("mine.jpg")]
    assert added_style.unknown_paintings(files, ["munch-scream"]) == files[1:]
    with pytest.raises(ValueError, match="only paintings of styles that the network has"):
        added_style.unknown_paintings(files[:1], ["munch-scream"])


def test_a_small_schedule_learns_by_the_loss_of_the_paper():
    small, paper = schedule("small", 800, 64), schedule("paper", 800, 64)
    assert small.lessons == 0 and small.warm_up == 75 and small.architecture == "light"
    for name in ("statistics", "style_weight", "content_weight", "smoothness", "lessons", "steps", "size"):
        assert getattr(small, name) == getattr(paper, name)


def test_a_measure_is_of_the_style_that_is_named(noise):
    network = added_style.load_style_network("light")
    (file,) = noise("styles", ["munch-scream"])
    painting, photos = load_style(file, 64), torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    features = get_features("distilled")
    first, second = (measure(network, name, painting, features, photos) for name in ("munch-scream", "monet-irises"))
    assert first != second and first == measure(network, "munch-scream", painting, features, photos)
    table = added_style_table(features, painting)
    mix = torch.eye(len(network.names))[network.names.index("munch-scream")]
    with torch.no_grad():
        one = table(network(photos, mix.expand(2, -1)), torch.zeros(2, dtype=torch.long)).mean()
    assert first.style == pytest.approx(float(one), rel=1e-4)


def added_style_table(features, painting):
    from neuralpaint.training.styles.objective import StyleTable

    return StyleTable(features, [painting])
