"""The bundled features: shapes, invalid arguments, and that they tell styles apart."""

import pytest
import torch

from neuralpaint.losses import StyleLoss
from neuralpaint.losses.features import DistilledFeatures, get_features
from neuralpaint.losses.features.statistics import statistics, style_difference
from tests.search.photos import stripes, waves


def test_shapes():
    features = get_features("distilled")
    found = features(torch.rand(2, 3, 18, 33), (1, 3))
    assert {layer: tuple(x.shape) for layer, x in found.items()} == {1: (2, 16, 20, 36), 3: (2, 80, 5, 9)}
    assert features(torch.rand(1, 3, 8, 8), ()) == {}
    with pytest.raises(ValueError, match="distilled weights have 3 layers"):
        features(torch.rand(1, 3, 8, 8), (4,))
    with pytest.raises(ValueError, match="needs at least 8"):
        features(torch.rand(1, 3, 8, 7), (1,))


def test_an_instance_has_weights_of_its_own():
    first, second = DistilledFeatures(), DistilledFeatures()
    first.double()
    assert second(torch.rand(1, 3, 8, 8), (1,))[1].dtype == torch.float32


@pytest.mark.parametrize("kind", ["covariance", "gram"])
def test_statistics_do_not_depend_on_where_things_are(kind):
    features = DistilledFeatures()
    style = stripes(64, 6)

    def of(picture):
        return statistics(features(picture[None], (2,))[2], kind)

    def distance(picture):
        return style_difference(of(picture), of(style), kind).item()

    assert distance(style) == 0
    assert 5 * distance(style.roll(5, dims=2)) < min(distance(style.mT), distance(waves(64, 1)))


def test_a_difference_of_covariances_and_of_means():
    x = torch.randn(1, 5, 9, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = statistics(x, "covariance")
    rows = x[0].flatten(1)
    assert torch.allclose(found[0][0], rows.cov(correction=0)) and torch.allclose(found[1][0], rows.mean(1))
    moved = statistics(2 * x + 3, "covariance")
    covariance, mean = rows.cov(correction=0), rows.mean(1)
    expected = 9 + (mean + 3).square().sum() / covariance.trace()
    assert torch.allclose(style_difference(moved, found, "covariance")[0], expected)


def test_gradient_reaches_pictures_of_any_size():
    features = get_features("distilled")
    image = torch.rand(1, 3, 21, 30, requires_grad=True)
    found = features(image, (1, 2, 3))
    assert [tuple(found[k].shape[1:]) for k in (1, 2, 3)] == [(16, 24, 32), (40, 12, 16), (80, 6, 8)]
    sum(part.square().sum() for part in found.values()).backward()
    assert image.grad.isfinite().all() and image.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="layers: 4 is out of range"):
        features(image, (4,))


def test_has_a_gradient_whoever_has_loaded_the_network_before():
    from neuralpaint.styles.pictures.pretrained import _cached

    _cached.cache_clear()
    with torch.inference_mode():
        get_features("distilled")
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    get_features("distilled")(image, (1,))[1].sum().backward()
    assert image.grad.abs().sum() > 0


def test_knows_a_style_by_it():
    loss = StyleLoss(stripes(32), features="distilled", size=32)
    same, turned, other = (loss(p[None]) for p in (stripes(32), stripes(32).flip(2), waves(32, 0)))
    assert same < 1e-6 and turned < 0.5 * other
