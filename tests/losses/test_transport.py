"""`TransportLoss`: gradients without overlap, and its arguments."""

import pytest
import torch

from neuralpaint.losses import TransportLoss


def square(x, y, ink=1.0, paper=0.0, side=0.2, size=64):
    """A soft-edged square `[1, 3, size, size]` centred at (x, y), differentiable with respect to both."""
    centres = (torch.arange(size) + 0.5) / size
    across = torch.sigmoid((side / 2 - (centres - x).abs()) * size)
    down = torch.sigmoid((side / 2 - (centres - y).abs()) * size)
    matte = (down[:, None] * across).expand(1, 3, size, size)
    return matte * ink + (1 - matte) * paper


def gradient(loss, start, target):
    place = torch.tensor(start, requires_grad=True)
    (grad,) = torch.autograd.grad(loss(square(*place), square(*target)), place)
    return grad


@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("target", [(0.7, 0.6), (0.25, 0.8), (0.32, 0.3)])
def test_pulls_a_distant_square_where_it_belongs(cost, target):
    start = (0.3, 0.3)
    way = torch.tensor(target) - torch.tensor(start)
    pull = -gradient(TransportLoss(cost=cost), start, target)
    assert torch.nn.functional.cosine_similarity(pull, way, dim=0) > 0.99
    # Squared distance pulls in proportion to the way left.
    if cost == "sqeuclidean":
        assert float(pull.norm() / way.norm()) == pytest.approx(1.0, rel=0.15)


def test_descent_joins_what_a_pixel_loss_leaves_apart():
    """Without any overlap, the pixel loss has no gradient, but the transport loss leads to the target."""
    target = square(0.75, 0.7)
    place = torch.tensor([0.2, 0.25], requires_grad=True)
    pixel = torch.autograd.grad((square(*place) - target).square().mean(), place)[0]
    assert float(pixel.abs().max()) < 1e-3
    loss = TransportLoss()
    optimizer = torch.optim.RMSprop([place], lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss(square(*place), target).backward()
        optimizer.step()
    torch.testing.assert_close(place.detach(), torch.tensor([0.75, 0.7]), atol=0.03, rtol=0)


def test_falls_steadily_on_the_way():
    loss = TransportLoss()
    values = [float(loss(square(x, 0.5), square(0.7, 0.5))) for x in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)]
    assert values == sorted(values, reverse=True)


def test_dark_strokes_on_white_need_the_dark():
    def pull(mass):
        place = torch.tensor([0.25, 0.5], requires_grad=True)
        moved, target = square(*place, ink=0.0, paper=1.0), square(0.65, 0.5, ink=0.0, paper=1.0)
        return -float(torch.autograd.grad(TransportLoss(mass=mass)(moved, target), place)[0][0])

    assert pull("dark") == pytest.approx(0.8, rel=0.1)
    assert abs(pull("light")) < 0.05
    assert pull("both") == pytest.approx((pull("dark") + pull("light")) / 2, rel=1e-4)


def test_debiased_loss_of_equal_images_is_zero():
    image = torch.rand(2, 3, 60, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(TransportLoss(debias=True, reduction="none")(image, image), torch.zeros(2))
    assert bool((TransportLoss(reduction="none")(image, image) > 0).all())


def test_shapes_and_reduction():
    generator = torch.Generator().manual_seed(0)
    canvas = torch.rand(3, 3, 70, 33, generator=generator, requires_grad=True)
    target = torch.rand(3, 3, 70, 33, generator=generator)
    each = TransportLoss(reduction="none", size=24)(canvas, target)
    assert each.shape == (3,)
    mean = TransportLoss(size=24)(canvas, target)
    torch.testing.assert_close(mean, each.mean())
    mean.backward()
    assert canvas.grad.shape == canvas.shape and bool(canvas.grad.abs().sum() > 0)
    alone = TransportLoss(reduction="none", size=24)(canvas[1:2], target[1:2])
    torch.testing.assert_close(alone, each[1:2])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_blank_images_are_fine(value):
    canvas = torch.full((1, 3, 32, 32), value, requires_grad=True)
    target = square(0.5, 0.5, size=32)
    loss = TransportLoss()(canvas, target)
    loss.backward()
    assert bool(torch.isfinite(loss)) and bool(torch.isfinite(canvas.grad).all())


def test_half_precision_images():
    canvas, target = square(0.4, 0.5).half(), square(0.6, 0.5).half()
    assert TransportLoss()(canvas, target).dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"cost": "cosine"}, ValueError),
        ({"mass": "red"}, ValueError),
        ({"reduction": "sum"}, ValueError),
        ({"size": 0}, ValueError),
        ({"iterations": 1.5}, TypeError),
        ({"epsilon": -1.0}, ValueError),
        ({"floor": 0.0}, ValueError),
    ],
)
def test_bad_arguments_are_named(options, error):
    with pytest.raises(error, match=f"^{next(iter(options))} "):
        TransportLoss(**options)


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="canvas and target"):
        TransportLoss()(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 9))
