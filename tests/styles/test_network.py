import pytest
import torch
import torch.nn.functional as F
from torch import nn

from neuralpaint.styles import ConditionalInstanceNorm2d, StyleNetwork, tiled
from neuralpaint.styles.convolution import fold
from neuralpaint.styles.tiled import stylize_tiled

NAMES = ["a", "b", "c"]


def make(architecture="light"):
    """A network with different random styles."""
    torch.manual_seed(0)
    network = StyleNetwork(NAMES, architecture).eval()
    for norm in network.norms():
        nn.init.normal_(norm.gamma, 1, 0.3)
        nn.init.normal_(norm.beta, 0, 0.3)
    return network


def test_conditional_norm_is_instance_norm_with_each_style_of_its_own():
    norm = ConditionalInstanceNorm2d(4, 3)
    nn.init.normal_(norm.gamma)
    nn.init.normal_(norm.beta)
    x = torch.randn(3, 4, 7, 5)
    together = norm(x, torch.eye(3))
    for style in range(3):
        plain = nn.InstanceNorm2d(4, affine=True)
        plain.load_state_dict({"weight": norm.gamma[style], "bias": norm.beta[style]})
        torch.testing.assert_close(together[style], plain(x[style : style + 1])[0])
    mixed = norm(x, torch.tensor([[0.25, 0.75, 0.0]]))
    gamma = 0.25 * norm.gamma[0] + 0.75 * norm.gamma[1]
    beta = 0.25 * norm.beta[0] + 0.75 * norm.beta[1]
    torch.testing.assert_close(mixed, F.instance_norm(x, weight=gamma, bias=beta))


def test_conditional_norm_of_a_single_pixel_is_the_shift():
    norm = ConditionalInstanceNorm2d(4, 2)
    nn.init.normal_(norm.beta)
    found = norm(torch.rand(2, 4, 1, 1), torch.eye(2))
    torch.testing.assert_close(found[..., 0, 0], norm.beta)


def test_layers_of_the_paper():
    network = StyleNetwork([str(k) for k in range(32)], "paper")
    weights = [tuple(weight.shape) for weight in network.filters()]
    assert weights == [
        (32, 3, 9, 9),
        (64, 32, 3, 3),
        (128, 64, 3, 3),
        *[(128, 128, 3, 3)] * 10,
        (64, 128, 3, 3),
        (32, 64, 3, 3),
        (3, 32, 9, 9),
    ]
    each = sum(2 * norm.channels for norm in network.norms())
    assert each == 3206  # "about 3,000" in the paper
    assert sum(p.numel() for p in network.parameters()) == sum(w.numel() for w in network.filters()) + 32 * each


@pytest.mark.parametrize("side", [3, 5])
def test_folded_filters_are_those_of_the_doubled_picture(side):
    x = torch.rand(2, 4, 6, 7, dtype=torch.float64)
    weight = torch.randn(5, 4, side, side, dtype=torch.float64)
    padded = F.pad(x, (1,) * 4, mode="replicate")
    doubled = F.interpolate(padded, scale_factor=2, mode="nearest")
    whole = F.conv2d(doubled, weight)
    cut = (side // 2, 2 - side // 2)
    expected = whole[..., cut[1] : cut[1] + 12, cut[1] : cut[1] + 14]
    torch.testing.assert_close(F.pixel_shuffle(F.conv2d(padded, fold(weight)), 2), expected)


def test_doubling_pads_by_reflection_of_the_doubled_picture():
    x = torch.rand(1, 2, 5, 6, dtype=torch.float64)
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64)
    doubled = F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), (1,) * 4, mode="reflect")
    found = F.pixel_shuffle(F.conv2d(F.pad(x, (1,) * 4, mode="replicate"), fold(weight)), 2)
    torch.testing.assert_close(found, F.conv2d(doubled, weight))


@pytest.mark.parametrize("architecture", ["paper", "light"])
@pytest.mark.parametrize("size", [(16, 16), (19, 34)])
def test_styles_of_a_batch_are_those_of_one_at_a_time(architecture, size):
    network = make(architecture)
    photo = torch.rand(1, 3, *size)
    with torch.no_grad():
        together = network(photo, torch.eye(3))
        assert together.shape == (3, 3, *size)
        assert 0 <= together.min() and together.max() <= 1
        for style in range(3):
            alone = network(photo, torch.eye(3)[style : style + 1])
            torch.testing.assert_close(together[style : style + 1], alone, rtol=1e-3, atol=1e-4)
        assert (together[0] - together[1]).abs().mean() > 0.01


@pytest.mark.parametrize("architecture", ["paper", "light"])
@pytest.mark.parametrize("size", [(16, 16), (45, 70)])
@pytest.mark.parametrize("memory", [1 << 30, 0])
def test_tiles_give_the_whole_picture(architecture, size, memory, monkeypatch):
    monkeypatch.setattr(tiled, "_TILE", 12)
    network = make(architecture)
    photo, mix = torch.rand(1, 3, *size), torch.tensor([[0.2, 0.3, 0.5]])
    shares = []
    with torch.no_grad():
        found = stylize_tiled(network, photo, mix, memory=memory, progress=shares.append)
        torch.testing.assert_close(found, network(photo, mix), rtol=1e-3, atol=1e-4)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


def test_tiles_leave_no_files(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stylize_tiled(make(), torch.rand(1, 3, 16, 16), torch.eye(3)[:1], memory=0)
    assert not list(tmp_path.iterdir())


def test_a_full_temporary_folder_is_told_beforehand(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(OSError, match="needs .* GiB more in .*set TMPDIR"):
        stylize_tiled(make(), torch.rand(1, 3, 16, 16), torch.eye(3)[:1], memory=0)
    assert not list(tmp_path.iterdir())


def test_an_added_style_leaves_the_others_alone():
    network = make()
    photo = torch.rand(1, 3, 20, 20)
    with torch.no_grad():
        before = network(photo, torch.eye(3))
        network.add_style("d", like=torch.tensor([0.0, 1.0, 0.0]))
        after = network(photo, torch.eye(4))
    assert network.names == [*NAMES, "d"]
    torch.testing.assert_close(after[:3], before)
    torch.testing.assert_close(after[3], before[1])
    with pytest.raises(ValueError, match="name"):
        network.add_style("d")


@pytest.mark.parametrize(
    "photo, mix, message",
    [
        (torch.rand(3, 16, 16), torch.eye(3)[:1], "photo"),
        (torch.rand(1, 3, 8, 16), torch.eye(3)[:1], "photo must have at least 16"),
        (torch.rand(1, 3, 16, 16), torch.eye(4)[:1], "mix"),
        (torch.rand(2, 3, 16, 16), torch.eye(3), "mix"),
    ],
)
def test_what_does_not_fit_is_an_error(photo, mix, message):
    with pytest.raises(ValueError, match=message):
        make()(photo, mix)


@pytest.mark.parametrize("names", [[], ["a", "a"], [""]])
def test_names_must_be_distinct(names):
    with pytest.raises(ValueError, match="names"):
        StyleNetwork(names)
