import json

import pytest


@pytest.fixture
def trained(run, tmp_path, few_held_out):
    pytest.importorskip("accelerate")
    pytest.importorskip("tensorboard")
    folder = tmp_path / "net"
    arguments = [
        "train-renderer",
        "--brush",
        "tape",
        "--size",
        32,
        "--steps",
        3,
        "--batch",
        4,
        "--cpu",
        "--out",
        folder,
    ]
    result = run(*arguments)
    assert result.code == 0 and "dB" in result.out
    return folder


def test_train_then_evaluate(run, trained, tmp_path):
    result = run(
        "eval-renderer", trained, "--strokes", 70, "--json", "--device", "cpu", "--grid", tmp_path / "grid.png"
    )
    assert result.code == 0
    facts = json.loads(result.out)
    assert facts["network"] == "coordinate" and facts["strokes"] == 70 and facts["psnr"] > 10
    assert (tmp_path / "grid.png").exists()
    card = (trained / "README.md").read_text()
    assert "--brush tape" in card and "PSNR" in card
    again = run(
        "train-renderer", "--brush", "tape", "--size", 32, "--steps", 3, "--batch", 4, "--cpu", "--out", trained
    )
    assert again.code == 2 and "--resume" in again.line


def test_paint_through_it(run, trained, photo, tmp_path, short_search):
    arguments = [
        "paint",
        photo,
        "-o",
        tmp_path / "out.png",
        "--brush",
        "tape",
        "--strokes",
        4,
        "--preset",
        "fast",
        "-q",
    ]
    assert run(*arguments, "--renderer", trained).code == 0
    result = run(*arguments, "--overwrite", "--renderer", trained, "--brush", "oil")
    assert result.code == 2 and "trained for brush 'tape', not for 'oil'" in result.line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--network", "dcgn"], "unknown network 'dcgn'"),
        (["--network", "dcgan", "--size", 64], "size of dcgan must be"),
        (["--brush", "ol"], "unknown brush"),
        (["--steps", 0], "steps must be"),
        (["--batch", 1], "--batch must be"),
        (["--precision", "int8"], "--precision must be one of"),
        (["--zooms", "1,x"], "--zooms must be"),
        (["--network", "unet", "--zooms", "2"], "supports images of --size only"),
        (["--schedule", "slow"], "unknown schedule"),
    ],
)
def test_training_that_cannot_be(run, tmp_path, arguments, words):
    pytest.importorskip("accelerate")
    result = run("train-renderer", "--out", tmp_path / "net", *arguments)
    assert result.code == 2 and words in result.line
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "is not the folder of a trained renderer"),
        (["pixel", "--strokes", 0], "--strokes must be"),
        (["tape", "--grid", "grid.jpg"], "must be a .png"),
    ],
)
def test_evaluation_that_cannot_be(run, arguments, words):
    result = run("eval-renderer", *arguments)
    assert result.code == 2 and words in result.line


def test_unknown_renderer(run, photo, tmp_path):
    result = run("paint", photo, "-o", tmp_path / "out.png", "--renderer", "neurl")
    assert result.code == 2 and "unknown renderer 'neurl'" in result.line
