"""What pictures of every mode, depth, colour space and container look like, against the definitions of colour spaces.

Both readers, of photos and of large photos, are held against values computed in `tests/images/files.py`.
"""

import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from neuralpaint.images import decoding, vips
from neuralpaint.images.io import load_image
from neuralpaint.images.resample import resize
from neuralpaint.images.streaming import LargePhoto
from tests.images.files import ADOBE, D65, P3, SRGB, lab_truth, png, profile, tiff, truth

SPACES = {  # primaries and gamma
    "srgb": (SRGB, None),
    "linear": (SRGB, 1.0),
    "p3": (P3, None),
    "adobe": (ADOBE, 2.19921875),
}
GREYS = {"grey 2.2": 2.2, "grey linear": 1.0}
PAPER = (0.2, 0.4, 0.6)  # behind what is transparent
HEIGHT, WIDTH, BLOCK = 32, 48, 8


def colors(channels):
    """Blocks of colours in [0, 1], [H, W, C]: dark, light and saturated ones."""
    values = np.random.default_rng(channels).random((HEIGHT // BLOCK, WIDTH // BLOCK, channels))
    values[0, :3] = [[0.0], [1.0], [0.02]]
    values[1, :3] = 0.5 + 0.1 * values[1, :3]
    return values.repeat(BLOCK, 0).repeat(BLOCK, 1)


def whole(values, bits):
    """(numbers of `bits` bits, and the values that they stand for)."""
    numbers = np.round(values * (2**bits - 1)).astype(np.uint32)
    return numbers, numbers / (2**bits - 1)


def over(rgb, alpha):
    return rgb * alpha + np.array(PAPER) * (1 - alpha)


def shown(values, space=(SRGB, None), grey=False, alpha=False):
    """What should be seen of encoded values [H, W, C]."""
    rgb = truth(values[..., :1].repeat(3, -1) if grey else values[..., :3], *space)
    return over(rgb, values[..., -1:]) if alpha else rgb


def chunk_chrm(primaries):
    return b"cHRM", struct.pack(">8I", *(round(v * 1e5) for v in (*D65, *primaries)))


def chunk_gama(gamma):
    return b"gAMA", struct.pack(">I", round(gamma * 1e5))


def make_cases():
    """name: (bytes of a file, what should be seen)."""
    found = {}

    def add(name, data, expected):
        assert name not in found
        found[name] = (data, expected)

    for bits in (8, 16):
        for kind, channels in {"grey": 1, "grey alpha": 2, "rgb": 3, "rgba": 4}.items():
            grey, alpha = channels < 3, channels in (2, 4)
            numbers, values = whole(colors(channels), bits)
            code = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
            spaces = {"no profile": (None, (SRGB, None))}
            if grey:
                spaces |= {name: (profile(None, gamma), (SRGB, gamma)) for name, gamma in GREYS.items()}
            spaces |= {name: (profile(*space, name="sRGB, or so"), space) for name, space in SPACES.items()}
            for name, (icc, space) in spaces.items():
                expected = shown(values, space if not grey else (SRGB, space[1]), grey, alpha)
                if not grey or name not in SPACES:  # a grey PNG may have a grey profile only
                    add(f"png {kind}{bits} {name}", png(numbers, code, bits, icc=icc), expected)
                photometric, extra = (1 if grey else 2), 2 if alpha else 0
                add(f"tiff {kind}{bits} {name}", tiff(numbers, photometric, bits, alpha=extra, icc=icc), expected)

    for bits in (8, 16):
        numbers, values = whole(colors(3), bits)
        for name, chunks, space in (
            ("gAMA 1", [chunk_gama(1)], (SRGB, 1.0)),
            ("gAMA 1/1.8", [chunk_gama(1 / 1.8)], (SRGB, 1.8)),
            ("gAMA 1/2.2", [chunk_gama(1 / 2.2)], (SRGB, None)),  # written for sRGB, and read as sRGB
            ("gAMA cHRM", [chunk_gama(1 / 2.2), chunk_chrm(ADOBE)], (ADOBE, 2.2)),
            ("cHRM", [chunk_chrm(P3)], (P3, None)),
            ("sRGB gAMA cHRM", [(b"sRGB", b"\0"), chunk_gama(1), chunk_chrm(P3)], (SRGB, None)),
            ("cICP P3", [(b"cICP", bytes([12, 13, 0, 1]))], (P3, None)),
            ("cICP linear sRGB", [(b"cICP", bytes([1, 8, 0, 1])), (b"sRGB", b"\0")], (SRGB, 1.0)),
        ):
            add(f"png rgb{bits} {name}", png(numbers, 2, bits, chunks), shown(values, space))
        icc = profile(*SPACES["adobe"])
        add(f"png rgb{bits} iCCP gAMA", png(numbers, 2, bits, [chunk_gama(1)], icc), shown(values, SPACES["adobe"]))
        both = png(numbers, 2, bits, [(b"cICP", bytes([12, 13, 0, 1]))], icc)
        add(f"png rgb{bits} iCCP cICP", both, shown(values, (P3, None)))
        grey, values = whole(colors(1), bits)
        add(f"png grey{bits} gAMA 1", png(grey, 0, bits, [chunk_gama(1)]), shown(values, (SRGB, 1.0), grey=True))
    for bits in (1, 2, 4):
        numbers, values = whole(colors(1), bits)
        add(f"png grey{bits}", png(numbers, 0, bits), shown(values, grey=True))
    palette = np.random.default_rng(9).integers(0, 256, (16, 3), dtype=np.uint8)
    index = whole(colors(1), 4)[0]
    for name, space in SPACES.items():
        data = png(index, 3, 4, [(b"PLTE", palette.tobytes())], profile(*space))
        add(f"png palette {name}", data, shown(palette[index[..., 0]] / 255, space))
    add_tiffs(add)
    add_pillow(add)
    return found


def add_tiffs(add):
    numbers, values = whole(colors(3), 8)
    add("tiff tiled", tiff(numbers, 2, 8, tile=16), shown(values))
    add("tiff planar", tiff(numbers, 2, 8, planar=True), shown(values))
    numbers, values = whole(colors(3), 16)
    add("tiff planar 16", tiff(numbers, 2, 16, planar=True, icc=profile(SRGB, 1.0)), shown(values, (SRGB, 1.0)))
    for bits in (8, 12, 16):
        numbers, values = whole(colors(1), bits)
        add(f"tiff grey{bits}", tiff(numbers, 1, bits), shown(values, grey=True))
        if bits != 12:
            add(f"tiff white is zero {bits}", tiff(2**bits - 1 - numbers, 0, bits), shown(values, grey=True))
        data = tiff(numbers, 1, bits, icc=profile(None, 1.0))
        add(f"tiff {bits} bits grey linear", data, shown(values, (SRGB, 1.0), grey=True))
    for channels in (1, 3):
        values, photometric = colors(channels), 1 if channels == 1 else 2
        for name, (primaries, gamma) in {"no profile": (SRGB, None), "linear": (SRGB, 1.0)}.items():
            icc = None if name == "no profile" else profile(None if channels == 1 else primaries, gamma)
            expected = shown(values, (primaries, gamma), grey=channels == 1)
            add(f"tiff float {channels} {name}", tiff(values, photometric, 32, real=True, icc=icc), expected)
        scaled = tiff(values * 255, photometric, 32, real=True)
        add(f"tiff float {channels} up to 255", scaled, shown(values, grey=channels == 1))
    numbers, values = whole(colors(4), 8)
    premultiplied = np.round(numbers[..., :3] * values[..., 3:])
    data = tiff(np.concatenate([premultiplied, numbers[..., 3:]], -1), 2, 8, alpha=1)
    straight = np.where(numbers[..., 3:] > 0, premultiplied / np.maximum(numbers[..., 3:], 1), 0)
    add("tiff premultiplied", data, over(straight, values[..., 3:]))
    ink = values
    plain = (1 - ink[..., :3]) * (1 - ink[..., 3:])
    add("tiff cmyk", tiff(numbers, 5, 8), plain)
    numbers, ink = whole(colors(4), 16)
    add("tiff cmyk16", tiff(numbers, 5, 16), (1 - ink[..., :3]) * (1 - ink[..., 3:]))
    lab = np.round(colors(3) * [255, 80, 80] + [0, -40, -40])
    add("tiff lab", tiff(lab.astype(np.int8).view(np.uint8), 8, 8), lab_truth(lab * [100 / 255, 1, 1]))


def add_pillow(add):
    """Formats that Pillow writes."""
    for suffix, options in {
        "jpeg": {"quality": 100, "subsampling": 0},
        "webp": {"lossless": True},
        "avif": {"quality": 100, "subsampling": "4:4:4"},
    }.items():
        for name, space in {"no profile": (SRGB, None), **SPACES}.items():
            icc = {} if name == "no profile" else {"icc_profile": profile(*space)}
            for mode in ("RGB", "RGBA", "L"):
                if (mode == "RGBA" and suffix == "jpeg") or (mode == "L" and suffix != "jpeg"):
                    continue
                numbers, values = whole(colors(len(mode)), 8)
                if mode == "RGBA":  # lossy formats change colours that hardly show
                    numbers[..., 3] = np.maximum(numbers[..., 3], 128)
                    values = numbers / 255
                image = Image.fromarray(numbers.astype(np.uint8).squeeze(), mode)
                space_here = space if mode != "L" else (SRGB, space[1])
                data = encoded(image, suffix, **options, **icc)
                values = np.asarray(Image.open(io.BytesIO(data))).reshape(values.shape) / 255  # lossy
                add(f"{suffix} {mode} {name}", data, shown(values, space_here, mode == "L", mode == "RGBA"))
    numbers = whole(colors(4), 8)[0]
    image = Image.fromarray(numbers.astype(np.uint8), "CMYK")
    data = encoded(image, "jpeg", quality=100, subsampling=0)
    ink = np.asarray(Image.open(io.BytesIO(data))) / 255
    add("jpeg CMYK", data, (1 - ink[..., :3]) * (1 - ink[..., 3:]))
    numbers, values = whole(colors(3), 8)
    image = Image.fromarray(numbers.astype(np.uint8))
    for suffix in ("jpeg2000", "bmp", "ppm", "tga", "gif"):
        if suffix != "gif":
            add(f"{suffix} RGB", encoded(image, suffix), shown(values))
        add(f"{suffix} L", encoded(image.getchannel(0), suffix), shown(values, grey=True))
    deep, values = whole(colors(1), 16)
    add(
        "jpeg2000 grey16",
        encoded(Image.fromarray(deep[..., 0].astype(np.uint16)), "jpeg2000"),
        shown(values, grey=True),
    )


def encoded(image, suffix, **options):
    file = io.BytesIO()
    image.save(file, suffix, **options)
    return file.getvalue()


CASES = make_cases()


@pytest.mark.parametrize("name", CASES)
def test_colors(name, tmp_path):
    data, expected = CASES[name]
    path = tmp_path / f"photo.{name.split()[0]}"
    path.write_bytes(data)
    found = load_image(path, background=PAPER).numpy().transpose(1, 2, 0)
    most = 3 if name.startswith("avif") else 2  # decoders of AVIF differ by one
    assert np.abs(found - expected).max() <= most / 255
    if name.split()[0] in ("png", "tiff", "jpeg", "webp", "avif", "gif"):
        large = LargePhoto(path, PAPER).shrunk(HEIGHT).numpy().transpose(1, 2, 0) / 255
        assert np.abs(large - found).max() <= 0.51 / 255


@pytest.mark.parametrize("name", [name for name in CASES if "16" in name and name.startswith(("png", "tiff"))])
def test_sixteen_bits_stay_sixteen(name, tmp_path):
    data, expected = CASES[name]
    path = tmp_path / "photo"
    path.write_bytes(data)
    found = load_image(path, background=PAPER).numpy().transpose(1, 2, 0)
    assert np.abs(found - expected).max() <= 0.3 / 255


def test_avif_by_code_points(tmp_path):
    data = encoded(Image.fromarray(whole(colors(3), 8)[0].astype(np.uint8)), "avif", quality=100, subsampling="4:4:4")
    values = np.asarray(Image.open(io.BytesIO(data))) / 255
    at = data.index(b"colrnclx") + 8
    path = tmp_path / "photo.avif"
    for points, space in (
        ((1, 13), (SRGB, None)),
        ((12, 13), (P3, None)),
        ((1, 8), (SRGB, 1.0)),
        ((2, 2), (SRGB, None)),
    ):
        path.write_bytes(data[:at] + struct.pack(">HH", *points) + data[at + 4 :])
        for found in (load_image(path), LargePhoto(path).shrunk(HEIGHT) / 255):
            assert np.abs(found.numpy().transpose(1, 2, 0) - shown(values, space)).max() <= 3 / 255


def test_a_profile_in_jpeg_2000(tmp_path):
    numbers, values = whole(colors(3), 8)
    data = encoded(Image.fromarray(numbers.astype(np.uint8)), "jpeg2000")
    box = b"colr\2\0\0" + profile(*SPACES["p3"])
    outer, inner = data.index(b"jp2h") - 4, data.index(b"colr") - 4
    old = int.from_bytes(data[inner : inner + 4], "big")
    size = int.from_bytes(data[outer : outer + 4], "big") - old + 4 + len(box)
    box = struct.pack(">I", 4 + len(box)) + box
    head = data[:outer] + struct.pack(">I", size) + data[outer + 4 : inner]
    (tmp_path / "photo.jp2").write_bytes(head + box + data[inner + old :])
    found = load_image(tmp_path / "photo.jp2").numpy().transpose(1, 2, 0)
    assert np.abs(found - shown(values, SPACES["p3"])).max() <= 2 / 255


def test_curves_for_hdr_displays_are_refused(tmp_path):
    for code, name in ((16, "PQ"), (18, "HLG")):
        path = tmp_path / "photo.png"
        path.write_bytes(png(np.zeros((2, 2, 3), int), 2, 16, [(b"cICP", bytes([9, code, 0, 1]))]))
        for read in (load_image, LargePhoto):
            with pytest.raises(ValueError, match=rf"photo.png is an HDR picture \({name}\): convert it to sRGB first"):
                read(path)


@pytest.mark.parametrize("name", [name for name in CASES if "alpha16" not in name and "rgba16" not in name])
def test_images_of_pillow_look_like_their_files(name):
    """Pillow reads some files wrong itself, or not at all, and knows no cICP."""
    data, expected = CASES[name]
    if "cICP" in name or "float 3" in name or name in ("tiff cmyk16", "tiff planar 16"):
        return
    with Image.open(io.BytesIO(data)) as image:
        found = load_image(image, background=PAPER).numpy().transpose(1, 2, 0)
    depth = 8 if "rgb16" in name else 16  # Pillow has no RGB of 16 bits
    space = 13 if "linear" in name or "gAMA 1" in name else 1  # steps of light where the curve is steepest
    most = 3 if depth == 16 else 2 + space
    assert np.abs(found - expected).max() <= most / 255


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation, tmp_path, monkeypatch):
    monkeypatch.setattr(vips, "BAND", 5)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(pixels)
    for suffix in ("png", "tiff", "webp", "jpeg"):
        path = tmp_path / f"photo.{suffix}"
        image.save(path, exif=exif, lossless=True)
        with Image.open(path) as stored:
            upright = np.asarray(ImageOps.exif_transpose(stored).convert("RGB"))
            again = load_image(stored)
        found = load_image(path)
        assert np.abs(found.numpy().transpose(1, 2, 0) * 255 - upright).max() <= 1
        large = LargePhoto(path)
        assert large.shape == found.shape == again.shape
        assert (large.shrunk(12) / 255 - found).abs().max() <= 0.51 / 255
        assert (large.shrunk(6) / 255 - resize(found, *large.shrunk(6).shape[1:])).abs().max() <= 0.51 / 255


@pytest.mark.parametrize("deep", [False, True])
def test_jpeg_xl(tmp_path, monkeypatch, deep):
    jxl = pytest.importorskip("pyjpegxl", reason="needs Python 3.11")
    numbers, values = whole(colors(3), 16 if deep else 8)
    stored = numbers.astype(np.uint16 if deep else np.uint8)
    path = tmp_path / "photo.jxl"
    path.write_bytes(jxl.encode_from_numpy(stored, lossless=True, icc=profile(*SPACES["p3"])))
    found = load_image(path).numpy().transpose(1, 2, 0)
    assert np.abs(found - shown(values, SPACES["p3"])).max() <= 2 / 255
    clear = np.dstack([stored, np.zeros_like(stored[..., 0])])
    path.write_bytes(jxl.encode_from_numpy(clear, lossless=True))
    assert load_image(path, background="#ff0000")[0].min() == 1
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="damaged or truncated"):
        load_image(path)
    monkeypatch.setattr(decoding, "MAX_PIXELS", stored[..., 0].size - 1)
    path.write_bytes(jxl.encode_from_numpy(stored))
    with pytest.raises(ValueError, match="million pixels: shrink it first"):
        load_image(path)
    monkeypatch.setattr(decoding.jxl, "available", lambda: False)
    with pytest.raises(ValueError, match=r"needs pyjpegxl, and Python 3.11 or newer: pip install .neuralpaint\[jxl\]"):
        load_image(path)


def test_jpeg_xl_for_hdr_screens_is_refused(tmp_path):
    jxl = pytest.importorskip("pyjpegxl", reason="needs Python 3.11")
    path = tmp_path / "photo.jxl"
    path.write_bytes(jxl.encode_from_numpy(np.zeros((8, 8, 3), np.uint16), intensity_target=1000.0))
    with pytest.raises(ValueError, match="is an HDR picture .*1000 nits.*: convert it to sRGB first"):
        load_image(path)


def test_heic(tmp_path, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    numbers, values = whole(colors(3), 8)
    image, exif, file = heif.from_pillow(Image.fromarray(numbers.astype(np.uint8))), Image.Exif(), io.BytesIO()
    exif[274] = 6
    image.save(file, quality=100, chroma=444, icc_profile=profile(*SPACES["p3"]), exif=exif.tobytes())
    path = tmp_path / "photo.heic"
    path.write_bytes(file.getvalue())
    found = np.rot90(load_image(path).numpy().transpose(1, 2, 0))
    assert np.abs(found - shown(values, SPACES["p3"])).max() <= 3 / 255
    assert "HEIF" not in Image.OPEN  # what Pillow reads for others has not changed
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ValueError, match=r"needs pillow-heif: pip install .neuralpaint\[heif\]"):
        load_image(path)
