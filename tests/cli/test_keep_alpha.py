"""Paintings of transparent photos that are transparent, too."""

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint.brushes import get_brush
from neuralpaint.images.io import load_image, load_transparent
from neuralpaint.painting import Painting

QUICK = ("--strokes", 6, "--preset", "fast", "--device", "cpu")
ALPHA = np.zeros((12, 18), np.uint8)
ALPHA[3:9, 4:14] = np.linspace(1, 255, 60).astype(np.uint8).reshape(6, 10)


def rgba(alpha=ALPHA) -> np.ndarray:
    picture = np.empty((*alpha.shape, 4), np.uint8)
    picture[..., :3], picture[..., 3] = (200, 60, 30), alpha
    return picture


def painting(**more) -> Painting:
    strokes = get_brush("tape").sample(5, torch.Generator().manual_seed(0))
    return Painting(strokes, "tape", (1.0, 1.5), "#102030", 12, **more)


@pytest.fixture
def transparent(tmp_path):
    """A photo of one colour with an alpha."""
    Image.fromarray(rgba()).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def large(monkeypatch):
    """Makes 100 pixels many."""
    monkeypatch.setattr("neuralpaint.images.streaming.LARGE", 100)
    monkeypatch.setattr("neuralpaint.painting.painting.LARGE", 100)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff"])
def test_images_have_the_alpha_of_the_photo(run, short_search, transparent, tmp_path, suffix):
    outputs = ("-o", tmp_path / f"a{suffix}", "-o", tmp_path / "a.safetensors")
    report = ("--report", tmp_path / "a.html") if suffix == ".webp" else ()
    assert run("paint", transparent, *outputs, *QUICK, "--keep-alpha", *report).code == 0
    with Image.open(tmp_path / f"a{suffix}") as opened:
        assert opened.mode == "RGBA"
        found = np.asarray(opened.getchannel("A"))
        np.testing.assert_array_equal(found, ALPHA)
        painted = np.asarray(opened.convert("RGB")).astype(int)
    inside = ALPHA > 100
    assert np.abs(painted[inside] - (200, 60, 30)).mean() < 60  # as the opaque photo, not paler
    kept = Painting.load(tmp_path / "a.safetensors")
    assert kept.alpha is not None
    np.testing.assert_array_equal(kept.alpha.numpy(), ALPHA)


def test_other_sizes_and_rendering_again(run, stub, transparent, tmp_path):
    arguments = ("paint", transparent, "-o", tmp_path / "a.png", "--save", tmp_path / "a.safetensors", "--size", 24)
    assert run(*arguments, *QUICK, "--keep-alpha").code == 0
    drawn = Image.open(tmp_path / "a.png")
    expected = Image.fromarray(ALPHA).resize((36, 24), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(np.asarray(drawn.getchannel("A")), np.asarray(expected))
    outputs = ("-o", tmp_path / "b.png", "-o", tmp_path / "b.jpg", "-o", tmp_path / "b.gif")
    assert run("render", tmp_path / "a.safetensors", *outputs, "--fps", 2, "--seconds", 1).code == 0
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    assert Image.open(tmp_path / "b.jpg").mode == "RGB"


def test_colours_are_those_of_the_opaque_photo(transparent):
    photo, alpha = load_transparent(transparent, "blue")
    assert alpha is not None and alpha.numpy().tolist() == ALPHA.tolist()
    seen = torch.from_numpy(ALPHA > 0)
    assert torch.equal(photo[:, ~seen], torch.tensor([0.0, 0.0, 1.0])[:, None].expand(3, int((~seen).sum())))
    assert torch.allclose(photo[:, seen] * 255, torch.tensor([200.0, 60.0, 30.0])[:, None])


@pytest.mark.parametrize("alpha", [None, np.full((12, 18), 255, np.uint8)], ids=["none", "opaque"])
def test_nothing_changes_for_opaque_photos(run, stub, tmp_path, alpha):
    picture = Image.fromarray(rgba() if alpha is None else rgba(alpha))
    (picture.convert("RGB") if alpha is None else picture).save(tmp_path / "photo.png")
    for name, options in (("a", ()), ("b", ("--keep-alpha",))):
        outputs = ("-o", tmp_path / f"{name}.png", "--save", tmp_path / f"{name}.safetensors")
        assert run("paint", tmp_path / "photo.png", *outputs, *QUICK, *options).code == 0
    for suffix in ("png", "safetensors"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    photo, found = load_transparent(tmp_path / "photo.png")
    assert found is None and torch.equal(photo, load_image(tmp_path / "photo.png"))


@pytest.mark.parametrize(
    "options, message",
    [
        (("-o", "a.jpg"), "a.jpg cannot be transparent"),
        (("-o", "a.png", "-o", "a.svg"), "a.svg cannot be transparent"),
        (("-o", "a.gif"), "a.gif cannot be transparent"),
        (("-o", "a.height.png"), "a.height.png cannot be transparent"),
        (("-o", "a.png", "--depth", 16), "does not go with --depth 16"),
    ],
)
def test_refused_in_one_line(run, stub, transparent, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    result = run("paint", transparent, *options, *QUICK, "--keep-alpha")
    assert result.code == 2 and message in result.err and result.err.count("\n") == 1 and not stub
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_refused_for_large_photos_and_paintings(run, stub, transparent, tmp_path, large):
    result = run("paint", transparent, "-o", tmp_path / "a.png", *QUICK, "--keep-alpha")
    assert result.code == 2 and "too large for --keep-alpha" in result.err and not stub
    Image.fromarray(rgba()[2:10, 4:14]).save(tmp_path / "small.png")
    result = run("paint", tmp_path / "small.png", "-o", tmp_path / "a.png", *QUICK, "--keep-alpha", "--size", 20)
    assert result.code == 2 and "25x20 pixels" in result.err and not stub
    Image.fromarray(rgba()).convert("RGB").save(tmp_path / "opaque.png")
    assert run("paint", tmp_path / "opaque.png", "-o", tmp_path / "a.png", *QUICK, "--keep-alpha").code == 0


def test_render_refuses_before_it_writes(run, tmp_path, large):
    painting(alpha=torch.zeros(6, 9, dtype=torch.uint8)).save(tmp_path / "a.safetensors")
    outputs = ("-o", tmp_path / "a.jpg", "-o", tmp_path / "a.png")
    result = run("render", tmp_path / "a.safetensors", *outputs, "--size", 20)
    assert result.code == 2 and "with transparency" in result.err and not (tmp_path / "a.jpg").exists()


@pytest.mark.parametrize(
    "alpha, message",
    [
        (torch.zeros(12, 18), "must be uint8"),
        (torch.zeros(1, 12, 18, dtype=torch.uint8), "must be uint8"),
        (torch.zeros(0, 18, dtype=torch.uint8), "must be uint8"),
        (torch.zeros(12, 12, dtype=torch.uint8), "does not fit the aspect"),
    ],
    ids=["floats", "dimensions", "empty", "aspect"],
)
def test_bad_alphas_are_refused_also_from_files(tmp_path, alpha, message):
    with pytest.raises(ValueError, match=message):
        painting(alpha=alpha)
    good = painting()
    object.__setattr__(good, "alpha", alpha)
    good.save(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=message) as raised:
        Painting.load(tmp_path / "a.safetensors")
    assert "a.safetensors" in str(raised.value) and "\n" not in str(raised.value)
    with pytest.raises(TypeError, match="alpha must be a tensor"):
        painting(alpha=ALPHA)


def test_the_alpha_is_upright(run, stub, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(rgba()).save(tmp_path / "photo.png", exif=exif)
    assert run("paint", tmp_path / "photo.png", "-o", tmp_path / "a.png", *QUICK, "--keep-alpha").code == 0
    found = np.asarray(Image.open(tmp_path / "a.png").getchannel("A"))
    np.testing.assert_array_equal(found, np.rot90(ALPHA, -1))
