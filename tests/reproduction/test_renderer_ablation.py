"""Table 1 and figures 13 and 14 of Stylized Neural Painting, at a tiny scale."""

import json

import pytest
import torch

from neuralpaint.renderers.networks.registry import build_network
from neuralpaint.reproduction import ENTRIES, Request, choose, renderer_ablation, renderer_runs
from neuralpaint.reproduction.results import reproduce
from neuralpaint.utils.loading import BadFile

CPU = torch.device("cpu")
NAMES = ("dual-pathway", "shading-only")


@pytest.fixture
def tiny(monkeypatch, few_held_out):
    monkeypatch.setitem(renderer_ablation.SIZES, "small", renderer_ablation.Sizes(32, 2, 2, "fast"))
    monkeypatch.setattr(renderer_ablation, "BRUSHES", ("oil",))
    few = {name: renderer_runs.NETWORKS[name] for name in NAMES}
    for module in (renderer_ablation, renderer_runs):
        monkeypatch.setattr(module, "NETWORKS", few)
    monkeypatch.setattr("neuralpaint.training.renderers.trainer.VALIDATION", 8)


def result_of(tmp_path, **more):
    (entry,) = choose(ENTRIES, tables=[1])
    return reproduce(entry, Request("small", CPU, **more), tmp_path / "out")


def test_networks_are_trained_and_then_shown_as_they_are(tmp_path, tiny):
    result = result_of(tmp_path, work=tmp_path / "work")
    assert result["figures"] == [13, 14] and result["tables"] == [1]
    assert result["settings"] | {"pixels": 32, "steps": 2, "strokes a step": 2} == result["settings"]
    scores = {row["network"]: row["PSNR, dB"] for row in result["rows"]}
    assert set(scores) == {"dual pathway", "shading only"}
    assert result["agrees"] == (scores["dual pathway"] > scores["shading only"])
    for row in result["rows"]:
        assert row["PSNR, dB"] == pytest.approx((row["foreground"] + row["alpha"]) / 2, abs=0.011)
    # The trainings that it kept are shown from their folder, with the same numbers.
    runs = tmp_path / "work" / "renderer-ablation"
    again = result_of(tmp_path, renderers=runs, updates=999)
    assert again["rows"] == result["rows"] and again["settings"]["renderers"] == "of --renderers"
    # One whose training is not done is left out.
    (runs / "oil-shading-only" / "README.md").unlink()
    assert [row["network"] for row in result_of(tmp_path, renderers=runs)["rows"]] == ["dual pathway"]
    assert not result_of(tmp_path, renderers=runs)["agrees"]  # it is best of one, which says nothing
    (runs / "oil-dual-pathway" / "training" / "curve.json").write_text(json.dumps({"curve": [{"step": 1}]}))
    with pytest.raises(BadFile, match="is not the curve of a training"):
        result_of(tmp_path, renderers=runs)


def test_a_folder_without_renderers_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no renderer whose training is done"):
        result_of(tmp_path, renderers=tmp_path)


def test_only_the_dual_pathway_keeps_shape_and_colour_apart():
    torch.manual_seed(0)
    assert renderer_ablation.coupling(build_network("dual-pathway", "oil", 32), 8) == 0
    assert renderer_ablation.coupling(build_network("dcgan", "oil", 32), 8) > 0


@pytest.mark.parametrize(
    ("scores", "leads", "as_in_table"),
    [
        ({"dual-pathway": 20, "shading-only": 19, "rasterization-only": 18, "dcgan": 17}, True, True),
        ({"dual-pathway": 20, "rasterization-only": 19, "shading-only": 18}, True, False),
        ({"coordinate": 40, "dual-pathway": 20, "dcgan": 19}, True, False),
        ({"dcgan": 21, "dual-pathway": 20, "shading-only": 19, "rasterization-only": 18}, False, True),
        ({"dual-pathway": 20}, False, False),
    ],
)
def test_the_order_is_found_not_assumed(scores, leads, as_in_table):
    assert renderer_ablation._leads(scores) == leads
    assert renderer_ablation._as_in_table(scores) == as_in_table
    words = renderer_ablation._finding({"oil": scores})
    assert f"best of the paper's networks for {int(leads)} of 1" in words and f"found for {int(as_in_table)}." in words
