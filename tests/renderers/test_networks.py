import pytest
import torch

from neuralpaint import get_brush, ops
from neuralpaint.renderers import CoordinateRenderer, NeuralRenderer, get_renderer
from neuralpaint.renderers.networks.coordinate import TexturePyramid
from neuralpaint.renderers.networks.registry import build_network, network_types


@pytest.mark.parametrize("brush", ["oil", "watercolor", "tape"])
@pytest.mark.parametrize("network", list(network_types()))
def test_pictures_have_the_shapes_of_rasterize(network, brush):
    torch.manual_seed(0)
    net = build_network(network, brush, 32)
    strokes = net.brush.sample(3, torch.Generator().manual_seed(0)).requires_grad_()
    foreground, alpha = net(strokes)
    assert foreground.shape == (3, 3, 32, 32) and alpha.shape == (3, 1, 32, 32)
    (foreground.square().sum() + alpha.square().sum()).backward()
    assert strokes.grad is not None and strokes.grad.isfinite().all() and strokes.grad.abs().sum() > 0
    loss = net.loss(strokes.detach(), *ops.rasterize(strokes.detach(), net.brush, 32, 32))
    assert loss.ndim == 0 and loss.isfinite()


@pytest.mark.parametrize("network", ["dual-pathway", "dcgan", "pixelshuffle"])
def test_full_size(network):
    net = build_network(network, "oil", 128).eval()
    with torch.no_grad():
        foreground, alpha = net(net.brush.sample(1))
    assert foreground.shape == (1, 3, 128, 128) and alpha.shape == (1, 1, 128, 128)


def test_the_silhouette_of_the_dual_pathway_sees_only_the_shape():
    net = build_network("dual-pathway", "watercolor", 32).eval()
    strokes = net.brush.sample(1).repeat(2, 1)
    strokes[1, net.brush.shape.stop : -1] = 0.3  # other colours
    with torch.no_grad():
        _, alpha = net(strokes)
    assert torch.allclose(alpha[0], alpha[1], atol=1e-6)  # rows of a batch may round differently


def test_loss_of_points_estimates_the_loss_of_pictures():
    net = CoordinateRenderer("tape", 32, points=20000)
    strokes = net.brush.sample(4, torch.Generator().manual_seed(1))
    truth = ops.rasterize(strokes, net.brush, 32, 32)
    with torch.no_grad():
        drawn = net(strokes)
        full = sum((a - b).square().mean() for a, b in zip(drawn, truth, strict=True)) / 2
        assert net.loss(strokes, *truth, torch.Generator().manual_seed(2)) == pytest.approx(float(full), rel=0.05)


@pytest.mark.parametrize("name", ["oil", "watercolor", "marker", "tape", "round", "flat"])
def test_gradients_of_points(name):
    torch.manual_seed(0)
    net = CoordinateRenderer(name, 32).double()
    strokes = net.brush.sample(2, torch.Generator().manual_seed(3)).double() * 0.6 + 0.2
    x, y = torch.rand(2, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(4)) * 32

    def draw(strokes):
        return torch.cat([part.flatten() for part in net.points_of(strokes, x, y, 32.0)])

    strokes.requires_grad_()
    weights = torch.rand(2 * 5 * 4, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    (gradient,) = torch.autograd.grad(draw(strokes) @ weights, strokes)
    step = torch.zeros_like(strokes)
    shape = [] if name == "marker" else [(0, 0), (1, 1)]  # where a square tip touches is not differentiated
    for row, column in [*shape, (0, net.brush.num_parameters - 2), (1, net.brush.num_parameters - 1)]:
        step[row, column] = 1e-4
        with torch.no_grad():
            slope = (draw(strokes + step) - draw(strokes - step)) @ weights / 2e-4
        step[row, column] = 0
        assert gradient[row, column].item() == pytest.approx(slope.item(), rel=0.05, abs=0.02)


@pytest.mark.parametrize(
    "options",
    [{"geometry": {"kind": "canvas"}}, {"textures": [32, 16, 3]}, {"geometry": {"kind": "disc path"}, "hidden": 8}],
)
def test_a_brush_with_another_geometry_or_a_texture(options):
    net = build_network("coordinate", "watercolor", 32, **options)
    strokes = net.brush.sample(4, torch.Generator().manual_seed(0))
    net.loss(strokes, *ops.rasterize(strokes, net.brush, 32, 32)).backward()
    assert all(weight.grad is not None for weight in net.parameters())
    painted = NeuralRenderer(net).render(torch.ones(1, 3, 20, 30), strokes[None], net.brush)
    assert painted.shape == (1, 3, 20, 30) and painted.isfinite().all()


def test_textures_must_be_powers_of_two():
    with pytest.raises(ValueError, match="powers of two"):
        TexturePyramid(100, 128, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dual-pathwy", "oil", 32), "unknown network 'dual-pathwy'.*dual-pathway"),
        (("dcgan", "oil", 64), "size of dcgan must be 32 or 128, got 64"),
        (("dcgan", "oill", 32), "unknown brush"),
    ],
)
def test_what_cannot_be_built(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_network(*arguments)


@pytest.mark.parametrize("network", ["dual-pathway", "unet", "shading-only"])
def test_the_inference_form_draws_the_same(network):
    torch.manual_seed(0)
    net = build_network(network, "oil", 32)
    strokes = net.brush.sample(8, torch.Generator().manual_seed(0))
    net(strokes)  # moves the running statistics
    net.eval()
    inner = NeuralRenderer(net).network
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in inner.modules())
    assert not any(weight.requires_grad for weight in inner.parameters())
    with torch.no_grad():
        for mine, theirs in zip(inner(strokes), net(strokes), strict=True):
            assert torch.allclose(mine, theirs, atol=1e-5)


def test_renderer_by_name_or_object():
    net = build_network("coordinate", "tape", 32)
    assert isinstance(get_renderer(net, "tape"), NeuralRenderer)
    assert get_renderer("exact").render
    with pytest.raises(ValueError, match="unknown renderer 'neurall'.*neural.*or the folder"):
        get_renderer("neurall")
    with pytest.raises(ValueError, match="is not the folder of a trained renderer"):
        get_renderer("some/where")
    with pytest.raises(TypeError, match="renderer must be"):
        get_renderer(3)


def test_a_renderer_refuses_another_brush():
    net = NeuralRenderer(build_network("coordinate", "tape", 32))
    with pytest.raises(ValueError, match="trained for brush 'tape', not for 'oil'"):
        net.render(torch.ones(1, 3, 16, 16), get_brush("oil").sample(2)[None], get_brush("oil"))
    net.check_brush(get_brush("pixel"))  # the same strokes
    with pytest.raises(ValueError, match="trained for brush 'tape'"):
        get_renderer(net.network, "oil")


def test_bad_strokes_are_errors_of_one_line():
    net = NeuralRenderer(build_network("coordinate", "tape", 32))
    canvas, strokes = torch.ones(1, 3, 16, 16), get_brush("tape").sample(2)[None]
    with pytest.raises(ValueError, match="strokes"):
        net.render(canvas, strokes * torch.nan, get_brush("tape"))
    with pytest.raises(ValueError, match="strokes"):
        net.render(canvas, strokes[..., :5], get_brush("tape"))
    with pytest.raises(ValueError, match="softness"):
        net.render(canvas, strokes, get_brush("tape"), softness=0.0)


def test_strokes_off_the_canvas_leave_it_alone():
    net = NeuralRenderer(build_network("coordinate", "tape", 32))
    canvas, strokes = torch.rand(1, 3, 20, 13), get_brush("tape").sample(3)[None]
    strokes[..., :2] += 9
    assert torch.equal(net.render(canvas, strokes, get_brush("tape")), canvas)
