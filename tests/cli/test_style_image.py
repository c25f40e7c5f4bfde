import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def files(fill, tmp_path):
    """A photo, two pictures of which one is red, a mask, a picture of one colour."""
    found = fill(tmp_path / "in", ["photo", "wave", "night"])
    red = np.asarray(Image.open(found / "wave.png").convert("RGB")) * (0.7, 0.2, 0.2) + (70, 0, 0)
    Image.fromarray(red.astype(np.uint8)).save(found / "wave.png")
    mask = np.zeros((40, 56), np.uint8)
    mask[:, 28:] = 255
    Image.fromarray(mask).save(found / "mask.png")
    Image.new("RGB", (40, 40), "teal").save(found / "plain.png")
    return found


def opened(path):
    return np.asarray(Image.open(path).convert("RGB"), dtype=float)


def test_any_picture_is_a_style(run, files, tmp_path):
    photo, out = files / "photo.png", tmp_path / "out.png"
    done = run("stylize", photo, "--style-image", files / "wave.png", "-o", out)
    assert done.code == 0 and "56x40 pixels" in done.out
    style = opened(files / "wave.png").mean((0, 1))
    assert np.abs(opened(out).mean((0, 1)) - style).sum() < np.abs(opened(photo).mean((0, 1)) - style).sum() / 2


def test_mixes_masks_and_sizes(run, files, tmp_path):
    photo, out = files / "photo.png", tmp_path / "out.png"
    pictures = ("--style-image", files / "wave.png", "--style-image", files / "night.png")
    more = ("--weights", "0.7,0.3", "--strength", 0.8, "--keep-colors", "--mask", files / "mask.png")
    assert run("stylize", photo, *pictures, *more, "-o", out).code == 0
    change = np.abs(opened(out) - opened(photo))
    assert change[:, :28].max() == 0 and change[:, 28:].mean() > 1
    done = run("stylize", photo, *pictures, "--size", 20, "-o", out, "--overwrite")
    assert done.code == 0 and opened(out).shape[:2] == (20, 28)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--style-image", "plain.png"), "is a single colour"),
        (("--style-image", "missing.png"), "missing.png"),
        (("--style-image", "wave.png", "--style", "sea"), "give exactly one of"),
        (("--style-image", "wave.png", "--weights", "0"), "at least one must be larger than 0"),
        (("--style-image", "wave.png", "--weights", "1,2"), "2 for 1 style images"),
        (("--style-image", "wave.png", "--weights", "a"), "numbers separated by commas"),
        (("--style-image", "wave.png", "--strength", "2"), "--strength must be between 0 and 1"),
        (("--style-image", "wave.png", "--style-mask", "mask.png"), "--style-mask: give one for each"),
        (("--style-image", "wave.png", "--mask", "mask.png", "--size", "20"), "--size does not go with --mask"),
        (("--style", "munch-scream", "--keep-colors"), "--keep-colors needs --style-image"),
    ],
)
def test_bad_options_are_one_line(run, files, tmp_path, arguments, message):
    given = [files / value if value.endswith(".png") else value for value in arguments]
    done = run("stylize", files / "photo.png", *given, "-o", tmp_path / "out.png")
    assert done.code == 2 and message in " ".join(done.err.split())
    assert not (tmp_path / "out.png").exists()
