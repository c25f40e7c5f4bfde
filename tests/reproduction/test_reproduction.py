"""Figures of the papers, at a tiny scale, and the page about them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neuralpaint.losses.features import get_features
from neuralpaint.reproduction import (
    ENTRIES,
    Request,
    choose,
    crisp_strokes,
    digits,
    low_bit,
    many_styles,
    page,
    stroke_by_stroke,
    style_mixes,
)
from neuralpaint.reproduction import zero_gradient as zero
from neuralpaint.reproduction.results import read_results, reproduce
from neuralpaint.search import PRESETS
from neuralpaint.utils.loading import BadFile

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = sorted((ROOT / "examples" / "photos").glob("*.jpg"))[:1]
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """The scale "small", smaller."""
    for module, sizes in (
        (zero, zero.Sizes(64, 2, (0, 1, 2))),
        (stroke_by_stroke, stroke_by_stroke.Sizes(5, 2, 12)),
        (low_bit, low_bit.Sizes(1, 6, 2, 16, 2)),
        (digits, digits.Sizes("1", 1, 2, 16, 4, 1)),
        (style_mixes, style_mixes.Sizes("light", 1, 3, 1, 32)),
        (many_styles, many_styles.Sizes(1, 32)),
        (crisp_strokes, crisp_strokes.Sizes(1, 5, 2, 12)),
    ):
        monkeypatch.setitem(module.SIZES, "small", sizes)
    monkeypatch.setitem(PRESETS, "paper", replace(PRESETS["paper"], steps=2))
    monkeypatch.setattr(low_bit, "LARGE", 128)


def result_of(name, tmp_path, **more):
    (entry,) = (entry for entry in ENTRIES if entry.name == name)
    return reproduce(entry, Request("small", CPU, **more), tmp_path)


@pytest.mark.parametrize("name", ["snp-figure-7", "snp-figure-10", "snp-figure-11", "snp-figure-12"])
def test_a_figure_writes_its_picture_and_its_numbers(name, tmp_path):
    from PIL import Image

    calls = []
    result = result_of(name, tmp_path, photos=PHOTOS, progress=lambda *call: calls.append(call))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.json", f"{name}.png"]
    assert json.loads((tmp_path / f"{name}.json").read_text()) == json.loads(json.dumps(result))
    with Image.open(tmp_path / f"{name}.png") as picture:
        assert picture.width > 300 and len(picture.convert("RGB").getcolors(1 << 20)) > 20
    assert {"cpu", "torch", "neuralpaint"} <= set(result["machine"])
    assert calls and all(0 <= done <= total for _, done, total in calls) and calls[-1][1] == calls[-1][2]


def test_a_pixel_loss_does_not_pull_and_transport_does(tmp_path):
    for row in result_of("snp-figure-4", tmp_path)["rows"]:
        if row["loss"] == "L1":
            assert row["slope by position"] < 1e-4
        else:
            assert row["slope by position"] > 0.1 and row["towards the target (cosine)"] > 0.9


def test_the_blur_beside_a_painting_is_as_far_from_the_photo():
    photo = stroke_by_stroke.square_photo(PHOTOS[0], 48, CPU)
    blurred = crisp_strokes.as_far(photo, 18.0)
    assert crisp_strokes.bounded_psnr(blurred, photo) == pytest.approx(18.0, abs=0.3)
    assert crisp_strokes.sharpness(blurred) < 0.6 * crisp_strokes.sharpness(photo)


def test_agreement_is_found_not_assumed():
    good = [{"loss": "L1", "slope by position": 0.0, "overlap with the target": 0.0}]
    moved = [{"towards the target (cosine)": 1.0, "overlap with the target": 0.9}]
    assert zero._agrees(good, moved)
    assert not zero._agrees([good[0] | {"slope by position": 0.1}], moved)
    assert not zero._agrees(good, [moved[0] | {"overlap with the target": 0.2}])


@pytest.fixture
def styles(tmp_path):
    """Noise in the place of two paintings of the bundled networks' styles."""
    from PIL import Image

    for k, name in enumerate(style_mixes.FIRST[:2]):
        Image.effect_noise((64, 64), 60 + 40 * k).convert("RGB").save(tmp_path / f"{name}.png")
    return sorted(tmp_path.glob("*.png"))


def test_a_picture_is_compared_with_every_painting(tmp_path, styles, monkeypatch):
    monkeypatch.setattr(many_styles, "NETWORKS", ("light",))
    monkeypatch.setattr(many_styles, "SHOWN", "light")
    distilled = get_features("distilled")
    result = result_of("styles-figure-1", tmp_path / "out", photos=PHOTOS, styles=styles, features=distilled)
    (row,) = result["rows"]
    assert row["compared"] == 2 and row["styles"] == 29
    assert result["agrees"] == (row["nearest to their own painting"] == 2)
    with pytest.raises(ValueError, match="has 1 of the paintings"):
        many_styles.known_paintings(styles[:1], [path.stem for path in styles])


def test_the_loss_against_its_own_painting_is_on_the_diagonal(styles):
    network = many_styles.load_style_network("light").eval()
    table = many_styles.StyleTable(get_features("distilled"), [many_styles.load_style(path, 64) for path in styles])
    photos = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    names = [path.stem for path in styles]
    losses = many_styles.compare_all(network, table, names, photos)
    mix = torch.eye(len(network.names))[network.names.index(names[1])]
    with torch.no_grad():
        one = table(network(photos, mix.expand(2, -1)), torch.zeros(2, dtype=torch.long)).mean()
    torch.testing.assert_close(losses[1, 0], one, rtol=1e-3, atol=1e-5)


def test_the_mixes_of_two_styles_are_compared_with_both(tmp_path, styles):
    out = tmp_path / "out"
    result = result_of("styles-figure-7", out, photos=PHOTOS, styles=styles, features=get_features("distilled"))
    assert [row["loss against"] for row in result["rows"]] == list(style_mixes.FIRST[:2])
    assert all(len(values) == 3 for values in result["curves"].values())
    # The table says of each curve what the curve shows: one rises, the other falls.
    for row, (sign, values) in zip(result["rows"], zip((1, -1), result["curves"].values(), strict=True), strict=True):
        right = sum(sign * (b - a) >= 0 for a, b in zip(values, values[1:], strict=False))
        assert row["steps the right way"] == f"{right} of 2"
    assert result["agrees"] == all(row["steps the right way"] == "2 of 2" for row in result["rows"])


def test_paintings_of_other_styles_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"--styles has 1 .*two are needed"):
        style_mixes.choose_pairs([Path("munch-scream.jpg"), Path("mine.jpg")], ["munch-scream", "monet-irises"], 2)


@pytest.mark.parametrize("need", ["photos", "styles", "features"])
def test_what_an_entry_needs_is_asked_for(need):
    (entry,) = (entry for entry in ENTRIES if entry.name == "styles-figure-7")
    given = {"photos": PHOTOS, "styles": PHOTOS, "features": get_features("distilled")} | {need: None}
    with pytest.raises(ValueError, match=f"styles, figure 7 needs {need}"):
        entry.run(Request("small", CPU, **given))


def test_nothing_is_left_of_a_figure_that_fails(tmp_path):
    (entry,) = choose(ENTRIES, [12])
    broken = replace(entry, code="tests.reproduction.test_reproduction:fail")
    with pytest.raises(ValueError, match="no figure"):
        reproduce(broken, Request("small", CPU), tmp_path)
    assert not list(tmp_path.iterdir())


def fail(request):
    raise ValueError("no figure")


def test_entries_are_chosen_by_figure_and_paper():
    def names(*arguments):
        return [entry.name for entry in choose(ENTRIES, *arguments)]

    assert names([7]) == ["snp-figure-7", "styles-figure-7"]
    assert names([7], "styles") == ["styles-figure-7"]
    assert names([5], "snp") == ["snp-figure-4"]
    assert names([], None, True) == [entry.name for entry in ENTRIES]
    assert len(set(names([], None, True))) == len(ENTRIES)


def test_the_page_is_that_of_the_committed_numbers():
    folder = ROOT / "docs" / "reproduction"
    results = read_results(ENTRIES, folder)
    assert len(results) == len(ENTRIES)
    assert (ROOT / "docs" / "reproduction.md").read_text() == page(results, "reproduction")
    for result in results:
        assert (folder / result["picture"]).is_file()


def test_the_page_says_where_we_differ():
    (result,) = read_results([entry for entry in ENTRIES if entry.name == "snp-figure-12"], ROOT / "docs/reproduction")
    for agrees, words in ((True, "| yes |"), (False, "| not as the paper says |")):
        text = page([result | {"agrees": agrees}], "figures")
        assert words in text and result["finding"] in text and "](figures/snp-figure-12.png)" in text
        assert "neuralpaint reproduce --paper snp --figure 12 --scale small" in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "snp-figure-12.json"),
        ("[]", "must be an object"),
        ("{}", "it has no"),
        ('{"format": 3}', "must be a text"),
    ],
)
def test_a_damaged_file_of_numbers_is_refused(tmp_path, content, words):
    (tmp_path / "snp-figure-12.json").write_text(content)
    with pytest.raises(BadFile, match=r"snp-figure-12\.json is not a file of neuralpaint reproduce") as error:
        read_results(ENTRIES, tmp_path)
    assert words in str(error.value)


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no results"):
        read_results(ENTRIES, tmp_path)
