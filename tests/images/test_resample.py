"""Area averages by matrix products, compared with torch."""

import pytest
import torch
import torch.nn.functional as F

from neuralpaint.images.resample import _means, area_pool

SIZES = [((128, 128), (48, 48)), ((17, 31), (5, 31)), ((7, 9), (7, 9)), ((5, 8), (1, 3)), ((64, 48), (32, 24))]


@pytest.mark.parametrize(("size", "to"), SIZES, ids=str)
def test_matrices_are_area_means(size, to):
    image = torch.rand(2, 3, *size, dtype=torch.float64)
    rows, columns = (_means(side, count, image) for side, count in zip(size, to, strict=True))
    torch.testing.assert_close(rows @ image @ columns.T, F.adaptive_avg_pool2d(image, to))
    torch.testing.assert_close(area_pool(image, to), F.adaptive_avg_pool2d(image, to))
    torch.testing.assert_close(rows.sum(1), torch.ones(to[0], dtype=torch.float64))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize(("size", "to"), SIZES, ids=str)
def test_gradient_is_the_same_bits_on_a_gpu(size, to):
    image = torch.rand(2, 3, *size, device="cuda", requires_grad=True)
    upstream = torch.randn(2, 3, *to, device="cuda")
    pooled = area_pool(image, to)
    torch.testing.assert_close(pooled.cpu(), area_pool(image.detach().cpu(), to), rtol=1e-5, atol=1e-6)
    gradients = [torch.autograd.grad(area_pool(image, to), image, upstream)[0] for _ in range(5)]
    assert all(torch.equal(gradient, gradients[0]) for gradient in gradients)
