"""Photos from standard input and pipes, paintings to standard output."""

import io
import os
import threading

import pytest
from PIL import Image
from typer.testing import CliRunner

from neuralpaint.cli import app

QUICK = ["--brush", "tape", "--strokes", "8", "--preset", "fast"]


def invoke(*arguments, data=b""):
    """(exit code, standard output in bytes, standard error)."""
    done = CliRunner().invoke(app, [str(a) for a in arguments], input=data, prog_name="neuralpaint")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout_bytes, done.stderr


@pytest.fixture
def painted(photo, stub, tmp_path):
    """The bytes of the painting of the photo, by its path."""
    assert invoke("paint", photo, "-o", tmp_path / "expected.png", *QUICK)[0] == 0
    return (tmp_path / "expected.png").read_bytes()


def test_from_standard_input_to_standard_output(photo, painted):
    code, out, err = invoke("paint", "-", "-o", "-", *QUICK, data=photo.read_bytes())
    assert code == 0 and out == painted
    assert err.startswith("- → -: ") and err.count("\n") == 1


def test_to_standard_output_and_a_file(photo, painted, tmp_path):
    code, out, _ = invoke("paint", photo, "-o", "-", "-o", tmp_path / "out.jpg", *QUICK, "--quiet")
    assert code == 0 and out == painted and Image.open(tmp_path / "out.jpg").size == (32, 24)


def test_from_a_pipe(photo, painted, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(photo.read_bytes()), daemon=True).start()
    code, out, _ = invoke("paint", pipe, "-o", tmp_path / "out.png", *QUICK)
    assert code == 0 and (tmp_path / "out.png").read_bytes() == painted
    assert b"pipe" in out


@pytest.mark.parametrize(
    "arguments, data, message",
    [
        (["-", "-o", "out.png"], b"", "standard input is empty (0 bytes)"),
        (["-", "-o", "out.png"], b"text", "standard input is not an image"),
        (["-", "photo.png", "-o", "out"], b"", "- (standard input) cannot be painted together with other photos"),
        (["photo.png", "other.png", "-o", "-"], b"", "-o - writes one painting to standard output"),
    ],
)
def test_bad_input(photo, stub, tmp_path, monkeypatch, arguments, data, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.png").write_bytes(photo.read_bytes())
    code, out, err = invoke("paint", *arguments, *QUICK, data=data)
    assert code == 2 and out == b"" and err.startswith(f"neuralpaint: {message}") and err.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["other.png", "photo.png"]


def test_not_to_a_terminal(photo, stub, monkeypatch):
    monkeypatch.setattr("neuralpaint.pipelines.stdio.sys", type("Sys", (), {"stdout": Terminal()}))
    code, out, err = invoke("paint", photo, "-o", "-", *QUICK)
    assert code == 2 and out == b"" and "which is a terminal: redirect it, or name a file" in err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_sixteen_bits(photo, stub, tmp_path):
    assert invoke("paint", photo, "-o", tmp_path / "out.png", *QUICK, "--depth", "16")[0] == 0
    assert (tmp_path / "out.png").read_bytes()[24] == 16  # the depth in the header


def test_rendered_to_standard_output(photo, stub, painted, tmp_path, monkeypatch):
    strokes = tmp_path / "strokes.safetensors"
    assert invoke("paint", photo, "-o", strokes, *QUICK)[0] == 0
    code, out, err = invoke("render", strokes, "-o", "-", "-o", tmp_path / "out.png")
    assert code == 0 and out == painted == (tmp_path / "out.png").read_bytes()
    assert err.startswith(f"{strokes} → -, ") and err.count("\n") == 1
    code, out, err = invoke("render", strokes, "-o", "-", "-o", "-")
    assert code == 2 and out == b"" and "given twice" in err
    monkeypatch.setattr("neuralpaint.pipelines.stdio.sys", type("Sys", (), {"stdout": Terminal()}))
    code, out, err = invoke("render", strokes, "-o", "-")
    assert code == 2 and out == b"" and "which is a terminal: redirect it, or name a file" in err
