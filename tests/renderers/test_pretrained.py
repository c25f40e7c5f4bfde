import json

import pytest
import torch

from neuralpaint import get_brush, ops, paint
from neuralpaint.brushes import TexturedBrush
from neuralpaint.renderers import CoordinateRenderer, DualPathwayRenderer, NetworkRenderer, get_renderer
from neuralpaint.renderers.networks.registry import build_network
from neuralpaint.renderers.pretrained import CARD, CONFIG, WEIGHTS, bundled_folder, load_network, save_network
from neuralpaint.training.renderers.metrics import held_out_quality
from neuralpaint.training.renderers.source import BrushSource

# dB on 128 held-out strokes; a little below what the bundled weights have on 3,200
BOUNDS = {"oil": 45.0, "watercolor": 52.0, "marker": 44.0, "tape": 50.0}


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    save_network(build_network("coordinate", "tape", 32), tmp_path / "net")
    return tmp_path / "net"


@pytest.mark.parametrize("brush", list(BOUNDS))
def test_bundled_weights(brush):
    place = bundled_folder(brush)
    assert (place / WEIGHTS).stat().st_size <= 12e6
    assert "PSNR" in (place / CARD).read_text()
    network = load_network(place, brush=brush)
    assert network.size == 128
    result = held_out_quality(network, BrushSource(brush, 128), 128)
    assert result.psnr >= BOUNDS[brush]


@pytest.mark.parametrize("brush", ["oil", "marker"])
def test_bundled_weights_at_another_resolution(brush):
    strokes = get_brush(brush).sample(6, torch.Generator().manual_seed(7))[None]
    canvas = torch.ones(1, 3, 200, 230)
    exact = ops.render(canvas, strokes, brush)
    drawn = get_renderer("neural", brush).render(canvas, strokes, get_brush(brush))
    assert (exact - drawn).square().mean() < 10**-3.3


def test_saved_and_loaded_it_draws_the_same(tmp_path):
    network = build_network("dual-pathway", "watercolor", 32).eval()
    network.save_pretrained(tmp_path / "net")
    again = DualPathwayRenderer.from_pretrained(tmp_path / "net")
    strokes = network.brush.sample(2)
    with torch.no_grad():
        for a, b in zip(network(strokes), again(strokes), strict=True):
            assert torch.equal(a, b)
    assert not again.training
    with pytest.raises(ValueError, match="holds a DualPathwayRenderer, not a CoordinateRenderer"):
        CoordinateRenderer.from_pretrained(tmp_path / "net")


def test_a_brush_of_ones_own(tmp_path):
    from PIL import Image

    Image.effect_noise((64, 32), 90).save(tmp_path / "dab.png")
    brush = TexturedBrush.from_image(tmp_path / "dab.png")
    save_network(build_network("coordinate", brush, 32), tmp_path / "net")
    assert NetworkRenderer.from_pretrained(tmp_path / "net", brush=brush).brush == brush
    with pytest.raises(ValueError, match="other parameters or texture"):
        load_network(tmp_path / "net", brush="oil")


def truncate(folder):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def tamper(folder):
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-5] ^= 1
    (folder / WEIGHTS).write_bytes(data)


def rewrite(**changes):
    def change(folder):
        config = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps(config | changes))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "model.safetensors is truncated or modified"),
        (tamper, "model.safetensors is truncated or modified"),
        (lambda f: (f / WEIGHTS).unlink(), "cannot read the weights"),
        (lambda f: (f / CONFIG).unlink(), "contains no trained renderer"),
        (lambda f: (f / CONFIG).write_text("{"), "config.json is damaged: it is not JSON"),
        (lambda f: (f / CONFIG).write_text("[1]"), "is not the configuration"),
        (rewrite(version=9), "has version 9"),
        (rewrite(brush_spec=None), "config.json is damaged"),
        (rewrite(network="nothing"), "unknown network"),
        (rewrite(options={"hidden": 7}), "must have shape"),
        (rewrite(options={"hiden": 7}), "hiden"),
        (rewrite(sha256="0"), "checksum"),
    ],
)
def test_damaged_files(folder, damage, message):
    damage(folder)
    with pytest.raises(ValueError, match=message):
        load_network(folder)


def test_weights_that_are_not_finite(folder, tmp_path):
    network = load_network(folder)
    with torch.no_grad():
        network.sharpness.fill_(torch.nan)
    with pytest.raises(ValueError, match="not finite"):
        save_network(network, tmp_path / "other")
    assert not (tmp_path / "other" / WEIGHTS).exists()


def test_weights_of_another_brush(folder):
    with pytest.raises(ValueError, match="trained for brush 'tape', not for 'oil'"):
        load_network(folder, brush="oil")
    with pytest.raises(ValueError, match="trained for brush 'tape', not for 'oil'"):
        get_renderer(folder, "oil")
    with pytest.raises(
        ValueError, match="no neural renderer for brush 'round'.*those of oil, watercolor, marker, tape.:"
    ):
        bundled_folder("round")
    with pytest.raises(ValueError, match="no neural renderer for brush 'mine'"):
        bundled_folder(
            TexturedBrush("mine", alpha=get_brush("oil").texels()[0][0], ridge=get_brush("oil").texels()[1][0])
        )


def test_painting_through_a_network_comes_close_to_the_exact_one():
    photo = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0))
    photo = torch.nn.functional.interpolate(photo[None], (48, 48), mode="bilinear")[0]
    from neuralpaint.search.presets import Preset

    quick = Preset("quick", stages=2, rounds=1, steps=25, refine=0, block_pixels=24)
    exact, neural = (paint(photo, "tape", 20, quick, renderer=r).psnr(photo) for r in ("exact", "neural"))
    assert neural > exact - 1.0


def test_a_network_of_pictures_paints_too():
    torch.manual_seed(0)
    network = build_network("dual-pathway", "tape", 32).eval()
    renderer = get_renderer(network, "tape")
    strokes = get_brush("tape").sample(5)[None].requires_grad_()
    painted = renderer.render(torch.ones(1, 3, 40, 50), strokes, get_brush("tape"))
    assert painted.shape == (1, 3, 40, 50)
    painted.sum().backward()
    assert strokes.grad.isfinite().all() and strokes.grad.abs().sum() > 0
