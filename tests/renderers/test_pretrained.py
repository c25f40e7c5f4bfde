import hashlib
import json
import resource

import pytest
import torch
from safetensors.torch import load_file, save

from neuralpaint import get_brush, ops, paint
from neuralpaint.brushes import TexturedBrush
from neuralpaint.renderers import CoordinateRenderer, DualPathwayRenderer, NetworkRenderer, get_renderer
from neuralpaint.renderers.networks.registry import build_network
from neuralpaint.renderers.pretrained import CARD, CONFIG, WEIGHTS, bundled_folder, load_network, save_network
from neuralpaint.training.renderers.metrics import held_out_quality
from neuralpaint.training.renderers.source import BrushSource
from neuralpaint.utils.checksums import with_checksum
from neuralpaint.utils.model_files import BUNDLED

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


def test_repositories_are_fetched_only_if_that_is_asked_for(monkeypatch):
    asked = []

    def fetch(name, *, local_files_only, **_):
        asked.append(local_files_only)
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    with pytest.raises(ValueError, match="owner/net is no folder.*not in the cache: add download=True"):
        NetworkRenderer.from_pretrained("owner/net")
    with pytest.raises(ValueError, match=r"owner/net cannot be fetched .*\(no network\).*the folder of a copy"):
        NetworkRenderer.from_pretrained("owner/net", download=True)
    assert asked == [True, False]


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
    """Changes a configuration, which then has no checksum of itself, like an older one."""

    def change(folder):
        config = json.loads((folder / CONFIG).read_text())
        assert len(config.pop("config_sha256")) == 64
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


@pytest.mark.parametrize("name", ["size", "training", "options", "config_sha256", "format"])
def test_a_configuration_is_what_was_written(folder, name):
    config = json.loads((folder / CONFIG).read_text())
    for changes in ({name: None}, {name + "2": config[name]}):
        changed = {key: value for key, value in config.items() if key != name} | changes
        (folder / CONFIG).write_text(json.dumps(changed))
        with pytest.raises(ValueError, match=r"config\.json is (damaged|not the configuration)"):
            load_network(folder)
    text = json.dumps(config)
    (folder / CONFIG).write_text(text.replace("{", '{"size": 7, ', 1))
    with pytest.raises(ValueError, match=r"config\.json is damaged.*'size' is there twice"):
        load_network(folder)
    (folder / CONFIG).write_text(text)
    load_network(folder)


@pytest.mark.parametrize("name", ["marker", "oil", "tape", "watercolor", "styles-light", "styles-paper"])
def test_bundled_networks_have_checksums(name):
    config = json.loads((BUNDLED / name / CONFIG).read_text())
    checksum = config.pop("config_sha256")
    assert checksum == with_checksum(config, key="config_sha256")["config_sha256"]
    assert config["sha256"] == hashlib.sha256((BUNDLED / name / WEIGHTS).read_bytes()).hexdigest()


HUGE = 10**400
SPEC = {"name": "tape", "kind": 3, "parameters": ["xc", "yc", "w", "h", "theta", "r", "g", "b", "a"], "held": []}
CONFIGS = [
    *[({"size": size}, "size must be a whole number") for size in (-5, 0, "128", [1], None, True, 128.0, HUGE)],
    ({"network": ["coordinate"]}, "network must be a text"),
    ({"options": None}, "options must be an object"),
    ({"options": {"hidden": HUGE}}, "options.hidden must be"),
    ({"options": {"hidden": "16"}}, "options.hidden must be"),
    ({"options": {"hidden": 4096}}, "must have shape"),
    ({"options": {"textures": [4096, 4096, 4096]}}, "must have shape"),
    ({"options": {"textures": [3, 3, 1]}}, "powers of two"),
    ({"options": {"textures": [HUGE, 1, 1]}}, r"options.textures\[0\] must be"),
    ({"options": {"split": float("nan")}}, "options.split must be"),
    ({"options": {"geometry": {"kind": [1]}}}, "options.geometry.kind must be"),
    ({"options": {"geometry": {"kind": "ball"}}}, "unknown geometry"),
    ({"options": {"geometry": {"kind": "box", "reach": HUGE}}}, "options.geometry.reach must be"),
    ({"options": {"geometry": {"kind": "box", "deep": 1}}}, "deep"),
    ({"options": {"brush": "oil"}}, "brush"),
    ({"brush_spec": [1]}, "brush_spec must be an object"),
    ({"brush_spec": SPEC}, "no brush_spec.fingerprint"),
    *[
        ({"brush_spec": SPEC | {"fingerprint": ""} | change}, message)
        for change, message in [
            ({}, "with other parameters or texture"),
            ({"name": 7}, "brush_spec.name must be"),
            ({"kind": HUGE}, "kind must be"),
            ({"parameters": ["a"]}, "must be xc yc"),
            ({"parameters": None}, "parameters must be a list"),
            ({"held": [[0, HUGE]]}, "held.*must be a number"),
            ({"held": [[99, 1]]}, "cannot hold parameter 99"),
        ]
    ],
    ({"sha256": None}, "sha256 must be a text"),
    ({"training": 5}, "training must be an object"),
    ({"version": [1]}, r"has version \[1\]"),
]


@pytest.mark.parametrize(("changes", "message"), CONFIGS, ids=lambda value: str(value)[:50])
def test_configurations_that_cannot_be(folder, changes, message):
    rewrite(**changes)(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=message) as caught:
        load_network(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def change_weights(change):
    def damage(folder):
        data = save(change(load_file(folder / WEIGHTS)))
        (folder / WEIGHTS).write_bytes(data)
        rewrite(sha256=hashlib.sha256(data).hexdigest())(folder)

    return damage


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: {}, "it has nothing"),
        (lambda state: state | {"more": torch.ones(1)}, "unexpected tensor more"),
        (lambda state: state | {"sharpness": torch.tensor(torch.nan)}, "sharpness contains NaN"),
        (lambda state: state | {"sharpness": torch.tensor(1)}, "sharpness has type torch.int64"),
        (lambda state: state | {"sharpness": torch.ones(2)}, r"sharpness must have shape \[\], it has shape \[2\]"),
        (lambda state: {k: v.to(torch.float8_e4m3fn) for k, v in state.items()}, "does not match|NaN|Float8"),
    ],
)
def test_weights_that_cannot_be(folder, change, message):
    change_weights(change)(folder)
    with pytest.raises(ValueError, match=f"model.safetensors .*{message}"):
        load_network(folder)


def test_a_configuration_nested_too_deeply(folder):
    (folder / CONFIG).write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"config.json is damaged: it is not JSON \(it is nested too deeply\)"):
        load_network(folder)


def test_loading_draws_no_random_numbers_and_leaves_nothing_unset(folder):
    state = torch.get_rng_state()
    network = load_network(folder)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(value.device.type == "cpu" and value.isfinite().all() for value in network.state_dict().values())


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
