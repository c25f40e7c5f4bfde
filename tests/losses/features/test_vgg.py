import hashlib
import pickle
import zipfile

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from neuralpaint.losses import StyleLoss, features
from neuralpaint.losses.features import VGG19Features, get_features, vgg


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No weights except those given by a test, and no network access."""
    monkeypatch.delenv("NEURALPAINT_VGG19", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))

    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)


def test_activations_are_those_of_the_convolutions_with_average_pooling(vgg_file):
    state = load_file(vgg_file)
    image = torch.rand(2, 3, 21, 30)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x, expected = (image - mean.view(3, 1, 1)) / std.view(3, 1, 1), {}
    for number, index in enumerate((0, 2, 5, 7, 10), 1):
        x = F.conv2d(x, state[f"features.{index}.weight"], state[f"features.{index}.bias"], padding=1).clamp(min=0)
        expected[number] = x
        if number in (2, 4):
            x = F.avg_pool2d(x, 2, ceil_mode=True)
    features = VGG19Features(vgg_file)
    assert features.depth == 5
    found = features(image, (1, 4, 5))
    assert sorted(found) == [1, 4, 5]
    for layer, value in found.items():
        torch.testing.assert_close(value, expected[layer], rtol=1e-4, atol=1e-5)


def test_a_whole_network_sees_with_the_papers_layers(vgg_file, tmp_path):
    """With seven or more convolutions: SNP's layers 2, 4 and 7, and two scales instead of three."""
    state, generator = load_file(vgg_file), torch.Generator().manual_seed(1)
    for index in (12, 14, 16):
        state[f"features.{index}.weight"] = 0.03 * torch.randn(256, 256, 3, 3, generator=generator)
        state[f"features.{index}.bias"] = torch.zeros(256)
    save_file(state, path := tmp_path / "deep.safetensors")
    features = VGG19Features(path)
    assert (features.depth, features.style_layers, features.content_layer) == (8, (2, 4, 7), 7)
    assert features.scales == (1.0, 0.5)
    image = torch.rand(1, 3, 40, 40, generator=generator)
    seen = VGG19Features(vgg_file)(image, (5,))[5]
    for index in (12, 14):
        seen = F.conv2d(seen, state[f"features.{index}.weight"], padding=1).clamp(min=0)
    torch.testing.assert_close(features(image, (7,))[7], seen, rtol=1e-4, atol=1e-5)

    loss = StyleLoss(torch.rand(3, 40, 40, generator=generator), features=features, size=40)
    same = StyleLoss(image[0], layers=(2, 4, 7), features=features, size=40)
    canvas = image.clone().requires_grad_()
    (found := loss(canvas)).backward()
    assert 0 < found.item() < 2 and canvas.grad.isfinite().all() and canvas.grad.abs().sum() > 0
    assert same(image).item() < 1e-9


def test_has_a_gradient_by_the_image_and_none_by_the_weights(vgg_file):
    features = VGG19Features(vgg_file)
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    features(image, (2,))[2].sum().backward()
    assert image.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in features.parameters())


def test_layers_beyond_the_file_are_an_error(vgg_file):
    features = VGG19Features(vgg_file)
    assert max(features.style_layers) <= 5 and features.content_layer <= 5
    with pytest.raises(ValueError, match="layers: 7 is out of range"):
        features(torch.rand(1, 3, 32, 32), (2, 7))
    with pytest.raises(ValueError, match="layers"):
        features(torch.rand(1, 3, 32, 32), (0,))


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 1, 16, 16), (1, 3, 2, 16)])
def test_what_is_no_picture_is_an_error(vgg_file, shape):
    with pytest.raises(ValueError, match="image"):
        VGG19Features(vgg_file)(torch.rand(shape), (1,))


def test_finds_weights_by_the_environment_and_the_hub_cache(vgg_file, monkeypatch, tmp_path):
    monkeypatch.setenv("NEURALPAINT_VGG19", str(vgg_file))
    assert get_features("vgg19").depth == 5
    monkeypatch.delenv("NEURALPAINT_VGG19")
    cache = tmp_path / "hub" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    path = cache / "vgg19-dcbb9e9d.pth"
    torch.save(load_file(vgg_file), path)
    monkeypatch.setattr(vgg, "_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    assert get_features("vgg19").depth == 5


def test_what_is_named_as_the_published_file_must_be_it(vgg_file, tmp_path):
    cache = tmp_path / "hub" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    for path, given in ((cache / vgg.PUBLISHED, None), (tmp_path / vgg.PUBLISHED, tmp_path / vgg.PUBLISHED)):
        torch.save(load_file(vgg_file), path)
        with pytest.raises(ValueError, match=r"vgg19-dcbb9e9d\.pth is damaged or another.*dcbb9e9d.*: delete it"):
            get_features("vgg19", path=given)


def test_what_is_downloaded_must_be_the_published_file(vgg_file, monkeypatch):
    def download(url, target, hash_prefix):
        assert url.endswith(vgg.PUBLISHED) and hash_prefix == vgg._SHA256 and len(hash_prefix) == 64
        torch.save(load_file(vgg_file), target)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(ValueError, match=r"vgg19-dcbb9e9d\.pth is damaged or another"):
        get_features("vgg19", download=True)


def test_nothing_is_fetched_unasked(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("fetched"))
    monkeypatch.setattr(features, "available", lambda: False)
    remedies = r"--download.*--vgg.*NEURALPAINT_VGG19.*https://.*checkpoints.*--features distilled.*efficientnet"
    for make in (
        VGG19Features,
        lambda: get_features("vgg19"),
        lambda: StyleLoss(torch.rand(3, 32, 32), features="vgg19"),
    ):
        with pytest.raises(ValueError, match=f"not on this machine, and nothing is fetched unasked: add {remedies}"):
            make()
    with pytest.warns(UserWarning, match="using distilled.*--features vgg19 --download"):
        assert get_features("auto").name == "distilled"


def test_says_where_to_get_weights_that_are_missing(tmp_path):
    with pytest.raises(
        ValueError, match=r"cannot be downloaded \(no network\): set --vgg.*vgg19-dcbb9e9d.pth.*--features distilled"
    ):
        get_features("vgg19", download=True)
    with pytest.raises(ValueError, match="do not exist.*--vgg"):
        get_features("vgg19", path=tmp_path / "missing.pth")


def test_unknown_features_are_an_error():
    with pytest.raises(ValueError, match="unknown features 'vgg16'.*did you mean 'vgg19'"):
        get_features("vgg16")


class Boom:
    def __reduce__(self):
        return (pytest.fail, ("code in a weights file was run",))


def compressed(path, state):
    """A .pth that expands to a thousand times its size."""
    torch.save(state, path.with_suffix(".whole"))
    with zipfile.ZipFile(path.with_suffix(".whole")) as whole, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in whole.namelist():
            file.writestr(name, whole.read(name))


FIRST = torch.zeros(64, 3, 3, 3)
PTH = {
    "sparse": {"features.0.weight": FIRST.to_sparse()},
    "half sparse": {"features.0.bias": torch.zeros(64).to_sparse()},
    "whole numbers": {"features.0.weight": FIRST.long()},
    "complex": {"features.0.weight": FIRST.to(torch.complex64)},
    "meta": {"features.0.weight": FIRST.to("meta")},
    "eight bits": {"features.0.weight": FIRST.to(torch.float8_e4m3fn)},
    "numbers": {"features.0.weight": 5},
    "nested": {"features.0.weight": {"a": FIRST}},
    "keys": {7: FIRST, "features.0.weight": FIRST[:3]},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [*PTH, "list", "empty", "cut", "compressed", "folder", "flipped", "preceded"])
def test_a_bad_pth_is_an_error_of_one_line(tmp_path, kind):
    path = tmp_path / "weights.pth"
    state = {"features.0.weight": FIRST, "features.0.bias": torch.zeros(64)}
    if kind == "compressed":
        compressed(path, state | {"more": torch.zeros(500_000)})
    elif kind == "folder":
        path.mkdir()
    else:
        torch.save([1] if kind == "list" else state | PTH.get(kind, {}), path)
    if kind in ("cut", "empty"):
        path.write_bytes(path.read_bytes()[: {"cut": 500, "empty": 0}[kind]])
    if kind == "flipped":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    if kind == "preceded":
        path.write_bytes(b"more" + path.read_bytes())
    with pytest.raises(ValueError) as caught:
        VGG19Features(path)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["text", "cut", "code", "other", "shape", "nan"])
def test_a_bad_file_is_an_error_of_one_line(vgg_file, tmp_path, kind):
    state = load_file(vgg_file)
    path = tmp_path / "weights.safetensors"
    if kind == "text":
        path.write_text("hello")
    elif kind == "cut":
        path.write_bytes(vgg_file.read_bytes()[:5000])
    elif kind == "code":
        path = tmp_path / "weights.pth"
        path.write_bytes(pickle.dumps({"features.0.weight": Boom()}))
    elif kind == "other":
        save_file({"conv.weight": torch.ones(3)}, path)
    elif kind == "shape":
        save_file(state | {"features.2.weight": torch.ones(64, 3, 3, 3)}, path)
    else:
        save_file(state | {"features.5.bias": torch.full((128,), float("nan"))}, path)
    with pytest.raises(ValueError) as caught:
        VGG19Features(path)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)
