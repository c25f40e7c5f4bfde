import torch

from neuralpaint.losses.features import gram, pyramid


def test_gram_is_the_mean_product_of_channels():
    features = torch.rand(2, 5, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(gram(features), torch.einsum("bchw,bdhw->bcd", features, features) / 12)
    last = features.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(gram(last), gram(features))


def test_gram_has_the_right_gradient():
    features = torch.rand(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(gram, features)


def test_gram_does_not_depend_on_where_things_are():
    features = torch.rand(1, 4, 6, 6)
    torch.testing.assert_close(gram(features), gram(features.roll((2, 1), (2, 3)).flip(3)))


def test_pyramid_averages_and_leaves_out_what_is_too_small():
    image = torch.rand(1, 3, 16, 24)
    levels = pyramid(image, (0.25, 1.0, 0.5), smallest=8)
    assert [(scale, tuple(level.shape[2:])) for scale, level in levels] == [(1.0, (16, 24)), (0.5, (8, 12))]
    torch.testing.assert_close(levels[1][1][..., 0, 0], image[..., :2, :2].mean((2, 3)))
