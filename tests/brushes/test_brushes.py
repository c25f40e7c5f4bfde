"""Brushes: parameters, registry, transform, bounds, textures."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint import ops
from neuralpaint.brushes import Brush, TexturedBrush, brushes, get_brush
from neuralpaint.brushes.base import register
from neuralpaint.brushes.registry import brush_of
from neuralpaint.brushes.texture import pack_texture, texels_from_picture

NAMES = ["oil", "watercolor", "marker", "tape", "pixel", "round", "flat"]
RELATIVES = ["filbert", "dab", "dry", "knife", "charcoal", "pastel"]  # of oil: other textures
ALL = [NAMES[0], *RELATIVES, *NAMES[1:], "mop"]


def test_registry():
    assert list(brushes()) == ALL
    assert [brushes()[name].kind for name in NAMES] == [0, 1, 2, 3, 3, 4, 5]
    assert [brushes()[name].num_parameters for name in NAMES] == [12, 15, 12, 9, 9, 9, 14]
    assert [brushes()[name].opaque for name in NAMES] == [True, False, False, False, True, True, True]
    brushes().clear()
    assert brushes()


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="there is a brush 'tape' already"):
        register(get_brush("tape"))
    with pytest.raises(ValueError, match="there is a brush 'rectangle' already"):
        register(dataclasses.replace(get_brush("tape"), name="scotch"), "rectangle")
    assert list(brushes()) == ALL


@pytest.mark.parametrize("name", ALL)
def test_a_brush_from_what_files_say_of_it(name):
    brush = get_brush(name)
    made = brush_of(name, brush.kind, brush.parameters, brush.held)
    assert type(made) is type(brush) and made.fingerprint == brush.fingerprint and made.same_kind(brush)


@pytest.mark.parametrize("kind", [9, 19, -1])
def test_no_brush_of_an_unknown_kind(kind):
    with pytest.raises(ValueError, match="kind"):
        brush_of("mine", kind, ("a",), ())


@pytest.mark.parametrize("name", ALL)
def test_whose_strokes_are_whose(name):
    brush = get_brush(name)
    alike = {other for other in ALL if brush.same_strokes(get_brush(other))}
    assert alike == ({"tape", "pixel"} if name in ("tape", "pixel") else {name})


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_in_the_middle(name):
    brush = get_brush(name)
    strokes = brush.examples(6)
    box = brush.bounds(strokes)
    assert ((box[:, :2] + box[:, 2:]) / 2 - 0.5).abs().max() < 0.4
    for index, value in brush.held:
        assert (strokes[:, index] == value).all()


def test_get_brush():
    oil = get_brush("oil")
    assert get_brush(oil) is oil and get_brush("OIL") is oil
    for alias, name in {"oilpaintbrush": "oil", "markerpen": "marker", "rectangle": "tape", "8bit": "pixel"}.items():
        assert get_brush(alias) is get_brush(name)


@pytest.mark.parametrize("name, near", [("oli", "oil"), ("watercolour", "watercolor"), ("maker", "marker")])
def test_unknown_brush_names_the_nearest(name, near):
    with pytest.raises(ValueError, match=f"unknown brush '{name}' .did you mean '{near}'"):
        get_brush(name)


def test_unknown_brush_lists_all():
    with pytest.raises(
        ValueError, match="choose from oil, filbert, .*pastel, watercolor, marker, tape, pixel, round, flat, mop"
    ):
        get_brush("xyzzy")
    with pytest.raises(TypeError, match="brush must be"):
        get_brush(3)


@pytest.mark.parametrize("name", NAMES)
def test_layout(name):
    brush = get_brush(name)
    covered = list(range(brush.num_parameters))[brush.shape]
    for part in brush.colors:
        assert part.stop - part.start == 3
        covered += range(part.start, part.stop)
    assert [*covered, brush.opacity] == list(range(brush.num_parameters))
    assert brush.parameters[brush.opacity] == "a" and brush.parameters[brush.colors[0].start] in ("r", "r0")
    assert not set(brush.positions) & set(brush.sizes)


@pytest.mark.parametrize("name", NAMES)
def test_sample(name):
    brush = get_brush(name)
    strokes = brush.sample(500, torch.Generator().manual_seed(0))
    assert strokes.shape == (500, brush.num_parameters) and strokes.dtype == torch.float32
    assert torch.equal(strokes, brush.sample(500, torch.Generator().manual_seed(0)))
    free = [i for i in range(brush.num_parameters) if i not in dict(brush.held)]
    assert strokes[:, free].min() >= 0 and strokes[:, free].max() <= 1
    torch.testing.assert_close(strokes[:, free].mean(0), torch.full((len(free),), 0.5), atol=0.06, rtol=0)
    for index, value in brush.held:
        assert (strokes[:, index] == value).all()
    assert brush.sample(0).shape == (0, brush.num_parameters)


def test_pixel_is_upright_and_opaque():
    strokes = get_brush("pixel").sample(5)
    assert (strokes[:, 4] == 0).all() and (strokes[:, 8] == 1).all()


# ---- transform -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_transform_moves_what_it_should(name):
    brush = get_brush(name)
    strokes = brush.sample(7, torch.Generator().manual_seed(1))
    moved = brush.transform(strokes, 0.25, (0.5, 0.75))
    for index, parameter in enumerate(brush.parameters):
        expected = strokes[:, index]
        if parameter in ("xc", "x0", "x2"):
            expected = expected * 0.25 + 0.5
        elif parameter in ("yc", "y0", "y2"):
            expected = expected * 0.25 + 0.75
        elif parameter in ("w", "h", "radius0", "radius2", "radius"):
            expected = expected * 0.25
        assert torch.equal(moved[:, index], expected), parameter
    assert torch.equal(brush.transform(strokes, 1.0), strokes)


def test_transform_by_batches_of_blocks():
    brush = get_brush("watercolor")
    strokes = torch.rand(4, 6, brush.num_parameters)
    offset = torch.tensor([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5], [0.5, 0.5]])
    moved = brush.transform(strokes, torch.full((4, 1), 0.5), offset[:, None])
    for block in range(4):
        torch.testing.assert_close(moved[block], brush.transform(strokes[block], 0.5, offset[block].tolist()))


@pytest.mark.parametrize("name", ["oil", "marker"])
def test_transform_is_differentiable(name):
    brush = get_brush(name)
    strokes = torch.rand(2, 3, brush.num_parameters, dtype=torch.float64, requires_grad=True)
    scale = torch.rand(2, 1, dtype=torch.float64, requires_grad=True)
    offset = torch.rand(2, 1, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(brush.transform, (strokes, scale, offset))


@pytest.mark.parametrize("name", NAMES)
def test_a_transformed_stroke_is_the_block_on_the_canvas(name):
    brush = get_brush(name)
    strokes = brush.sample(3, torch.Generator().manual_seed(2))[None]
    block = ops.render(torch.ones(1, 3, 32, 32), strokes, brush)
    canvas = ops.render(torch.ones(1, 3, 64, 64), brush.transform(strokes, 0.5, (0.5, 0.0)), brush)
    if name in ("oil", "flat"):  # which of the two textures is by size in units, which shrinks
        assert (canvas[..., :32, 32:] - block).abs().mean() < 0.1
    else:
        torch.testing.assert_close(canvas[..., :32, 32:], block, atol=2e-4, rtol=0)


@pytest.mark.parametrize(
    "strokes, error", [(torch.rand(3, 11), ValueError), (torch.ones(3, 12).long(), TypeError), (3, TypeError)]
)
def test_transform_refuses(strokes, error):
    with pytest.raises(error, match="strokes"):
        get_brush("oil").transform(strokes, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_bounds_hold_the_stroke(name):
    brush = get_brush(name)
    strokes = brush.sample(40, torch.Generator().manual_seed(3))
    _, alpha = ops.rasterize(strokes, brush, 64, 64)
    for box, matte in zip(brush.bounds(strokes) * 64, alpha[:, 0], strict=True):
        y, x = (matte > 0).nonzero(as_tuple=True)
        if len(x):
            inside = (
                (x + 0.5 >= box[0] - 1) & (x + 0.5 <= box[2] + 1) & (y + 0.5 >= box[1] - 1) & (y + 0.5 <= box[3] + 1)
            )
            assert inside.all()


# ---- textures --------------------------------------------------------------------------------------------------------


def unpack(plane, i, j):
    """Level (i, j) of one packed plane: the four neighbours of alpha and of ridge, [4, h, w, 2]."""
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    h, w = height >> j, width >> i
    level = plane[2 * height - 2 * h :, 2 * width - 2 * w :][:h, :w].numpy().view(np.uint32)
    return np.stack([(level >> shift) & 255 for shift in (0, 8, 16, 24)])


def test_packing():
    random = np.random.default_rng(0)
    alpha, ridge = random.integers(0, 256, (2, 2, 8, 16), dtype=np.uint8)
    packed = pack_texture(alpha, ridge)
    assert packed.shape == (2, 16, 32, 2) and packed.dtype == torch.int32 and packed.is_contiguous()
    for which in range(2):
        base = unpack(packed[which], 0, 0)
        np.testing.assert_array_equal(base[0, ..., 0], alpha[which])
        np.testing.assert_array_equal(base[0, ..., 1], ridge[which])
        a = alpha[which]
        np.testing.assert_array_equal(base[1, :, :-1, 0], a[:, 1:])
        np.testing.assert_array_equal(base[1, :, -1, 0], a[:, -1])
        np.testing.assert_array_equal(base[2, :-1, :, 0], a[1:])
        np.testing.assert_array_equal(base[3, :-1, :-1, 0], a[1:, 1:])
        np.testing.assert_array_equal(base[3, -1, :-1, 0], a[-1, 1:])
        level = unpack(packed[which], 2, 1)
        cells = a.reshape(4, 2, 4, 4).astype(float)
        np.testing.assert_allclose(level[0, ..., 0], cells.mean((1, 3)), atol=0.51)
        shade = (cells * ridge[which].reshape(4, 2, 4, 4)).sum((1, 3)) / cells.sum((1, 3))
        np.testing.assert_allclose(level[0, ..., 1], shade, atol=0.51)
        last = unpack(packed[which], 4, 3)
        assert last.shape == (4, 1, 1, 2)
        np.testing.assert_allclose(last[..., 0], a.mean(), atol=0.51)


@pytest.mark.parametrize("shape", [(2, 8, 12), (2, 7, 8), (1, 8, 8), (8, 8)])
def test_packing_refuses(shape):
    with pytest.raises(ValueError):
        pack_texture(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


def test_untextured_brushes_have_an_empty_texture():
    for name in NAMES[1:-1]:
        assert get_brush(name).texture.numel() == 0 and get_brush(name).texture.dtype == torch.int32
    assert get_brush("tape").texture_on("cpu") is get_brush("tape").texture_on("cpu")


@pytest.mark.parametrize("name", RELATIVES)
def test_relatives_of_oil_have_marks_of_their_own(name):
    oil, brush = get_brush("oil"), get_brush(name)
    assert brush.fingerprint != oil.fingerprint and brush.same_kind(oil)
    stroke = torch.tensor([[0.5, 0.5, 0.9, 0.35, 0.0, *[0.5] * 6, 1.0]])
    alphas = [ops.rasterize(stroke, each, 96, 96)[1][0, 0] for each in (oil, brush)]
    assert (alphas[0] - alphas[1]).abs().mean() > 0.01  # other places are painted
    inside = alphas[1][34:62, 8:88]
    assert 0.25 < inside.mean() < 1 and alphas[1].max() > 0.9
    colour = ops.render(torch.full((1, 3, 96, 96), 0.5), stroke[None], brush)
    assert abs(colour.mean() - 0.5) < 0.01  # the shading leaves the colour as it is, on average
    assert copy.deepcopy(brush).texture.equal(brush.texture)


def test_oil_texture():
    oil = get_brush("oil")
    _, height, width, _ = oil.texture.shape
    assert oil.texture.shape == (2, height, width, 2) and oil.texture.dtype == torch.int32
    large, small = (unpack(plane, 0, 0)[0, ..., 0] for plane in oil.texture)
    assert (large != small).any() and min(large.mean(), small.mean()) > 100
    assert oil.texture is get_brush("oil").texture


def dab(width=100, height=40):
    """White streaks on black, with black margins above and below."""
    rows = 0.7 + 0.3 * np.cos(np.arange(height))[:, None] * np.ones((1, width))
    rows[:4] = rows[-4:] = 0
    return (rows * 255).astype(np.uint8)


def test_brush_of_a_picture(tmp_path):
    Image.fromarray(dab()).save(tmp_path / "my_brush.png")
    brush = TexturedBrush.from_image(tmp_path / "my_brush.png")
    assert (brush.name, brush.kind, brush.num_parameters, brush.opaque) == ("my_brush", 0, 12, True)
    assert brush.alpha.shape == brush.ridge.shape == (32, 128)
    assert brush.texture.shape == (2, 64, 256, 2) and torch.equal(brush.texture[0], brush.texture[1])
    assert brush.alpha[0].max() < 40 and brush.alpha[16].mean() > 80
    paint = brush.alpha / 255.0
    assert (brush.ridge / 255 * paint).sum() / paint.sum() == pytest.approx(0.5, abs=0.01)
    assert brush.ridge.std() > 5
    strokes = brush.sample(4, torch.Generator().manual_seed(0))
    canvas = ops.render(torch.ones(1, 3, 32, 32), strokes[None], brush)
    assert torch.isfinite(canvas).all() and canvas.std() > 0.05


def test_brush_of_a_tall_picture_is_turned():
    wide, tall = TexturedBrush.from_image(dab()), TexturedBrush.from_image(np.rot90(dab(), -1))
    assert tall.alpha.shape == wide.alpha.shape
    np.testing.assert_array_equal(tall.alpha, wide.alpha)


def test_brush_with_alpha():
    image = Image.merge("LA", (Image.new("L", (64, 16), 128), Image.fromarray(dab(64, 16))))
    brush = TexturedBrush.from_image(image, name="mine")
    assert brush.name == "mine"
    np.testing.assert_array_equal(brush.alpha, dab(64, 16))
    assert np.abs(brush.ridge.astype(int) - 128).max() <= 1


@pytest.mark.parametrize("shape, expected", [((1, 1), (8, 8)), ((3000, 9), (8, 512)), ((700, 800), (256, 512))])
def test_texture_sizes(shape, expected):
    alpha, ridge = texels_from_picture(np.ones(shape, np.float32), None)
    assert alpha.shape == ridge.shape == expected
    assert (alpha == 255).all() and np.abs(ridge.astype(int) - 128).max() <= 1


def test_a_black_picture_is_no_brush(tmp_path):
    with pytest.raises(ValueError, match="holds no paint"):
        TexturedBrush.from_image(np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="does not exist"):
        TexturedBrush.from_image(tmp_path / "none.png")


@pytest.mark.parametrize("alpha", [np.zeros((8, 8)), np.zeros((8, 9), np.uint8), np.zeros((1024, 8), np.uint8), None])
def test_bad_texels(alpha):
    with pytest.raises(ValueError, match="alpha"):
        TexturedBrush(name="bad", alpha=alpha, ridge=np.zeros((8, 8), np.uint8))


def test_equality_is_by_value():
    a, b = TexturedBrush.from_image(dab(), "mine"), TexturedBrush.from_image(dab(), "mine")
    other = TexturedBrush.from_image(dab(), "other")
    assert a == b and hash(a) == hash(b) and a != other
    assert a != TexturedBrush.from_image(255 - dab(), "mine")
    for brush in (a, get_brush("tape")):
        assert copy.deepcopy(brush) == brush and pickle.loads(pickle.dumps(brush)) == brush
    assert isinstance(a, Brush) and str(a) == "mine"


@pytest.mark.parametrize("name", ["oil", "tape"])
def test_travels_by_name(name, monkeypatch):
    data = pickle.dumps(dataclasses.replace(get_brush(name)))
    assert len(data) < 200
    arrived = pickle.loads(data)
    monkeypatch.setattr(Brush, "texels", lambda self: pytest.fail("packed again"))
    assert arrived == get_brush(name)
    assert torch.equal(arrived.texture, get_brush(name).texture)


def test_the_old_name_of_num_parameters():
    with pytest.warns(DeprecationWarning, match="num_parameters"):
        assert get_brush("oil").count == 12
