import io

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint.brushes import get_brush
from neuralpaint.images.metadata import PhotoMetadata, read_metadata
from neuralpaint.painting import Painting
from neuralpaint.painting.exporters import ImageSettings, OutputSettings
from neuralpaint.pipelines.paint_photo import write_outputs
from tests.cli.test_stdio import invoke

QUICK = ("--strokes", 6, "--preset", "fast", "--device", "cpu")
TAKEN, CHANGED = "2021:03:04 05:06:07", "2022:01:01 00:00:00"


def exif_of(artist: object = "Zoë".encode(), rights: object = b"free") -> Image.Exif:
    exif = Image.Exif()
    exif.update({0x010F: "Camera", 0x0112: 3, 0x0132: CHANGED, 0x013B: artist, 0x8298: rights})
    exif.get_ifd(0x8769).update({0x9003: TAKEN, 0x927C: b"maker note", 0x9286: b"comment"})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    return exif


def photo_bytes(kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_photos_of_all_formats(kind):
    exif = exif_of(b"Ann").tobytes()
    expected = PhotoMetadata(TAKEN, CHANGED, "Ann", "free")
    assert read_metadata(photo_bytes(kind, exif=exif)) == expected
    assert read_metadata(photo_bytes(kind)) == PhotoMetadata()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_outputs_of_all_formats(stub, tmp_path, suffix):
    data, out = photo_bytes("JPEG", exif=exif_of()), tmp_path / f"out{suffix}"
    assert invoke("paint", "-", "-o", out, *QUICK, "--keep-metadata", data=data)[0] == 0
    found = read_metadata(out)
    assert (found.artist, found.copyright) == ("Zoë", "free")
    assert (found.taken, found.changed) == (("", TAKEN) if suffix == ".tiff" else (TAKEN, CHANGED))
    with Image.open(out) as opened:
        exif = opened.getexif()
        assert 0x0112 not in exif or exif[0x0112] == 1
        assert 0x010F not in exif and not exif.get_ifd(0x8825) and not exif.get_ifd(1)
        assert set(exif.get_ifd(0x8769)) <= {0x9003}
        picture = np.asarray(opened.convert("RGB"))
    assert b"maker note" not in out.read_bytes()
    assert invoke("paint", "-", "-o", out, *QUICK, "--overwrite", data=data)[0] == 0
    assert read_metadata(out) == PhotoMetadata()  # off by default
    np.testing.assert_array_equal(np.asarray(Image.open(out)), picture)


@pytest.mark.parametrize(
    "artist, kept",
    [
        (b"x" * 50_000, "x" * 1000),
        ("é".encode() * 30_000, "é" * 1000),
        (b"a\x00b\n\x1b[31mc", "a b [31mc"),
        (b"\xff\xfe\xe9", "ÿþé"),
        ((1, 2, 3), ""),
        (7, ""),
        (b"", ""),
    ],
    ids=["long", "long UTF-8", "control", "not UTF-8", "numbers", "number", "empty"],
)
def test_hostile_fields_are_limited_or_left_out(tmp_path, artist, kept):
    exif = exif_of(artist)
    if not isinstance(artist, bytes):
        data = photo_bytes("JPEG", exif=_with_type(artist))
    else:
        data = photo_bytes("JPEG", exif=exif)
    found = read_metadata(data)
    assert found.artist == kept and found.copyright == "free"
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg", **found.save_options("JPEG"))
    assert read_metadata(tmp_path / "a.jpg") == found


def _with_type(values: object) -> bytes:
    """EXIF whose Artist is of 16-bit numbers."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[0x8298] = b"free"
    tags.tagtype[0x013B] = 3
    tags[0x013B] = values
    return b"Exif\0\0II*\0\x08\0\0\0" + tags.tobytes(8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_is_no_error(stub, tmp_path, kind):
    whole = exif_of().tobytes()
    for exif in (whole[:40], whole[:20] + b"\xff" * 60, b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0nonsense"):
        data = photo_bytes(kind, exif=exif)
        code, _, err = invoke(
            "paint", "-", "-o", tmp_path / "a.png", *QUICK, "--keep-metadata", "--overwrite", data=data
        )
        assert code == 0 and "rror" not in err
        assert Image.open(tmp_path / "a.png").size == (16, 12)


def test_dates_that_are_none_are_left_out():
    exif = Image.Exif()
    exif.update({0x0132: "yesterday", 0x013B: "Ann"})
    exif.get_ifd(0x8769)[0x9003] = "2021:03:04"
    assert read_metadata(photo_bytes("JPEG", exif=exif)) == PhotoMetadata(artist="Ann")


@pytest.mark.parametrize(
    "options, message",
    [(("-o", "a.svg"), "is for an image"), (("-o", "a.png", "--depth", 16), "does not go with --depth 16")],
)
def test_refused_in_one_line(stub, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = invoke("paint", "-", *options, *QUICK, "--keep-metadata", data=photo_bytes("PNG"))
    assert code == 2 and message in err and err.count("\n") == 1 and not stub


def test_what_an_engine_has_drawn_gets_it_too(tmp_path):
    kept = PhotoMetadata(TAKEN, artist="Ann")
    painting = Painting(get_brush("tape").sample(2, torch.Generator().manual_seed(0)), "tape", size=8)
    settings = OutputSettings(ImageSettings(metadata=kept))
    write_outputs(painting, [tmp_path / "a.png"], settings, picture=Image.new("RGB", (8, 8)))
    assert read_metadata(tmp_path / "a.png") == kept


def test_streamed_images_have_none_which_is_said(stub, tmp_path, monkeypatch):
    monkeypatch.setattr("neuralpaint.painting.painting.LARGE", 100)
    arguments = ("-o", tmp_path / "a.png", "-o", tmp_path / "b.webp", *QUICK, "--keep-metadata")
    code, out, _ = invoke("paint", "-", *arguments, data=photo_bytes("JPEG", exif=exif_of()))
    assert code == 0 and f"no EXIF in {tmp_path / 'a.png'}".encode() in out and out.count(b"no EXIF") == 1
    assert read_metadata(tmp_path / "a.png") == PhotoMetadata() and read_metadata(tmp_path / "b.webp").artist == "Zoë"
