"""Measures of pictures: known values, what must not count, invalid arguments."""

import math

import pytest
import torch

from neuralpaint import Painting
from neuralpaint.brushes import get_brush
from neuralpaint.images.io import save_image, to_pil
from neuralpaint.losses.features import DistilledFeatures
from neuralpaint.metrics import compare, content_distance, feature_distance, ms_ssim, ssim, style_distance
from tests.search.photos import stripes, waves

pytest.importorskip("torchmetrics")


@pytest.fixture(scope="module")
def features():
    return DistilledFeatures()


def test_a_photo_is_equal_to_itself(features):
    photo = waves(176, 1)
    found = compare(photo, photo, style=photo, features=features)
    assert found.psnr == math.inf and found.ssim == pytest.approx(1) and found.ms_ssim == pytest.approx(1)
    assert found.features == pytest.approx(0, abs=1e-6) and found.content == pytest.approx(0, abs=1e-6)
    assert found.style == pytest.approx(0, abs=1e-6) and found.strokes is None


def test_more_noise_is_farther_by_every_measure(features):
    photo = waves(176, 1)
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    near, far = (compare(photo, (photo + s * noise).clamp(0, 1), features=features) for s in (0.02, 0.1))
    assert near.psnr > far.psnr + 10
    assert near.ssim > far.ssim and near.ms_ssim > far.ms_ssim
    assert near.features < far.features and near.content < far.content


def test_psnr_and_ssim_of_a_shift_of_grey():
    a, b = torch.full((1, 3, 32, 32), 0.4), torch.full((1, 3, 32, 32), 0.5)
    assert compare(a[0], b[0]).psnr == pytest.approx(20, abs=1e-4)
    assert ssim(a, b) == pytest.approx((2 * 0.2 + 1e-4) / (0.16 + 0.25 + 1e-4), abs=1e-4)


def test_edges_do_not_depend_on_colours_and_style_not_on_places(features):
    photo = stripes(96, 6)[None]
    assert content_distance(photo, photo.flip(1)) < 1e-5
    assert content_distance(photo, photo.mT) > 0.5
    assert content_distance(torch.full_like(photo, 0.5), photo) == 1
    other = waves(96, 1)[None]
    moved = style_distance(photo.roll(24, 3), photo, features)
    assert 4 * moved < min(style_distance(other, photo, features), style_distance(photo.flip(1), photo, features))
    assert style_distance(photo[..., :48], photo, features) < 0.5 * style_distance(other, photo, features)


def test_paintings_and_stroke_files_are_drawn_at_the_size_of_the_photo(tmp_path):
    strokes = get_brush("tape").sample(20, torch.Generator().manual_seed(0))
    painting = Painting(strokes, "tape", aspect=(1, 1.5))
    painting.save(tmp_path / "a.safetensors")
    photo = to_pil(torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(0)))
    save_image(photo, tmp_path / "photo.png")
    save_image(painting.render(64), tmp_path / "a.png")
    found = [compare(tmp_path / "photo.png", x) for x in (painting, tmp_path / "a.safetensors", tmp_path / "a.png")]
    assert found[0] == found[1] and found[0].strokes == 20 and found[2].strokes is None
    assert found[0].psnr == found[2].psnr
    assert compare(photo, painting, size=32).ms_ssim is None


def test_bad_arguments(features):
    photo = torch.rand(3, 40, 60)
    with pytest.raises(ValueError, match="picture is 60x60 pixels and the photo 60x40: crop one"):
        compare(photo, torch.rand(3, 60, 60))
    with pytest.raises(ValueError, match="photo is 8x8 pixels: at least 16"):
        compare(torch.rand(3, 8, 8), torch.rand(3, 8, 8))
    with pytest.raises(ValueError, match="picture does not exist|nothing.png does not exist"):
        compare(photo, "nothing.png")
    one, two = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 33)
    for function in (ssim, content_distance, lambda a, b: feature_distance(a, b, features)):
        with pytest.raises(ValueError, match="same shape"):
            function(one, two)
    with pytest.raises(ValueError, match="at least 161"):
        ms_ssim(one, one)
    with pytest.raises(ValueError, match=r"painting must be \[1, 3, H, W\]"):
        style_distance(one, one[0], features)
