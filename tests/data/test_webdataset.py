import io
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint.brushes import get_brush
from neuralpaint.data import StrokeDataset
from neuralpaint.data import writer as write
from neuralpaint.data.shards import DamagedShard, StrokeSet
from neuralpaint.data.webdataset import bytes_per_stroke, check_tar
from neuralpaint.data.writer import write_set


def a_set(**changes):
    return StrokeSet(
        get_brush("oil"), **({"count": 70, "layout": "webdataset", "size": 16, "shard_size": 66} | changes)
    )


@pytest.fixture
def folder(tmp_path):
    write_set(tmp_path / "set", a_set())
    return tmp_path / "set"


def test_the_webdataset_library_reads_it(folder):
    webdataset = pytest.importorskip("webdataset")
    urls = sorted(map(str, folder.glob("*.tar")))
    found = webdataset.WebDataset(urls, shardshuffle=False).decode("torchrgb8")
    found = found.to_tuple("__key__", "foreground.png", "alpha.png", "stroke.npy")
    made = StrokeDataset("oil", 70, size=16, dtype=torch.uint8)
    count = 0
    for number, (key, foreground, alpha, stroke) in enumerate(found):
        wanted = made[number]
        assert int(key) == number
        assert torch.equal(foreground, wanted.foreground)
        assert torch.equal(alpha[:1], wanted.alpha)
        assert stroke.dtype == np.float32 and np.array_equal(stroke, wanted.strokes.numpy())
        count += 1
    assert count == 70


def test_any_tar_reader_reads_it(folder):
    with tarfile.open(folder / "strokes-000001.tar") as tar:
        names = tar.getnames()
        assert names[:3] == [f"000000000066.{suffix}" for suffix in ("foreground.png", "alpha.png", "stroke.npy")]
        assert len(names) == 12
        picture = Image.open(io.BytesIO(tar.extractfile(names[0]).read()))
    assert (picture.mode, picture.size) == ("RGB", (16, 16))


def test_the_same_bytes_again(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "_FEW", 0)
    write_set(tmp_path / "again", a_set(), workers=2)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_its_size_is_foreseen(folder):
    size = sum(path.stat().st_size for path in folder.glob("*.tar"))
    assert 70 * bytes_per_stroke(a_set()) == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (lambda data: data[:-20_000], DamagedShard, "is truncated"),
        (lambda data: data[:30_000], DamagedShard, "is truncated"),
        (lambda data: data[:600], DamagedShard, "is (damaged or )?truncated"),
        (lambda data: b"", DamagedShard, "is damaged or truncated"),
        (lambda data: b"x" * 9000 + bytes(1024), DamagedShard, "is damaged or truncated"),
    ],
)
def test_a_bad_shard_is_named(folder, harm, error, message):
    path = folder / "strokes-000000.tar"
    check_tar(folder, a_set(), 0)
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(error, match=rf"strokes-000000\.tar {message}"):
        check_tar(folder, a_set(), 0)


def test_a_shard_of_another_set_is_named(folder):
    with pytest.raises(ValueError, match=r"strokes-000000\.tar belongs to another set"):
        check_tar(folder, a_set(seed=1), 0)
    (folder / "strokes-000001.tar").rename(folder / "strokes-000000.tar")
    with pytest.raises(ValueError, match=r"strokes-000000\.tar belongs to another set"):
        check_tar(folder, a_set(), 0)
