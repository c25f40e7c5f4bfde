"""Written images: their tag as sRGB, and 16 bits per channel."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from neuralpaint import Painting
from neuralpaint.brushes import get_brush
from neuralpaint.images.io import OUTPUT_SUFFIXES, load_image, save_image
from neuralpaint.images.streaming import STREAMED_SUFFIXES, write_bands


def painting(size=40):
    drawn = get_brush("oil").sample(30, torch.Generator().manual_seed(0))
    return Painting(drawn, "oil", (1.0, 1.5), size=size)


def is_srgb(path):
    """Whether the file says that its colours are sRGB, by a chunk or a profile that Pillow finds to be that."""
    with Image.open(path) as image:
        if "srgb" in image.info:
            return True
        colors = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8))
        profile = ImageCms.getOpenProfile(io.BytesIO(image.info["icc_profile"]))
        shown = ImageCms.profileToProfile(colors, profile, ImageCms.createProfile("sRGB"), renderingIntent=1)
        return np.abs(np.asarray(shown).astype(int) - np.asarray(colors)).max() <= 1


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_outputs_are_tagged_and_repeat(suffix, tmp_path):
    image = painting().render()
    for name in ("a", "b"):
        save_image(image, tmp_path / f"{name}{suffix}")
    assert is_srgb(tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    save_image(image, tmp_path / f"c{suffix}", data=True)
    size = (tmp_path / f"a{suffix}").stat().st_size - (tmp_path / f"c{suffix}").stat().st_size
    assert 0 < size < 700


@pytest.mark.parametrize("suffix", STREAMED_SUFFIXES)
def test_streamed_outputs_are_tagged(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    write_bands(path, 40, 60, painting().bands(rows=16))
    assert is_srgb(path)
    if suffix not in (".jpg", ".jpeg"):
        assert np.array_equal(np.asarray(Image.open(path)), np.concatenate(list(painting().bands())))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
def test_sixteen_bits(suffix, tmp_path):
    shown, path = painting(), tmp_path / f"a{suffix}"
    shown.render_to(path, depth=16)
    found, expected = load_image(path), shown.render_tensor()
    assert (found - expected).abs().max() <= 0.51 / 65535
    assert len(torch.unique(found)) > 256 and is_srgb(path)


def test_no_sixteen_bits_elsewhere(tmp_path):
    for suffix in (".jpg", ".webp"):
        with pytest.raises(ValueError, match=rf"a {suffix} file has 8 bits a channel: use .png or .tif or .tiff"):
            painting().render_to(tmp_path / f"a{suffix}", depth=16)
    with pytest.raises(ValueError, match="depth must be 8 or 16 bits, got 12"):
        painting().render_to(tmp_path / "a.png", depth=12)
    assert not list(tmp_path.iterdir())
