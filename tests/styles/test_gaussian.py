import pytest
import torch

from neuralpaint.styles.pictures.gaussian import Gaussian, Moments, affine_map, barycentre


def gaussian(seed, channels=6, rank=None):
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(channels, rank or channels, generator=generator, dtype=torch.float64)
    return Gaussian(torch.randn(channels, generator=generator, dtype=torch.float64), root @ root.T)


def moved(g, matrix, shift):
    return Gaussian(matrix @ g.mean + shift, matrix @ g.covariance @ matrix.T)


@pytest.mark.parametrize("method", ["transport", "whitening"])
def test_maps_reach_the_target(method):
    source, target = gaussian(1), gaussian(2)
    found = moved(source, *affine_map(source, target, method))
    torch.testing.assert_close(found.mean, target.mean)
    torch.testing.assert_close(found.covariance, target.covariance, rtol=1e-2, atol=1e-2)


def test_moments_reach_means_and_variances():
    source, target = gaussian(1), gaussian(2)
    found = moved(source, *affine_map(source, target, "moments"))
    torch.testing.assert_close(found.mean, target.mean)
    torch.testing.assert_close(found.covariance.diagonal(), target.covariance.diagonal(), rtol=1e-3, atol=1e-3)


def test_transport_moves_least():
    source, target = gaussian(3), gaussian(4)

    def cost(method):
        matrix, _ = affine_map(source, target, method)
        change = matrix - torch.eye(6, dtype=torch.float64)
        return float((change @ source.covariance @ change.T).trace())

    assert cost("transport") < cost("whitening")


@pytest.mark.parametrize("method", ["transport", "whitening", "moments"])
def test_singular_covariances_have_finite_maps(method):
    for source, target in ((gaussian(1, rank=2), gaussian(2)), (gaussian(1), gaussian(2, rank=1))):
        assert all(part.isfinite().all() for part in affine_map(source, target, method))


def test_unknown_methods_are_named():
    with pytest.raises(ValueError, match="method must be one of transport, whitening, moments, got 'magic'"):
        affine_map(gaussian(1), gaussian(2), "magic")


def test_the_barycentre_lies_halfway_along_the_transport():
    a, b = gaussian(5), gaussian(6)
    matrix, _ = affine_map(a, b)
    half = (matrix + torch.eye(6, dtype=torch.float64)) / 2
    found = barycentre([a, b], [0.5, 0.5])
    torch.testing.assert_close(found.covariance, half @ a.covariance @ half.T, rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(found.mean, (a.mean + b.mean) / 2)
    torch.testing.assert_close(barycentre([a, b], [1.0, 0.0]).covariance, a.covariance)


def test_pieces_add_up_to_the_whole():
    features = torch.randn(1, 5, 12, 8, generator=torch.Generator().manual_seed(0)) + 100
    whole, pieces, weighted = Moments(), Moments(), Moments()
    whole.add(features)
    for piece in features.split(5, dim=2):
        pieces.add(piece)
    left = torch.zeros(1, 1, 12, 8)
    left[..., :3] = 1
    weighted.add(features, left)
    expected = torch.cov(features[0].flatten(1).double(), correction=0)
    for found in (whole, pieces):
        torch.testing.assert_close(found.gaussian().covariance, expected, rtol=1e-4, atol=1e-4)
    expected = torch.cov(features[0, :, :, :3].flatten(1).double(), correction=0)
    torch.testing.assert_close(weighted.gaussian().covariance, expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="no features"):
        Moments().gaussian()
