import numpy as np
import pytest
import torch
from PIL import Image

import neuralpaint
from neuralpaint.styles.pictures.network import PictureStyleNetwork
from neuralpaint.styles.pictures.pretrained import load_picture_network, save_picture_network
from neuralpaint.styles.pictures.style import load_style_picture
from neuralpaint.styles.pictures.transfer import StylePicture, transfer
from tests.styles.fixtures import picture


@pytest.fixture(scope="module")
def network():
    return load_picture_network()


@pytest.fixture(scope="module")
def photo():
    return picture(0, (72, 90))


def stripes(colors, size=(64, 64), width=4):
    """Vertical stripes of two colours."""
    chosen = torch.tensor(colors)[(torch.arange(size[1]) // width) % 2]
    return chosen.T[:, None].expand(3, *size).contiguous()


RED = stripes([[0.9, 0.1, 0.1], [0.5, 0.0, 0.1]])
BLUE = stripes([[0.1, 0.2, 0.9], [0.0, 0.6, 0.7]])


def values(image):
    return np.asarray(image, dtype=float) / 255


def test_the_photo_takes_the_colors_of_the_picture(photo):
    found = values(neuralpaint.transfer_style(photo, RED))
    assert found.shape == (72, 90, 3)
    assert np.abs(found.mean((0, 1)) - RED.mean((1, 2)).numpy()).max() < 0.08
    again = values(neuralpaint.transfer_style(photo, RED))
    np.testing.assert_array_equal(found, again)


def test_strength_runs_from_the_photo_to_the_style(photo):
    original = photo.permute(1, 2, 0).numpy()
    none, half, full = (values(neuralpaint.transfer_style(photo, RED, strength=s)) for s in (0, 0.5, 1))
    assert np.abs(none - original).max() <= 0.5 / 255 + 1e-6
    assert 0 < np.abs(half - original).mean() < np.abs(full - original).mean()


def test_kept_colors_differ_in_brightness_alone(photo):
    grey = photo.mean(0, keepdim=True).expand(3, -1, -1) * 0.5 + 0.25
    found = values(neuralpaint.transfer_style(grey, RED, keep_colors=True))
    assert np.abs(found - found.mean(2, keepdims=True)).max() < 0.01
    assert np.abs(found - grey.permute(1, 2, 0).numpy()).mean() > 0.01


def test_mixes_lie_between_their_pictures(photo):
    red, blue, mix = (
        values(neuralpaint.transfer_style(photo, [RED, BLUE], weights=w)).mean((0, 1)) for w in ([1, 0], [0, 3], [1, 1])
    )
    np.testing.assert_allclose(red, values(neuralpaint.transfer_style(photo, RED)).mean((0, 1)), atol=1e-3)
    assert red[0] > mix[0] > blue[0] and red[2] < mix[2] < blue[2]


def test_a_mask_keeps_the_photo_where_it_is_black(photo):
    mask = np.zeros((72, 90), np.uint8)
    mask[:, :45] = 255
    found, original = values(neuralpaint.transfer_style(photo, RED, mask=mask)), photo.permute(1, 2, 0).numpy()
    assert np.abs(found[:, 45:] - original[:, 45:]).max() <= 0.5 / 255 + 1e-6
    assert np.abs(found[:, :45] - original[:, :45]).mean() > 0.05


def test_regions_take_the_style_of_their_color(photo):
    style = torch.cat([RED, BLUE], 2)
    mask, style_mask = np.zeros((72, 90, 3), np.uint8), np.zeros((64, 128, 3), np.uint8)
    mask[:, 45:] = style_mask[:, :64] = (0, 255, 0)  # the photo's right is red, its left blue
    mask[60:] = (9, 9, 9)  # without a partner
    found = values(neuralpaint.transfer_style(photo, style, mask=mask, style_masks=[style_mask]))
    left, right = found[:60, :40].mean((0, 1)), found[:60, 50:].mean((0, 1))
    assert np.abs(found[60:] - photo[:, 60:].permute(1, 2, 0).numpy()).max() <= 0.5 / 255 + 1e-6
    assert right[0] > right[2] + 0.2 and left[2] > left[0] + 0.2


def test_tiles_leave_no_seams(network):
    large = picture(3, (300, 260))[None]
    whole, tiled = (transfer(network, large, [StylePicture(BLUE)], [1.0], side=side) for side in (1024, 128))
    assert float((whole - tiled).abs().max()) < 2e-3


def test_any_size_and_transparency_work():
    for size in ((16, 16), (17, 61)):
        assert neuralpaint.transfer_style(picture(1, size), RED).size == size[::-1]
    clear = Image.fromarray(np.dstack([values(picture(2).permute(1, 2, 0) * 255)] * 1).astype(np.uint8)).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    assert neuralpaint.transfer_style(picture(1), clear).size == (56, 40)


@pytest.mark.parametrize(
    "style, options, message",
    [
        (torch.full((3, 64, 64), 0.5), {}, "style image 1 is a single colour"),
        (torch.rand(3, 1, 1), {}, "1x1 pixels: a style picture needs 32 along each side"),
        ([], {}, "at least one picture"),
        ([RED, BLUE], {"weights": [0, 0]}, "weights: at least one must be larger than 0"),
        ([RED, BLUE], {"weights": [1]}, "weights: 1 for 2 style images"),
        (RED, {"weights": [-1]}, "not negative"),
        (RED, {"strength": 1.5}, "strength must be between 0 and 1"),
        (RED, {"method": "magic"}, "method must be one of"),
        (RED, {"mask": np.zeros((72, 90), np.uint8)}, "mask is black"),
        (RED, {"mask": np.ones((10, 10), np.uint8)}, "mask is 10x10 pixels, but the photo 90x72"),
        (RED, {"style_masks": [np.zeros((64, 64), np.uint8)]}, "style_masks: give one for each"),
        (
            RED,
            {"mask": np.zeros((72, 90), np.uint8), "style_masks": [np.full((64, 64), 9, np.uint8)]},
            "none of its colours is in a style mask",
        ),
        (
            RED,
            {"mask": np.arange(6480).astype(np.uint8).reshape(72, 90), "style_masks": [np.zeros((64, 64), np.uint8)]},
            "mask has 256 colours",
        ),
    ],
)
def test_bad_input_is_one_line(photo, style, options, message):
    with pytest.raises(ValueError, match=message) as error:
        neuralpaint.transfer_style(photo, style, **options)
    assert "\n" not in str(error.value)


def test_networks_are_checked_when_read(tmp_path, network):
    save_picture_network(network, tmp_path / "good", dtype=torch.float16)
    loaded = load_picture_network(tmp_path / "good")
    assert isinstance(loaded, PictureStyleNetwork)
    weights = tmp_path / "good" / "model.safetensors"
    for name, content in (("cut", weights.read_bytes()[:-100]), ("changed", weights.read_bytes()[:-1] + b"\x01")):
        save_picture_network(network, tmp_path / name, dtype=torch.float16)
        (tmp_path / name / "model.safetensors").write_bytes(content)
        with pytest.raises(ValueError, match="truncated or modified"):
            load_picture_network(tmp_path / name)
    with pytest.raises(ValueError, match="is not the folder"):
        load_picture_network(tmp_path / "missing")
    config = tmp_path / "good" / "config.json"
    config.write_text(config.read_text().replace('"version": 1', '"version": 2'))
    load_picture_network.__globals__["_cached"].cache_clear()
    with pytest.raises(ValueError, match="has version 2, this neuralpaint reads version 1"):
        load_picture_network(tmp_path / "good")


def test_networks_of_other_channels_are_of_another_version(tmp_path, network, monkeypatch):
    save_picture_network(network, tmp_path / "net", dtype=torch.float16)
    monkeypatch.setattr("neuralpaint.styles.pictures.pretrained.CHANNELS", (16, 40, 96))
    with pytest.raises(ValueError, match=r"of another version: its channels are \[16, 40, 80\], not") as error:
        load_picture_network(tmp_path / "net")
    assert "\n" not in str(error.value)


def test_huge_pictures_are_read_in_bands(tmp_path, monkeypatch):
    Image.linear_gradient("L").resize((720, 700), Image.Resampling.NEAREST).save(tmp_path / "huge.png")
    monkeypatch.setattr("neuralpaint.styles.pictures.style._WHOLE", 1 << 14)
    monkeypatch.setattr("neuralpaint.styles.pictures.style.load_image", lambda *_, **__: pytest.fail("read as a whole"))
    picture, size = load_style_picture(tmp_path / "huge.png", most=10_000)
    assert size == (700, 720) and picture.shape[0] == 3 and 8_000 < picture[0].numel() < 12_000
    assert picture.max() > 0.9 and picture.min() < 0.1


def test_what_is_transparent_shows_the_background(tmp_path):
    picture = Image.new("RGBA", (64, 64), (255, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 32, 64))
    picture.save(tmp_path / "half.png")
    loaded, _ = load_style_picture(tmp_path / "half.png", most=64 * 64, background="blue")
    assert loaded[:, 10, 10].tolist() == [0, 0, 1] and loaded[:, 10, 50].tolist() == [1, 0, 0]
