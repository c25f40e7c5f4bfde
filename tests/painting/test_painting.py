"""Painting: rendering at any size, and valid and invalid stroke files."""

import json
import math
import struct

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint import ops
from neuralpaint.brushes import TexturedBrush, get_brush
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.painting import tiles
from neuralpaint.painting.painting import Painting
from neuralpaint.utils.files import WriteError

NAMES = ["oil", "watercolor", "marker", "tape", "pixel", "round", "flat"]


def painting(name="tape", n=30, aspect=(1.0, 1.5), size=40, seed=0, **more):
    brush = get_brush(name)
    drawn = brush.sample(n, torch.Generator().manual_seed(seed))
    drawn[:, list(brush.x_positions)] *= aspect[1]
    drawn[:, list(brush.y_positions)] *= aspect[0]
    drawn[:, list(brush.sizes)] *= 0.4
    return Painting(drawn, brush, aspect, size=size, **more)


def test_attributes():
    p = Painting(torch.rand(4, 9), "rectangle", aspect=(1, 2), background="#ff0000", size=10)
    assert p.brush is get_brush("tape") and len(p) == 4 and p.background == (1, 0, 0)
    assert p.pixels() == (10, 20) and p.pixels(321) == (321, 642)
    assert repr(p) == "Painting(4 tape strokes, 20x10)"
    with pytest.raises(AttributeError):
        p.size = 3


@pytest.mark.parametrize(
    "changes, error, message",
    [
        ({"strokes": torch.rand(3, 8)}, ValueError, "strokes of brush 'tape' have 9"),
        ({"strokes": torch.rand(9)}, ValueError, r"strokes must be \[N, 9\]"),
        ({"strokes": torch.zeros(3, 9, dtype=torch.int64)}, TypeError, "strokes"),
        ({"strokes": [[0] * 9]}, TypeError, "strokes"),
        ({"strokes": torch.full((1, 9), math.nan)}, ValueError, "NaN"),
        ({"strokes": torch.full((1, 9), math.inf)}, ValueError, "infinite"),
        ({"strokes": torch.full((1, 9), 1.5)}, ValueError, "theta is from 1.5"),
        ({"strokes": torch.full((1, 9), -0.5)}, ValueError, "w is from"),
        ({"strokes": torch.full((1, 9), 1e6)}, ValueError, "xc is from"),
        ({"brush": "pencil"}, ValueError, "unknown brush"),
        ({"aspect": (2, 2)}, ValueError, "aspect"),
        ({"aspect": (1, 1000)}, ValueError, "aspect"),
        ({"aspect": (1, math.nan)}, ValueError, "aspect"),
        ({"aspect": 1}, ValueError, "aspect"),
        ({"background": (1, 1, 7)}, ValueError, "colour"),
        ({"size": 0}, ValueError, "size"),
        ({"size": 10**6}, ValueError, "size"),
        ({"size": 5.5}, TypeError, "size"),
    ],
)
def test_bad_attributes(changes, error, message):
    with pytest.raises(error, match=message):
        Painting(**{"strokes": torch.rand(3, 9), "brush": "tape", **changes})


# ---- rendering -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_render_is_one_call_of_the_kernel(name):
    p = painting(name)
    whole = ops.render(torch.ones(1, 3, 40, 60), p.strokes[None], p.brush)[0]
    torch.testing.assert_close(p.render_tensor(), whole, atol=1e-6, rtol=0)
    picture = p.render()
    assert picture.mode == "RGB" and picture.size == (60, 40)
    np.testing.assert_array_equal(
        np.asarray(picture).transpose(2, 0, 1), (whole.clamp(0, 1) * 255 + 0.5).byte().numpy()
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("aspect", [(1.0, 1.5), (1.3, 1.0)])
def test_tiles_join_without_seams(name, aspect, monkeypatch):
    p = painting(name, aspect=aspect, size=60)
    whole = p.render_tensor()
    monkeypatch.setattr(tiles, "TILE", 16)
    tiled = p.render_tensor()
    assert (whole - tiled).abs().max() < 2e-3


def test_a_tile_sees_only_its_strokes(monkeypatch):
    seen, render = [], ops.render

    def counting(canvas, drawn, *args, **kwargs):
        seen.append(drawn.shape[1])
        return render(canvas, drawn, *args, **kwargs)

    monkeypatch.setattr(tiles, "TILE", 16)
    monkeypatch.setattr(ops, "render", counting)
    Painting(torch.tensor([[0.1, 0.1, 0.1, 0.1, 0.3, 0, 0, 0, 1.0]]), "tape", size=64).render_tensor()
    assert seen == [1]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_picture_at_any_size(name):
    p = painting(name, n=40)
    small, large = p.render_tensor(64), p.render_tensor(512)
    # Bristles are finer than a pixel of the small picture, which filters them only roughly.
    assert psnr(resize(large, *small.shape[1:]), small) > {"oil": 28, "round": 33, "flat": 28}.get(name, 35)


def test_canvas_and_no_strokes():
    p = Painting(torch.empty(0, 12), "oil", background="#336699", size=3)
    assert p.render().getpixel((0, 0)) == (0x33, 0x66, 0x99)
    assert p.render_tensor(5).shape == (3, 5, 5)


def test_one_pixel():
    assert painting(aspect=(1, 1)).render(1).size == (1, 1)


def test_psnr_against_itself_and_others():
    p = painting()
    assert p.psnr(p.render(512)) > 50
    assert p.psnr(np.zeros((40, 60, 3), np.uint8)) < 15


# ---- stroke files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_save_and_load(tmp_path, name):
    p = painting(name, background=(0.1, 0.2, 1 / 3), metadata={"photo": "für.jpg", "psnr": 21.5, "list": [1, None]})
    p.save(tmp_path / "p.safetensors")
    q = Painting.load(str(tmp_path / "p.safetensors"))
    assert torch.equal(p.strokes, q.strokes)
    assert (p.brush, p.aspect, p.background, p.size, p.metadata) == (
        q.brush,
        q.aspect,
        q.background,
        q.size,
        q.metadata,
    )
    assert torch.equal(p.render_tensor(), q.render_tensor())


def test_the_same_painting_gives_the_same_bytes(tmp_path):
    for k in range(3):
        painting(metadata={"b": 1, "a": {"y": 2, "x": 3}}).save(tmp_path / str(k))
    assert len({(tmp_path / str(k)).read_bytes() for k in range(3)}) == 1


def test_a_texture_travels_with_the_strokes(tmp_path):
    rows = (np.random.default_rng(0).random((32, 1)) * np.ones((1, 64)) * 255).astype(np.uint8)
    brush = TexturedBrush.from_image(rows, "mine")
    p = Painting(brush.sample(20, torch.Generator().manual_seed(0)), brush, size=32)
    p.save(tmp_path / "p")
    q = Painting.load(tmp_path / "p")
    assert q.brush == brush and q.brush.name == "mine"
    assert torch.equal(p.render_tensor(), q.render_tensor())
    q.save(tmp_path / "q")
    assert (tmp_path / "p").read_bytes() == (tmp_path / "q").read_bytes()


@pytest.mark.parametrize("metadata", [{"x": object()}, {"x": math.nan}])
def test_metadata_must_be_json(tmp_path, metadata):
    with pytest.raises(ValueError, match="metadata"):
        painting(metadata=metadata).save(tmp_path / "p")
    assert not list(tmp_path.iterdir())


def test_unwritable(tmp_path):
    with pytest.raises(WriteError, match="it is a folder"):
        painting().save(tmp_path)


def rewrite(path, change=None, tensors=None):
    """Writes a stroke file with a modified header directly, because `save` would reject it."""
    from safetensors.torch import save_file

    header = {
        "format": "neuralpaint.painting",
        "version": 1,
        "brush": "tape",
        "aspect": [1.0, 1.5],
        "canvas": [1, 1, 1],
        "size": 40,
        "metadata": {},
    }
    header.update(change or {})
    header = {key: value for key, value in header.items() if value != "left out"}
    save_file(tensors or {"strokes": torch.rand(5, 9)}, path, metadata={"painting": json.dumps(header)})
    return path


def test_rewrite_makes_a_good_file(tmp_path):
    assert len(Painting.load(rewrite(tmp_path / "p"))) == 5


@pytest.mark.parametrize(
    "change, message",
    [
        ({"version": 2}, "has version 2, this neuralpaint reads up to 1: update neuralpaint"),
        ({"version": "x"}, "not a neuralpaint stroke file"),
        ({"format": "other"}, "not a neuralpaint stroke file"),
        ({"brush": "pencil"}, "unknown brush 'pencil'"),
        ({"brush": 7}, "brush must be"),
        ({"brush": "left out"}, "it has no brush"),
        ({"size": "left out"}, "it has no size"),
        ({"size": -5}, "size"),
        ({"size": "large"}, "size"),
        ({"aspect": [3, 3]}, "aspect"),
        ({"aspect": [1]}, "aspect"),
        ({"aspect": None}, "aspect"),
        ({"canvas": [2, 0, 0]}, "canvas"),
        ({"canvas": 5}, "canvas"),
        ({"metadata": 5}, "metadata must be an object"),
    ],
)
def test_bad_headers(tmp_path, change, message):
    path = rewrite(tmp_path / "p", change)
    with pytest.raises(ValueError, match=message) as error:
        Painting.load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "tensor, message",
    [
        (torch.full((5, 9), math.nan), "NaN"),
        (torch.full((5, 9), -math.inf), "infinite"),
        (torch.rand(5, 8), "have 9 parameters"),
        (torch.rand(5, 12), "have 9 parameters"),
        (torch.rand(5), "parameters"),
        (torch.rand(2, 5, 9), r"must be \[N, 9\]"),
        (torch.rand(5, 9).double(), "float32"),
        (torch.ones(5, 9, dtype=torch.int32), "float32"),
        (torch.full((5, 9), 3.0), "theta is from 3 to 3"),
        (torch.full((5, 9), -3.0), "is from -3"),
        (torch.full((5, 9), 1e9), "is from 1e"),
    ],
)
def test_bad_strokes(tmp_path, tensor, message):
    with pytest.raises(ValueError, match=message):
        Painting.load(rewrite(tmp_path / "p", tensors={"strokes": tensor}))


@pytest.mark.parametrize(
    "tensors",
    [
        {"other": torch.rand(5, 9)},
        {
            "strokes": torch.rand(5, 12),
            "texture.alpha": torch.zeros(8, 9).byte(),
            "texture.ridge": torch.zeros(8, 9).byte(),
        },
        {"strokes": torch.rand(5, 12), "texture.alpha": torch.zeros(8, 8), "texture.ridge": torch.zeros(8, 8)},
        {
            "strokes": torch.rand(5, 12),
            "texture.alpha": torch.zeros(8, 8).byte(),
            "texture.ridge": torch.zeros(4, 8).byte(),
        },
        {"strokes": torch.rand(5, 12), "texture.alpha": torch.zeros(8, 8).byte()},
    ],
)
def test_bad_tensors(tmp_path, tensors):
    with pytest.raises(ValueError):
        Painting.load(rewrite(tmp_path / "p", {"brush": "mine"}, tensors))


@pytest.mark.parametrize("kept", [0, 4, 8, 30, 200, -40, -1])
def test_truncated(tmp_path, kept):
    painting().save(tmp_path / "p")
    data = (tmp_path / "p").read_bytes()
    (tmp_path / "p").write_bytes(data[:kept])
    with pytest.raises(ValueError, match="not a neuralpaint stroke file, or it is truncated"):
        Painting.load(tmp_path / "p")


def test_damaged_bytes_never_crash(tmp_path):
    painting().save(tmp_path / "p")
    whole, random = (tmp_path / "p").read_bytes(), np.random.default_rng(0)
    for _ in range(100):
        data = np.frombuffer(whole, np.uint8).copy()
        data[random.integers(0, 400, 2)] = random.integers(0, 256, 2)
        (tmp_path / "p").write_bytes(data.tobytes())
        try:
            Painting.load(tmp_path / "p").render(8)
        except ValueError as error:
            assert "\n" not in str(error)


def test_not_ours(tmp_path):
    from safetensors.torch import save_file

    save_file({"strokes": torch.rand(5, 9)}, tmp_path / "weights")
    Image.new("RGB", (9, 9)).save(tmp_path / "picture.png")
    (tmp_path / "deep").write_bytes(deep_header())
    for name in ("weights", "picture.png", "deep"):
        with pytest.raises(ValueError, match="is not a neuralpaint stroke file"):
            Painting.load(tmp_path / name)
    with pytest.raises(ValueError, match="does not exist"):
        Painting.load(tmp_path / "missing")
    with pytest.raises(ValueError, match="is a folder"):
        Painting.load(tmp_path)


def deep_header():
    text = json.dumps({"__metadata__": {"painting": "[" * 100_000}}).encode()
    return struct.pack("<Q", len(text)) + text


# ---- the reference implementation's files ----------------------------------------------------------------------------

SNP = {"oil": (5, 6), "watercolor": (8, 6), "marker": (8, 3), "tape": (5, 3)}


def snp_file(path, name="tape", blocks=1, n=3, seed=0, **replaced):
    random = np.random.default_rng(seed)
    shape, color = SNP[name]
    arrays = {
        "x_ctt": random.random((blocks, n, shape)),
        "x_color": random.random((blocks, n, color)),
        "x_alpha": random.random((blocks, n, 1)),
    }
    np.savez(path, **(arrays | replaced))
    return path, arrays


@pytest.mark.parametrize("name", SNP)
def test_snp_brush_follows_from_the_shapes(tmp_path, name):
    path, arrays = snp_file(tmp_path / "s.npz", name)
    p = Painting.from_snp(path)
    assert p.brush.name == name and len(p) == 3 and p.aspect == (1, 1)
    if name != "oil":
        np.testing.assert_allclose(p.strokes, np.concatenate(list(arrays.values()), axis=2)[0], rtol=1e-6)


def test_snp_oil_turns_the_other_way(tmp_path):
    path, arrays = snp_file(tmp_path / "s.npz", "oil")
    arrays["x_ctt"][0, 1, 4] = 0
    np.savez(path, **arrays)
    p = Painting.from_snp(path).strokes.numpy()
    np.testing.assert_allclose(p[0, 4], 1 - arrays["x_ctt"][0, 0, 4], rtol=1e-5)
    np.testing.assert_allclose(p[0, 5:8], arrays["x_color"][0, 0, 3:], rtol=1e-6)
    np.testing.assert_allclose(p[0, 8:11], arrays["x_color"][0, 0, :3], rtol=1e-6)
    np.testing.assert_allclose(p[1, 4:11], [0, *arrays["x_color"][0, 1]], rtol=1e-6)


def test_snp_blocks_take_their_places(tmp_path):
    path, arrays = snp_file(tmp_path / "s.npz", "tape", blocks=4, n=2)
    p = Painting.from_snp(path).strokes.numpy()
    assert p.shape == (8, 9)
    for n in range(2):
        for block in range(4):
            stroke, source = p[n * 4 + block], arrays["x_ctt"][block, n]
            np.testing.assert_allclose(stroke[0], source[0] / 2 + (block % 2) / 2, rtol=1e-5)
            np.testing.assert_allclose(stroke[1], source[1] / 2 + (block // 2) / 2, rtol=1e-5)
            np.testing.assert_allclose(stroke[2:4], source[2:4] / 2, rtol=1e-5)
            np.testing.assert_allclose(stroke[4], source[4], rtol=1e-5)


def test_snp_aspect_and_brush(tmp_path):
    path, arrays = snp_file(tmp_path / "s.npz", "marker")
    p = Painting.from_snp(path, brush="markerpen", aspect=(1, 2))
    np.testing.assert_allclose(p.strokes[:, 0], arrays["x_ctt"][0, :, 0] * 2, rtol=1e-5)
    np.testing.assert_allclose(p.strokes[:, 2], arrays["x_ctt"][0, :, 2], rtol=1e-5)
    assert p.render(8).size == (16, 8)
    with pytest.raises(ValueError, match="'oil' does not match .* 'marker'"):
        Painting.from_snp(path, brush="oil")


@pytest.mark.parametrize(
    "replaced, message",
    [
        ({"x_ctt": np.zeros((1, 3, 4))}, "which match no brush"),
        ({"x_ctt": np.zeros((1, 2, 5))}, "wrong shapes"),
        ({"x_alpha": np.zeros(3)}, "wrong shapes"),
        ({"x_ctt": np.full((1, 3, 5), np.nan)}, "NaN"),
        ({"x_ctt": np.full((1, 3, 5), "a")}, "is not a .npz stroke file|lacks"),
    ],
)
def test_bad_snp_arrays(tmp_path, replaced, message):
    path, _ = snp_file(tmp_path / "s.npz", "tape", **replaced)
    with pytest.raises(ValueError, match=message):
        Painting.from_snp(path)


def test_bad_snp_files(tmp_path):
    path, _ = snp_file(tmp_path / "three.npz", "tape", blocks=3)
    with pytest.raises(ValueError, match="3 blocks do not form a square grid"):
        Painting.from_snp(path)
    whole = path.read_bytes()
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "pickle.npz", x_ctt=np.array([{}]), x_color=np.array([{}]), x_alpha=np.array([{}]))
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").touch()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("other.npz", "array.npy", "pickle.npz", "text.npz", "empty.npz", "cut.npz", "missing.npz"):
        with pytest.raises(ValueError) as error:
            Painting.from_snp(tmp_path / name)
        assert name in str(error.value) and "\n" not in str(error.value)
