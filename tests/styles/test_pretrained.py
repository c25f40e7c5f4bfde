import json
import resource

import pytest
import torch
from safetensors.torch import load_file, save_file

from neuralpaint.styles import StyleNetwork
from neuralpaint.styles.files import style_names
from neuralpaint.styles.pretrained import load_style_network, save_style_network


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    save_style_network(StyleNetwork(["a", "b"], "light"), tmp_path / "net", training={"steps": 3})
    return tmp_path / "net"


def test_comes_back_as_it_was(folder):
    loaded = load_style_network(folder)
    torch.manual_seed(0)
    original = StyleNetwork(["a", "b"], "light").eval()
    assert loaded.names == ["a", "b"] and loaded.training_facts["steps"] == 3
    photo = torch.rand(1, 3, 20, 24)
    with torch.no_grad():
        torch.testing.assert_close(loaded(photo, torch.eye(2)), original(photo, torch.eye(2)))


def change_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    assert len(config.pop("config_sha256")) == 64
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"version": 7}, "version 7"),
        ({"format": "other"}, "not the configuration of a neuralpaint style network"),
        ({"styles": ["a"]}, "does not match"),
        ({"styles": ["a", "a"]}, "distinct"),
        ({"styles": "ab"}, "damaged"),
        ({"architecture": {"name": "light", "widths": [16, 24], "blocks": 4, "outer": 5, "early": True}}, "damaged"),
        ({"architecture": {"name": "light", "widths": [9**9] * 3, "blocks": 4, "outer": 5, "early": True}}, "damaged"),
        ({"sha256": "0"}, "truncated or modified"),
        ({"sha256": 5}, "sha256 must be"),
        ({"training": "long"}, "training must be an object"),
        ({"styles": []}, "styles must be a list"),
        ({"styles": [["a"], "b"]}, r"styles\[0\] must be a text"),
        ({"architecture": None}, "architecture must be an object"),
        *[
            (
                {
                    "architecture": {"name": "x", "widths": [16, 24, 48], "blocks": 4, "outer": 5, "early": True}
                    | change
                },
                m,
            )
            for change, m in [
                ({"outer": 4095}, "outer must be a whole number from 1 to 255"),
                ({"outer": 255, "early": False}, "must have shape"),
                ({"outer": 4}, "outer must be odd"),
                ({"outer": 7}, "if early at most 5"),
                ({"outer": 5.0}, "outer must be"),
                ({"outer": 10**400}, "outer must be"),
                ({"widths": [4096, 4096, 4096]}, "must have shape"),
                ({"widths": {"a": 1}}, "widths must be a list of 3"),
                ({"blocks": "4"}, "blocks must be"),
                ({"early": 1}, "early must be true or false"),
                ({"name": None}, "name must be"),
            ]
        ],
    ],
)
def test_a_changed_configuration_is_an_error(folder, changes, message):
    change_config(folder, **changes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=message) as caught:
        load_style_network(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "null", "1" + "0" * 5000, b"\xff\xfe"])
def test_a_configuration_that_is_none_is_an_error(folder, text):
    (folder / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    for load in (load_style_network, style_names):
        with pytest.raises(ValueError, match=r"config\.json is"):
            load(folder)


def test_tampered_weights_are_an_error(folder):
    state = load_file(folder / "model.safetensors")
    state["down.0.norm.gamma"] += 1
    save_file(state, folder / "model.safetensors")
    with pytest.raises(ValueError, match="truncated or modified"):
        load_style_network(folder)


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no style network 'nowhere'"):
        load_style_network("nowhere")
    with pytest.raises(ValueError, match="contains no trained style network"):
        load_style_network(tmp_path)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    network = StyleNetwork(["a"], "light")
    network.norms()[0].gamma.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        save_style_network(network, tmp_path / "net")
    assert not (tmp_path / "net" / "model.safetensors").exists()
