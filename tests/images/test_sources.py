"""What a picture can be read from: paths, contents, streams and pipes."""

import io
import os
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint import paint
from neuralpaint.images import sources
from neuralpaint.images.io import load_image
from neuralpaint.images.streaming import LargePhoto, open_photo
from neuralpaint.search import Preset


@pytest.fixture(params=["PNG", "JPEG", "BMP"])
def contents(request):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(file, request.param)
    return file.getvalue()


def pipe(path, data):
    """A pipe to which another thread writes."""
    os.mkfifo(path)
    threading.Thread(target=lambda: path.write_bytes(data), daemon=True).start()
    return path


def test_all_sources_give_the_same_picture(contents, tmp_path):
    (tmp_path / "photo").write_bytes(contents)
    expected = load_image(tmp_path / "photo")
    for source in (contents, bytearray(contents), memoryview(contents), io.BytesIO(contents)):
        assert torch.equal(load_image(source), expected)
    with open(tmp_path / "photo", "rb") as file:
        assert torch.equal(load_image(file), expected)
    assert torch.equal(load_image(pipe(tmp_path / "pipe", contents)), expected)


def test_a_large_photo_from_memory():
    file = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(file, "PNG")
    large = open_photo(file.getvalue(), limit=1, name="it")
    assert isinstance(large, LargePhoto) and large.path == "it"
    assert torch.equal(large.shrunk(20), LargePhoto(io.BytesIO(file.getvalue())).shrunk(20))


def test_painting_from_a_stream(contents):
    """A stream can be read once, but the search reads its photo more than once."""
    quick = Preset("quick", steps=1, refine=1)
    expected = paint(contents, "tape", 5, quick)
    assert torch.equal(paint(io.BytesIO(contents), "tape", 5, quick).strokes, expected.strokes)


def test_bad_streams(tmp_path, monkeypatch):
    for empty in (b"", io.BytesIO(), pipe(tmp_path / "pipe", b"")):
        with pytest.raises(ValueError, match=r"(photo|pipe) is empty \(0 bytes\)"):
            load_image(empty, name="photo")
    with pytest.raises(ValueError, match="photo is not an image"):
        load_image(b"text", name="photo")
    with pytest.raises(TypeError, match="photo gives text: open it in binary mode"):
        load_image(io.StringIO("text"), name="photo")
    monkeypatch.setattr(sources, "MAX_STREAM", 3 << 20)

    class Endless:
        taken = 0

        def read(self, count):
            self.taken += count
            return bytes(count)

    endless = Endless()
    with pytest.raises(ValueError, match="photo has more than 3 MiB: save it as a file, and give its path"):
        load_image(endless, name="photo")
    assert endless.taken <= 5 << 20
