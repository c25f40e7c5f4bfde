"""Large images: reading and writing in bands, memory limits, errors."""

import os
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint import Painting, paint
from neuralpaint.brushes import get_brush
from neuralpaint.images import streaming as largeimage
from neuralpaint.images import vips
from neuralpaint.images.io import load_image
from neuralpaint.images.resample import resize
from neuralpaint.images.streaming import LargePhoto, open_photo, shrink, write_bands
from neuralpaint.search import Preset
from neuralpaint.utils import memory
from neuralpaint.utils.files import WriteError


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def painting(count=60, size=96, aspect=(1.0, 1.5)):
    drawn = get_brush("oil").sample(count, torch.Generator().manual_seed(0))
    drawn[:, 2:4] *= 0.3
    return Painting(drawn, "oil", aspect, size=size)


@pytest.fixture
def streamed(monkeypatch):
    """Treats every image as large."""
    monkeypatch.setattr(largeimage, "LARGE", 100)
    monkeypatch.setattr("neuralpaint.painting.painting.LARGE", 100)
    monkeypatch.setattr("neuralpaint.search.memory.LARGE", 100)
    for module in (largeimage, vips):
        monkeypatch.setattr(module, "BAND", 16)


# ---- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, count",
    [("2G", 2 << 30), ("1500M", 1500 << 20), ("2.5GiB", 5 << 29), ("64kb", 65536), (77, 77), ("9 g", 9 << 30)],
)
def test_bytes(text, count):
    assert memory.parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "G", "-1G", "0", "2X", "two"])
def test_bad_bytes(text):
    with pytest.raises(ValueError, match="must be like 2G"):
        memory.parse_bytes(text)
    with pytest.raises(TypeError):
        memory.parse_bytes(2.5)


def test_default_budget_is_a_share_of_the_machine():
    assert 0 < memory.budget() <= memory.available() * 0.6


# ---- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(90, 131), (100, 50), (64, 64), (300, 7)])
@pytest.mark.parametrize("wanted", [(13, 31), (1, 1), (30, 7), (64, 7)])
def test_shrinking_in_bands_is_the_mean_over_areas(shape, wanted, monkeypatch):
    monkeypatch.setattr(largeimage, "BAND", 16)
    height, width = (min(a, b) for a, b in zip(shape, wanted, strict=True))
    image = torch.from_numpy(picture(*shape)).permute(2, 0, 1).contiguous()
    whole = resize(image.float(), height, width)
    assert (shrink(image, height, width).float() - whole).abs().max() <= 0.501


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff"])
def test_a_large_photo_is_read_in_bands(streamed, tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(picture(70, 110)).save(path, **({"quality": 95} if suffix == ".jpg" else {}))
    large = open_photo(path)
    assert isinstance(large, LargePhoto) and large.shape == (3, 70, 110)
    whole = resize(load_image(path), 20, 31)
    assert (large.shrunk(20).float() / 255 - whole).abs().max() < 0.012
    assert (large.shrunk(10).float() / 255 - resize(load_image(path), 10, 16)).abs().max() < 0.15
    assert large.shrunk(500).shape == (3, 70, 110)


def test_orientation_transparency_and_grey(streamed, tmp_path):
    turned, exif = Image.fromarray(picture(20, 30)), Image.Exif()
    exif[274] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95, subsampling=0)
    assert LargePhoto(tmp_path / "turned.jpg").shape == (3, 30, 20)
    clear = np.concatenate([picture(20, 30), np.zeros((20, 30, 1), np.uint8)], 2)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert (LargePhoto(tmp_path / "clear.png", "red").shrunk(20)[0] == 255).all()
    Image.fromarray(picture(20, 30)[..., 0]).save(tmp_path / "grey.png")
    assert LargePhoto(tmp_path / "grey.png").shrunk(20).shape == (3, 20, 30)
    deep = Image.fromarray(np.full((20, 30), 32768, np.uint16))
    deep.save(tmp_path / "deep.png")
    for name in ("turned.jpg", "grey.png", "deep.png"):
        ours = LargePhoto(tmp_path / name).shrunk(20).float() / 255
        assert (ours - load_image(tmp_path / name)).abs().max() < 0.02


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff"])
def test_cut_short(streamed, tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(picture(200, 200)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"photo\.\w+ is damaged or truncated|is not an image"):
        paint(path, "tape", 10, Preset("quick", steps=1, refine=1))


def test_a_header_that_promises_too_much_or_too_little(streamed, tmp_path):
    import struct
    import zlib

    path = tmp_path / "photo.png"
    Image.fromarray(picture(64, 64)).save(path)
    data = path.read_bytes()
    for height in (4000, 16):
        header = data[12:20] + struct.pack(">I", height) + data[24:29]
        path.write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])
        try:
            assert load_shape(path) == (3, height, 64)  # excess data is ignored
            assert height == 16
        except ValueError as error:
            assert "is damaged or truncated" in str(error) and "\n" not in str(error)


def load_shape(path):
    large = LargePhoto(path)
    return (3, *large.shrunk(64).shape[1:]) if large.height >= 64 else (3, large.shrunk(16).shape[1], 64)


def test_without_libvips_one_line_says_what_to_install(tmp_path, monkeypatch):
    Image.fromarray(picture(7, 11)).save(tmp_path / "photo.png")
    monkeypatch.setitem(sys.modules, "pyvips", None)
    for read in (load_image, open_photo):
        with pytest.raises(ImportError, match=r"images are read by pyvips: pip install 'pyvips\[binary\]'"):
            read(tmp_path / "photo.png")


# ---- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".tiff"])
def test_bands_are_the_whole_picture(streamed, tmp_path, suffix):
    shown, path = painting(), tmp_path / f"out{suffix}"
    shown.render_to(path, 150)
    whole, written = np.asarray(shown.render(150)), np.asarray(Image.open(path))
    assert written.shape == whole.shape == (150, 225, 3)
    difference = np.abs(written.astype(int) - whole)
    assert difference.mean() < 2 if suffix == ".jpg" else difference.max() <= 1
    assert os.listdir(tmp_path) == [path.name]


def test_bigtiff_where_a_tiff_would_end(streamed, tmp_path, monkeypatch):
    shown, path = painting(), tmp_path / "out.tiff"
    for limit, version in ((largeimage._BIG, 42), (1, 43)):
        monkeypatch.setattr(largeimage, "_BIG", limit)
        shown.render_to(path, 150)
        assert path.read_bytes()[:4] == b"II" + version.to_bytes(2, "little")
        assert np.asarray(load_image(path)).shape == (3, 150, 225)


def test_bands_of_any_height():
    shown = painting()
    whole = np.asarray(shown.render())
    for rows in (1, 7, 32, 500):
        bands = list(shown.bands(rows=rows))
        assert all(len(band) == rows for band in bands[:-1])
        assert np.abs(np.concatenate(bands).astype(int) - whole).max() <= 1


def test_no_seams_between_tiles(monkeypatch):
    monkeypatch.setattr("neuralpaint.painting.tiles.TILE", 24)
    shown = painting(400, 240, (1.0, 1.0))
    tiled = np.concatenate(list(shown.bands(rows=24))).astype(float)
    for axis in (0, 1):
        steps = np.abs(np.diff(tiled, axis=axis)).mean((1 - axis, 2))
        border = np.arange(len(steps)) % 24 == 23
        whole = np.abs(np.diff(np.asarray(shown.render_tensor()).transpose(1, 2, 0) * 255, axis=axis)).mean(
            (1 - axis, 2)
        )
        assert abs(steps[border].mean() / whole[border].mean() - 1) < 0.05


def test_too_little_memory_says_what_does(streamed, tmp_path):
    with pytest.raises(ValueError, match=r"memory: 100M is too little for a .*: at least \d+M"):
        painting().render_to(tmp_path / "out.webp", memory="100M")
    with pytest.raises(ValueError, match=r"memory: 100M is too little for a picture of 144x96 pixels"):
        painting().render_to(tmp_path / "out.png", memory="100M")
    assert os.listdir(tmp_path) == []


def test_an_error_in_the_middle_leaves_nothing(tmp_path):
    def bands():
        yield picture(10, 40)
        raise RuntimeError("no more")

    (tmp_path / "out.png").write_bytes(b"old")
    with pytest.raises(RuntimeError, match="no more"):
        write_bands(tmp_path / "out.png", 100, 40, bands())
    assert os.listdir(tmp_path) == ["out.png"] and (tmp_path / "out.png").read_bytes() == b"old"
    with pytest.raises(WriteError, match="folder does not exist"):
        write_bands(tmp_path / "no" / "out.png", 10, 40, [picture(10, 40)])
    with pytest.raises(ValueError, match="cannot be written in bands"):
        write_bands(tmp_path / "out.webp", 10, 40, [picture(10, 40)])


@pytest.mark.parametrize("suffix", ["png", "tiff", "jpg"])
def test_the_disk_fills_up_in_the_middle(tmp_path, suffix, fork_server):
    """A limit on file sizes simulates a full disk: writes fail in the middle of the image."""
    script = f"""
import resource, signal, sys
import numpy as np
from neuralpaint.images.streaming import write_bands
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
noise = np.random.default_rng(0).integers(0, 256, (32, 512, 3), dtype=np.uint8)
try:
    write_bands({str(tmp_path / "out")!r} + ".{suffix}", 1024, 512, (noise for _ in range(32)))
except OSError as error:
    assert len(str(error).splitlines()) == 1
    print(error)
else:
    sys.exit("written")
"""
    done = fork_server.run(script)
    assert done.poll() == 0, done.err
    assert "cannot write" in done.out and os.listdir(tmp_path) == []


def test_what_libvips_does_not_know_is_left_to_pillow(streamed, tmp_path):
    path = tmp_path / "photo.bmp"
    Image.new("RGB", (64, 64), "red").save(path)
    assert open_photo(path, limit=1) is None
