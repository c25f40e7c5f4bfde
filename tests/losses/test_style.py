"""`StyleLoss`: values, gradient, invalid arguments."""

import pytest
import torch
from PIL import Image

from neuralpaint.losses import StyleLoss
from neuralpaint.losses.features import VGG19Features
from tests.search.photos import stripes, waves


@pytest.fixture(scope="module")
def vgg(vgg_file):
    return VGG19Features(vgg_file)


@pytest.fixture
def double(vgg_file):
    """A separate instance, because converting it to double precision would affect other tests."""
    return VGG19Features(vgg_file)


def loss_of(style, features, **more):
    return StyleLoss(style, features=features, size=32, **more)


KINDS = pytest.mark.parametrize("kind", ["gram", "covariance"])


@KINDS
def test_a_picture_has_its_own_style(vgg, kind):
    style = stripes(32)
    loss = loss_of(style, vgg, kind=kind)
    assert loss(style[None]) < 1e-9
    assert loss(waves(32, 1)[None]) > 0.01
    assert loss(torch.zeros(1, 3, 32, 32)) > 0.1


@KINDS
def test_where_things_are_does_not_matter(vgg, kind):
    """Shifted vertical stripes are closer than horizontal ones or another image."""
    style, other = stripes(64, 6), waves(64, 1)
    loss = StyleLoss(style, features=vgg, size=64, scales=(1,), kind=kind)  # in coarser levels all is near the border
    moved = style.roll(5, dims=2)
    assert 5 * loss(moved[None]) < min(loss(style.mT[None]), loss(other[None]))


def test_colours_count_in_either_mode(vgg):
    style = stripes(32)
    for mode in ("color", "color+texture"):
        loss = loss_of(style, vgg, mode=mode)
        assert loss(style.flip(0)[None]) > 0.005


def test_color_looks_less_deep(vgg):
    assert loss_of(stripes(32), vgg).layers == (2, 4, 5)
    assert loss_of(stripes(32), vgg, mode="color").layers == (2, 4)
    assert loss_of(stripes(32), vgg, mode="color", layers=[3]).layers == (3,)


def test_batch_is_averaged(vgg):
    loss = loss_of(stripes(32), vgg)
    canvases = torch.stack([waves(32, 1), waves(32, 2)])
    assert torch.allclose(loss(canvases), (loss(canvases[:1]) + loss(canvases[1:])) / 2)


def test_style_of_any_size_and_aspect(vgg):
    for shape in ((16, 16), (20, 400), (500, 300)):
        loss = loss_of(torch.rand(3, *shape, generator=torch.Generator().manual_seed(0)), vgg)
        height, width = loss.picture.shape[1:]
        assert 0.8 * 32**2 < height * width < 1.25 * 32**2
        assert torch.isfinite(loss(waves(24, 1)[None]))


@KINDS
def test_gradient_is_the_derivative(double, kind):
    loss = StyleLoss(stripes(16), features=double, size=16, scales=(1, 0.5), kind=kind).double()
    canvas = waves(16, 1)[None].double().requires_grad_()
    direction = torch.randn(canvas.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(loss(canvas), canvas)
    step = 1e-6
    expected = (loss(canvas + step * direction) - loss(canvas - step * direction)) / (2 * step)
    assert torch.allclose((gradient * direction).sum(), expected, rtol=1e-4)


def test_gradient_leads_to_the_style(vgg):
    loss = loss_of(stripes(32), vgg)
    canvas = waves(32, 1)[None].requires_grad_()
    start = loss(canvas).item()
    for _ in range(20):
        (gradient,) = torch.autograd.grad(loss(canvas), canvas)
        canvas = (canvas - 0.02 * gradient.sign()).clamp(0, 1).detach().requires_grad_()
    assert loss(canvas) < 0.3 * start


def test_bad_pictures(vgg, tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0broken")
    with pytest.raises(ValueError, match=r"dot.png is 1x1 pixels: too small for a style image"):
        loss_of(tmp_path / "dot.png", vgg)
    with pytest.raises(ValueError, match="broken.jpg"):
        loss_of(tmp_path / "broken.jpg", vgg)
    with pytest.raises(ValueError, match="none.jpg does not exist"):
        loss_of(tmp_path / "none.jpg", vgg)
    with pytest.raises(ValueError, match="style_image contains NaN"):
        loss_of(torch.full((3, 32, 32), torch.nan), vgg)


def test_bad_arguments(vgg, tmp_path):
    style = stripes(32)
    with pytest.raises(ValueError, match="layers: 7 is out of range"):
        loss_of(style, vgg, layers=(2, 4, 7))
    with pytest.raises(ValueError, match="layers must not be empty"):
        loss_of(style, vgg, layers=())
    with pytest.raises(ValueError, match="mode must be one of 'color', 'color\\+texture'"):
        loss_of(style, vgg, mode="texture")
    with pytest.raises(ValueError, match="kind must be one of 'covariance', 'gram', got 'mean'"):
        loss_of(style, vgg, kind="mean")
    for scales in ((), (0.0,), (2.0,), (0.5, 0.5)):
        with pytest.raises(ValueError, match="scales must be"):
            loss_of(style, vgg, scales=scales)
    with pytest.raises(ValueError, match=r"none.safetensors.*(--vgg|download)"):
        StyleLoss(style, features="vgg19", vgg=tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="image must be"):
        loss_of(style, vgg)(torch.zeros(3, 32, 32))
