"""The bundled encoder as features."""

import pytest
import torch

from neuralpaint.losses import StyleLoss
from neuralpaint.losses.features import get_features
from tests.search.photos import stripes, waves


def test_gradient_reaches_pictures_of_any_size():
    features = get_features("bundled")
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
        get_features("bundled")
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    get_features("bundled")(image, (1,))[1].sum().backward()
    assert image.grad.abs().sum() > 0


def test_knows_a_style_by_it():
    loss = StyleLoss(stripes(32), features="bundled", size=32)
    same, turned, other = (loss(p[None]) for p in (stripes(32), stripes(32).flip(2), waves(32, 0)))
    assert same < 1e-6 and turned < 0.5 * other
