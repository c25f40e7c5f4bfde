"""Photos as paths."""

import pytest
import torch
from typer.testing import CliRunner

from neuralpaint.cli import app
from neuralpaint.images.io import to_pil
from neuralpaint.vector import VectorizeSettings, read_svg, vectorize


def photo(height=48, width=64):
    """A bright disc and a dark bar on a slope of colours."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    picture = torch.stack([0.3 + 0.3 * x / width, 0.4 + 0 * x, 0.7 - 0.4 * y / height])
    picture[:, (x - 0.3 * width) ** 2 + (y - 0.5 * height) ** 2 < (0.25 * height) ** 2] = 0.95
    picture[:, (x > 0.7 * width) & (x < 0.85 * width) & (y > 0.2 * height)] = 0.05
    return picture


QUICK = VectorizeSettings(paths=16, steps=15, size=48)


def psnr(image, target):
    return float(-10 * torch.log10((image.render(target.shape[1]) - target).square().mean()))


def test_paths_come_to_look_like_the_photo():
    target, reports = photo(), []
    found = vectorize(target, QUICK, reports.append)
    assert found.layout.num_paths <= 16 and (found.width, found.height) == (64, 48)
    assert psnr(found, target) > 23
    assert reports[-1].step == reports[-1].steps and reports[-1].done <= reports[-1].work
    assert reports[-1].psnr > reports[0].psnr + 3


def test_a_large_photo_is_fitted_small_and_stays_its_size():
    settings = VectorizeSettings(paths=4, steps=8, size=32)
    found, again = vectorize(photo(96, 128), settings), vectorize(photo(96, 128), settings)
    assert torch.equal(found.points, again.points) and torch.equal(found.fill, again.fill)
    assert (found.width, found.height) == (128, 96)
    assert psnr(found, photo(96, 128)) > 15


def test_what_progress_raises_ends_the_run():
    def stop(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vectorize(photo(), QUICK, stop)


@pytest.mark.parametrize("change", [{"paths": 0}, {"segments": 1}, {"size": 8}, {"steps": 0}, {"seed": -1}])
def test_bad_settings_are_named(change):
    with pytest.raises(ValueError, match=f"^{next(iter(change))} must"):
        VectorizeSettings(**change)


@pytest.mark.parametrize("bad", [torch.zeros(1, 3, 8, 8), torch.zeros(3, 0, 8), torch.zeros(3, 8, 8).int(), None])
def test_bad_photos_are_named(bad):
    with pytest.raises((TypeError, ValueError), match="^photo must"):
        vectorize(bad, QUICK)


@pytest.fixture
def photo_file(tmp_path):
    to_pil(photo()).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def run(*arguments):
    return CliRunner().invoke(app, ["vectorize", *map(str, arguments)])


def test_the_command_writes_what_was_found(photo_file, tmp_path):
    output = tmp_path / "out.svg"
    result = run(photo_file, "-o", output, "--paths", 8, "--steps", 15, "--size", 48)
    assert result.exit_code == 0 and "paths" in result.output and "dB" in result.output
    assert psnr(read_svg(output), photo()) > 18
    assert run(photo_file, "-o", output).exit_code == 2  # it exists


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "out.png"], "must be a .svg file"),
        (["-o", "out.svg", "--paths", "0"], "paths must"),
        (["-o", "no/folder/out.svg"], "folder"),
    ],
)
def test_bad_arguments_end_in_one_line(photo_file, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run(photo_file, *arguments)
    assert result.exit_code == 2 and message in result.output and result.output.count("\n") == 1
    assert not list(tmp_path.glob("*.svg"))


def test_ctrl_c_leaves_no_file(photo_file, tmp_path, monkeypatch):
    import neuralpaint.vector

    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(neuralpaint.vector, "vectorize", stopped)
    assert run(photo_file, "-o", tmp_path / "out.svg").exit_code == 130
    assert not (tmp_path / "out.svg").exists()
