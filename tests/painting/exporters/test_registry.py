"""The registry of exporters, and Painting.export."""

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint.brushes import get_brush
from neuralpaint.painting.exporters import Exporter, OutputSettings, base, export_suffix, find_exporter, register
from neuralpaint.painting.painting import Painting


@pytest.fixture
def painting():
    brush = get_brush("tape")
    return Painting(brush.sample(5, torch.Generator().manual_seed(0)), brush, (1.0, 1.25), size=16)


def test_export_writes_what_the_suffix_says(painting, tmp_path):
    painting.export(tmp_path / "a.PNG", size=32)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.PNG")), np.asarray(painting.render(32)))
    painting.export(tmp_path / "a.safetensors")
    assert torch.equal(Painting.load(tmp_path / "a.safetensors").strokes, painting.strokes)
    with pytest.raises(ValueError, match=r"the suffix '.xyz'; use one of .png"):
        painting.export(tmp_path / "a.xyz")
    with pytest.raises(ValueError, match="do not fit in a .webp"):
        painting.export(tmp_path / "a.webp", size=16000)


def test_a_new_exporter_needs_no_other_change(painting, tmp_path, monkeypatch):
    monkeypatch.setattr(base, "_EXPORTERS", dict(base._EXPORTERS))
    written = []
    module = type("Module", (), {"write": staticmethod(lambda *arguments: written.append(arguments))})
    monkeypatch.setattr(base.importlib, "import_module", lambda name: module)
    register(Exporter("plans", (".plan", ".two.webp"), "anywhere:write"))
    painting.export(tmp_path / "a.plan", size=99)
    ((drawn, path, settings),) = written
    assert drawn.size == 99 and path == tmp_path / "a.plan" and settings is None
    assert find_exporter("x.two.WEBP").kind == "plans" and find_exporter("two.webp").kind == "image"
    with pytest.raises(ValueError, match="an exporter for .png already"):
        register(Exporter("other", (".png",), "anywhere:write"))


@pytest.mark.parametrize(
    "name, suffix",
    [("a.png", ".png"), ("a.b.png", ".png"), ("A.JPG", ".jpg"), (".png", ""), ("png", ""), ("a.", ""), ("a.xyz", "")],
)
def test_suffixes(name, suffix):
    assert export_suffix(name) == suffix


def test_settings_check_themselves():
    from neuralpaint.painting.exporters import SvgSettings, VideoSettings

    for wrong in ({"seconds": 0}, {"seconds": -1}, {"seconds": float("nan")}, {"seconds": 1e9}, {"seconds": True}):
        with pytest.raises(ValueError, match="seconds must be"):
            VideoSettings(**wrong)
    for wrong in ({"fps": 0}, {"fps": 10_000}, {"fps": 29.97}):
        with pytest.raises(ValueError, match="fps must be"):
            VideoSettings(**wrong)
    with pytest.raises(ValueError, match="hold must be"):
        VideoSettings(hold=-1)
    with pytest.raises(ValueError, match="432,000 frames, more than 100,000"):
        VideoSettings(seconds=3600, fps=120, hold=0)
    with pytest.raises(ValueError, match="unknown speed 'easy'"):
        VideoSettings(speed="easy")
    with pytest.raises(ValueError, match="size_mm must be"):
        SvgSettings(size_mm=0)
    with pytest.raises(ValueError, match="unknown style"):
        SvgSettings(style="plain")
    assert OutputSettings() == OutputSettings() and OutputSettings().video.seconds == 10
