import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photo(fill, tmp_path):
    fill(tmp_path / "one", ["photo"])
    return tmp_path / "one" / "photo.png"


def opened(path):
    return np.asarray(Image.open(path).convert("RGB"), dtype=float)


def test_writes_the_photo_in_a_style(run, photo, folder, tmp_path):
    done = run("stylize", photo, "-o", tmp_path / "out.png", "--style", "rose", "--network", folder)
    assert done.code == 0 and "56x40 pixels" in done.out
    other = run("stylize", photo, "-o", tmp_path / "sea.png", "--style", "sea:0.4,rose:0.6", "--network", folder)
    assert other.code == 0
    assert opened(tmp_path / "out.png").shape == (40, 56, 3)
    assert np.abs(opened(tmp_path / "out.png") - opened(tmp_path / "sea.png")).mean() > 1


def test_little_memory_gives_the_same_picture(run, photo, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("neuralpaint.styles.stylize.bytes_per_pixel", lambda _: 2**26)
    for name, memory in (("tiles", "64M"), ("whole", "1T")):
        done = run(
            "stylize", photo, "-o", tmp_path / f"{name}.png", "--style", "sea", "--network", folder, "--memory", memory
        )
        assert done.code == 0
    assert np.abs(opened(tmp_path / "tiles.png") - opened(tmp_path / "whole.png")).max() <= 1


def test_sheets_and_sweeps(run, photo, folder, tmp_path):
    common = ("--network", folder, "--size", 24)
    assert run("stylize", photo, "-o", tmp_path / "all.png", "--all", *common).code == 0
    assert opened(tmp_path / "all.png").shape[0] > 2 * 24
    grid = run("stylize", photo, "-o", tmp_path / "g.png", "--grid", "sea,rose,straw,night", "--cells", 3, *common)
    assert grid.code == 0 and "9 images" in grid.out
    sweep = ("stylize", photo, "--sweep", "sea,night", "--frames", 3)
    assert run(*sweep, "-o", tmp_path / "s.gif", *common).code == 0
    assert Image.open(tmp_path / "s.gif").n_frames == 4  # there and back
    assert run(*sweep, "-o", tmp_path / "frames", *common).code == 0
    frames = [opened(file) for file in sorted((tmp_path / "frames").iterdir())]
    assert len(frames) == 3 and np.abs(frames[0] - frames[2]).mean() > np.abs(frames[0] - frames[1]).mean() > 0


def test_lists_the_styles(run, folder):
    assert run("stylize", "--list", "--network", folder).out.split() == ["sea", "rose", "straw", "night"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--style", "roze"), "unknown style 'roze' (did you mean 'rose'?)"),
        (("--style", "sea:0.7,rose:0.7"), "sum to 1.4"),
        (("--style", "sea:-1,rose:2"), "at least 0"),
        (("--grid", "sea,rose"), "--grid takes 4 styles"),
        (("--sweep", "sea,rose"), "--sweep writes a"),
        ((), "give exactly one of"),
        (("--style", "sea", "--all"), "give exactly one of"),
        (("--style", "sea", "--memory", "lots"), "--memory must be"),
        (("--style", "sea", "--memory", "1M"), "at least 64M"),
        (("--style", "sea", "--size", "4"), "--size must be"),
        (("--style", "sea", "--network", "nowhere"), "no style network 'nowhere'"),
    ],
)
def test_bad_use_is_one_line(run, photo, folder, tmp_path, arguments, message):
    network = () if "--network" in arguments else ("--network", folder)
    done = run("stylize", photo, "-o", tmp_path / "out.png", *network, *arguments)
    assert done.code == 2 and message in done.line
    assert not (tmp_path / "out.png").exists()


def test_bad_pictures_are_one_line(run, folder, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "tiny.png")
    (tmp_path / "text.jpg").write_text("hello")
    for name, message in (("tiny.png", "8x8 pixels"), ("text.jpg", "not an image"), ("none.jpg", "does not exist")):
        done = run("stylize", tmp_path / name, "-o", tmp_path / "o.png", "--style", "sea", "--network", folder)
        assert done.code == 2 and message in done.line


def test_a_photo_is_not_overwritten(run, photo, folder):
    done = run("stylize", photo, "-o", photo, "--style", "sea", "--network", folder, "--overwrite")
    assert done.code == 2 and "is the photo itself" in done.line


def test_paints_the_photo_in_a_style(run, photo, folder, tmp_path):
    common = ("paint", photo, "--brush", "tape", "--strokes", 20, "--preset", "fast")
    style = ("--style", "sea:0.5,rose:0.5", "--style-network", folder)
    done = run(*common, *style, "-o", tmp_path / "styled.png")
    assert done.code == 0 and "20 strokes" in done.out
    assert run(*common, "-o", tmp_path / "plain.png").code == 0
    look = run("stylize", photo, "-o", tmp_path / "look.png", *style[:2], "--network", folder)
    assert look.code == 0
    styled, plain, aim = (opened(tmp_path / f"{name}.png") for name in ("styled", "plain", "look"))
    assert np.abs(styled - aim).mean() < 0.7 * np.abs(plain - aim).mean()
    wrong = run(*common, "--style", "sae", *style[2:], "-o", tmp_path / "o.png")
    assert wrong.code == 2 and "did you mean 'sea'" in wrong.line


def test_strokes_run_as_in_the_stylized_photo(run, stub, photo, folder, tmp_path):
    common = ("paint", photo, "--strokes", 5, "--style", "sea", "--style-network", folder)
    assert run(*common, "-o", tmp_path / "a.png").code == 0
    guide = stub[0]["guide"]
    assert guide.touch is not None and guide.tangents is not None and guide.detail is not None
    assert run(*common, "-o", tmp_path / "b.png", "--preset", "paper").code == 0
    assert "guide" not in stub[1]


# ---- training --------------------------------------------------------------------------------------------------------


@pytest.fixture
def train(run, photos, paintings, vgg_file, tmp_path):
    pytest.importorskip("accelerate")
    pytest.importorskip("tensorboard")

    def call(*arguments, styles=paintings, content=photos):
        small = ("--network", "light", "--steps", 2, "--batch", 2, "--size", 32, "--vgg", vgg_file, "--cpu")
        return run("train-styles", "--content", content, "--styles", styles, "-o", tmp_path / "new", *small, *arguments)

    return call


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_trains_stylizes_and_adds(run, train, fill, photos, vgg_file, tmp_path, any_precision, precision):
    done = train("--half", "--precision", precision)
    assert done.code == 0 and "2 styles" in done.out
    assert run("stylize", "--list", "--network", tmp_path / "new").out.split() == ["green-lilies", "red-house"]
    again = train()
    assert again.code == 2 and "add --resume" in again.line
    fill(tmp_path / "more", ["Sun Rise"])
    added = run(
        "add-style",
        tmp_path / "new",
        tmp_path / "more" / "Sun Rise.png",
        *("--content", photos, "-o", tmp_path / "added", "--steps", 2, "--batch", 2, "--size", 32),
        *("--vgg", vgg_file, "--cpu", "--precision", precision),
    )
    assert added.code == 0 and "3 styles" in added.out
    names = run("stylize", "--list", "--network", tmp_path / "added").out.split()
    assert names == ["green-lilies", "red-house", "sun-rise"]


def test_a_broken_painting_is_named_and_left_out_only_if_asked(train, paintings):
    (paintings / "broken.jpg").write_text("hello")
    done = train()
    assert done.code == 2 and "broken.jpg" in done.line and "--skip-broken" in done.line
    done = train("--skip-broken")
    assert done.code == 0 and "broken.jpg" in done.err and "2 styles" in done.out


@pytest.mark.parametrize("what", ["empty", "missing", "tiny", "few", "file"])
def test_bad_folders_are_one_line(train, fill, tmp_path, what):
    (tmp_path / "empty").mkdir()
    if what == "empty":
        done, message = train(styles=tmp_path / "empty"), "contains no images"
    elif what == "missing":
        done, message = train(content=tmp_path / "nowhere"), "is not a folder"
    elif what == "tiny":
        done, message = train(styles=fill(tmp_path / "dots", ["dot"], (1, 1))), "needs at least 32"
    elif what == "few":
        done, message = train(content=fill(tmp_path / "two", ["a", "b"])), "too few"
    else:
        (tmp_path / "new").write_text("hello")
        done, message = train(), "is a file"
    assert done.code == 2 and message in done.line


def test_unknown_presets_and_missing_weights_are_one_line(train, tmp_path):
    assert "unknown preset 'big'" in train("--preset", "big").line
    assert "--precision must be one of no, bf16, fp16" in train("--precision", "int8").line
    done = train("--vgg", tmp_path / "none.pth")
    assert done.code == 2 and "do not exist" in done.line
