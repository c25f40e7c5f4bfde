import hashlib
import io
import tarfile
import tracemalloc

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


def zeroed(data):
    return data[:40_000] + bytes(4096) + data[44_096:]


def flipped(data):
    """One bit of the second stroke's parameters."""
    at = data.index(b"NUMPY", data.index(b"NUMPY") + 1) + 130
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("harm", [zeroed, flipped, lambda data: data[:-10240] + bytes(20480)])
@pytest.mark.parametrize("sums", [True, False])
def test_a_damaged_middle_is_written_again(folder, harm, sums):
    path = folder / "strokes-000000.tar"
    written, noted, warnings = path.read_bytes(), (folder / "SHA256SUMS").read_bytes(), []
    assert write_set(folder, a_set(), resume=True, warn=warnings.append) == 70 and not warnings
    if not sums:
        (folder / "SHA256SUMS").unlink()
        assert write_set(folder, a_set(), resume=True, warn=warnings.append) == 70 and not warnings
        assert (folder / "SHA256SUMS").read_bytes() == noted
        (folder / "SHA256SUMS").unlink()
    path.write_bytes(harm(written))
    assert path.read_bytes() != written
    assert write_set(folder, a_set(), resume=True, warn=warnings.append) == 4
    assert "strokes-000000.tar is damaged" in warnings[0] and path.read_bytes() == written


def test_checksums_are_those_of_sha256sum(folder):
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    names = ["strokes-000000.tar", "strokes-000001.tar"]
    assert lines == [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]


@pytest.mark.parametrize("text", ["hello\n", "0" * 64 + "\n", "0" * 64 + "  ../x\n", "\xff\n", "x\n" * 3])
def test_damaged_checksums_are_told(folder, text):
    (folder / "SHA256SUMS").write_text(text, "latin-1")
    with pytest.raises(ValueError, match=r"SHA256SUMS is damaged \(.*\): delete it, and the shards are checked"):
        write_set(folder, a_set(), resume=True)


def changed(change):
    """Writes the shard again with other members."""

    def harm(path):
        with tarfile.open(path) as tar:
            members = [(member, tar.extractfile(member).read()) for member in tar]
        with open(path, "wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for member, data in change(members):
                tar.addfile(member, io.BytesIO(data))

    return harm


def linked(kind, target):
    def change(members):
        member = tarfile.TarInfo("000000000000.stroke.npy")
        member.type, member.linkname = kind, target
        return [(member, b""), *members]

    return changed(change)


def grown(members):
    member, _ = members[2]
    member.size = 10_000_000
    return [*members[:2], (member, bytes(10_000_000)), *members[3:]]


def renamed(members):
    for member, _ in members:
        member.name = "a" + member.name
    return members


def huge(path):
    """A member that says it has 8 GiB."""
    member = tarfile.TarInfo("000000000000.stroke.npy")
    member.size = 2**33 - 1
    data = member.tobuf(tarfile.USTAR_FORMAT)
    path.write_bytes(data + bytes(tarfile.RECORDSIZE - len(data)))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (linked(tarfile.SYMTYPE, "nowhere"), "is damaged or truncated"),
        (linked(tarfile.LNKTYPE, "nowhere"), "is damaged or truncated"),
        (linked(tarfile.SYMTYPE, "000000000000.stroke.npy"), "is damaged or truncated"),
        (linked(tarfile.FIFOTYPE, ""), "is damaged or truncated"),
        (linked(tarfile.DIRTYPE, ""), "is damaged or truncated"),
        (changed(grown), "is damaged or truncated"),
        (huge, "is damaged or truncated"),
        (changed(renamed), "belongs to another set"),
        (changed(lambda members: []), "belongs to another set"),
        (changed(lambda members: [(member, bytes(len(data))) for member, data in members]), "belongs to another set"),
    ],
)
def test_members_that_cannot_be(folder, harm, message):
    path = folder / "strokes-000000.tar"
    harm(path)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=rf"strokes-000000\.tar {message}") as caught:
            check_tar(folder, a_set(), 0)
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)


def test_a_shard_of_another_set_is_named(folder):
    with pytest.raises(ValueError, match=r"strokes-000000\.tar belongs to another set"):
        check_tar(folder, a_set(seed=1), 0)
    (folder / "strokes-000001.tar").rename(folder / "strokes-000000.tar")
    with pytest.raises(ValueError, match=r"strokes-000000\.tar belongs to another set"):
        check_tar(folder, a_set(), 0)
