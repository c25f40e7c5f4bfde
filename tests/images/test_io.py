"""All supported kinds of input images, and all kinds of invalid ones."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageFile

from neuralpaint.images import decoding
from neuralpaint.images import io as images
from neuralpaint.images.io import load_grey, load_image, parse_color, save_image
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize
from neuralpaint.images.streaming import LargePhoto
from tests.images.files import png as make_png
from tests.images.files import tiff


def gradient(width=24, height=16):
    x = np.linspace(0, 255, width, dtype=np.uint8)[None].repeat(height, 0)
    y = np.linspace(255, 0, height, dtype=np.uint8)[:, None].repeat(width, 1)
    return np.stack([x, y, (x // 2 + y // 2)], axis=-1)


def picture():
    return Image.fromarray(gradient())


def as_array(tensor):
    return tensor.permute(1, 2, 0).numpy()


def save(tmp_path, image, name="photo.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def test_png_is_read_exactly(tmp_path):
    loaded = load_image(save(tmp_path, picture()))
    assert loaded.shape == (3, 16, 24) and loaded.dtype == torch.float32
    np.testing.assert_array_equal(as_array(loaded), gradient().astype(np.float32) / 255)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "La", "RGBa"]
)
def test_every_mode_gives_rgb(mode):
    if mode == "LAB":
        to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        image = ImageCms.applyTransform(picture(), to_lab)
    elif mode in ("La", "RGBa", "PA"):
        image = picture().convert({"La": "LA", "RGBa": "RGBA", "PA": "P"}[mode]).convert(mode)
    else:
        image = picture().convert(mode)
    loaded = load_image(image)
    assert loaded.shape == (3, 16, 24)
    assert 0 <= loaded.min() and loaded.max() <= 1
    grey = mode in ("1", "L", "LA", "La")
    truth = np.asarray(picture().convert("L").convert("RGB") if grey else picture(), dtype=np.float32) / 255
    limit = {"1": 1.0, "P": 0.25, "PA": 0.25, "LAB": 0.12, "HSV": 0.05, "YCbCr": 0.02}.get(mode, 0.005)
    assert np.abs(as_array(loaded) - truth).max() <= limit


def test_palette_file(tmp_path):
    path = save(tmp_path, picture().quantize(64))
    assert Image.open(path).mode == "P"
    assert np.abs(as_array(load_image(path)) - gradient() / 255).mean() < 0.05


def test_palette_with_a_transparent_colour(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    path = save(tmp_path, image, transparency=0)
    loaded = as_array(load_image(path, background="#00ff00"))
    np.testing.assert_array_equal(loaded[0], [[0, 1, 0], [0, 0, 1]])


def test_cmyk_jpeg(tmp_path):
    path = save(tmp_path, Image.new("RGB", (16, 16), (200, 40, 90)).convert("CMYK"), "photo.jpg", quality=98)
    assert Image.open(path).mode == "CMYK"
    assert np.abs(as_array(load_image(path)) * 255 - [200, 40, 90]).max() < 4


@pytest.mark.parametrize("name", ["grey.png", "grey.tif"])
def test_sixteen_bits_keep_their_scale(tmp_path, name):
    values = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    loaded = load_image(save(tmp_path, Image.fromarray(values), name))
    np.testing.assert_allclose(as_array(loaded)[..., 1], values / 65535, atol=1e-6)
    assert torch.equal(loaded[0], loaded[2])


def test_sixteen_bit_rgb_file(tmp_path):
    rows = b"".join(b"\0" + struct.pack(">6H", 65535, 32768, 0, 0, 16384, 65535) for _ in range(2))
    path = tmp_path / "rgb16.png"
    path.write_bytes(png(2, 2, rows, depth=16))
    np.testing.assert_allclose(as_array(load_image(path))[0], [[1, 0.5, 0], [0, 0.25, 1]], atol=1 / 255)


def test_wide_integers_and_floats():
    wide = Image.fromarray(np.array([[0, 2**31 - 1]], dtype=np.int32))
    np.testing.assert_allclose(as_array(load_image(wide))[0, :, 0], [0, 1])
    np.testing.assert_allclose(
        as_array(load_image(Image.fromarray(np.array([[0, 0.5]], np.float32))))[0, :, 0], [0, 0.5], atol=1e-5
    )
    np.testing.assert_allclose(
        as_array(load_image(Image.fromarray(np.array([[0, 51]], np.float32))))[0, :, 0], [0, 0.2], atol=1e-5
    )
    for bad in ([[0, np.nan]], [[-1, 0]], [[0, 1000]]):
        with pytest.raises(ValueError, match="out of range"):
            load_image(Image.fromarray(np.array(bad, np.float32)))


def test_alpha_shows_the_canvas(tmp_path):
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 51))
    path = save(tmp_path, image)
    np.testing.assert_allclose(as_array(load_image(path))[0], [[1, 1, 1], [1, 0.8, 0.8]], atol=1e-6)
    np.testing.assert_allclose(as_array(load_image(path, background="black"))[0], [[0, 0, 0], [0.2, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(
        as_array(load_image(path, background=(0, 0, 1)))[0], [[0, 0, 1], [0.2, 0, 0.8]], atol=1e-6
    )


@pytest.mark.parametrize("name", ["moving.gif", "moving.png", "moving.webp"])
def test_first_frame_of_an_animation(tmp_path, name):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "lime")]
    options = {"lossless": True} if name.endswith("webp") else {}
    path = save(tmp_path, frames[0], name, save_all=True, append_images=frames[1:], duration=50, **options)
    np.testing.assert_allclose(as_array(load_image(path))[4, 4], [1, 0, 0], atol=0.02)


def test_exif_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    path = save(tmp_path, picture(), "photo.png", exif=exif)
    np.testing.assert_array_equal(as_array(load_image(path)), np.rot90(gradient(), -1).astype(np.float32) / 255)


def test_damaged_exif_does_not_matter(tmp_path):
    path = save(tmp_path, picture(), "photo.png", exif=b"Exif\0\0MM\0*\0\0\xff\xff nonsense")
    assert load_image(path).shape == (3, 16, 24)


def test_colour_profile_becomes_srgb(tmp_path):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    wrong_space = save(tmp_path, picture(), "lab.png", icc_profile=lab.tobytes())
    broken = save(tmp_path, picture(), "broken.png", icc_profile=b"not a profile")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    same = save(tmp_path, picture(), "srgb.png", icc_profile=srgb.tobytes())
    for path in (wrong_space, broken, same):
        np.testing.assert_array_equal(as_array(load_image(path)), gradient().astype(np.float32) / 255)
    linear = save(tmp_path, Image.new("RGB", (4, 4), (55, 55, 55)), "linear.png", icc_profile=gamma_profile(1.0))
    assert as_array(load_image(linear)).mean() * 255 == pytest.approx(128, abs=2)


def gamma_profile(gamma):
    """A matrix profile with the primaries of sRGB but another name and tone curve."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data = data.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))
    for k in range(struct.unpack(">I", data[128:132])[0]):
        name, offset, _ = struct.unpack(">4sII", data[132 + 12 * k : 144 + 12 * k])
        if name in (b"rTRC", b"gTRC", b"bTRC"):  # a parametric curve of type 0, y = x^g, in 16.16 fixed point
            data[offset : offset + 16] = b"para" + bytes(8) + struct.pack(">I", round(gamma * 65536))
    return bytes(data)


def test_one_pixel_is_a_picture(tmp_path):
    assert load_image(save(tmp_path, Image.new("RGB", (1, 1), "red"))).flatten().tolist() == [1, 0, 0]


def test_one_by_five_thousand_is_too_long(tmp_path):
    path = save(tmp_path, Image.new("RGB", (1, 5000)))
    with pytest.raises(
        ValueError, match="1x5000 pixels: its longer side is more than 64 times the shorter; crop or pad"
    ):
        load_image(path)
    with pytest.raises(ValueError, match="^photo is 65x1"):
        load_image(torch.zeros(3, 1, 65), name="photo")
    assert load_image(torch.zeros(3, 1, 64)).shape == (3, 1, 64)


# ---- wrong files -----------------------------------------------------------------------------------------------------


def png(width, height, rows, depth=8, kind=2, interlaced=0):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def one_line(error):
    text = str(error.value)
    assert "\n" not in text and len(text) < 300
    return text


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_a_large_file_is_reduced_as_it_is_read(tmp_path, suffix):
    y, x = np.mgrid[:90, :140] / 140
    picture = Image.fromarray((255 * np.stack([x, y, (x - y) ** 2], -1)).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6 if suffix == ".jpg" else 1  # a quarter turn
    picture.save(tmp_path / f"photo{suffix}", exif=exif, quality=95)
    whole, small = load_image(tmp_path / f"photo{suffix}"), load_image(tmp_path / f"photo{suffix}", longest=56)
    assert small.shape == (3, *((56, 36) if suffix == ".jpg" else (36, 56)))
    assert (small - resize(whole, *small.shape[1:])).abs().max() < 0.03
    assert torch.equal(load_image(tmp_path / f"photo{suffix}", longest=140), whole)
    assert load_image(whole, longest=56).shape == small.shape  # nor are pictures in memory any larger


def test_transparent_pixels_leave_no_fringe_in_a_reduced_file(tmp_path):
    values = np.zeros((60, 60, 4), np.uint8)
    values[:, 30:] = (200, 40, 20, 255)
    values[:, :30, 1] = 255  # green that cannot be seen
    Image.fromarray(values).save(tmp_path / "cut.png")
    small = load_image(tmp_path / "cut.png", background="black", longest=25)
    assert small[1].max() < 0.2


def test_missing(tmp_path):
    with pytest.raises(ValueError, match="does not exist") as error:
        load_image(tmp_path / "nothing.jpg")
    assert "nothing.jpg" in one_line(error)


def test_folder(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        load_image(tmp_path)


def test_path_through_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="does not exist|cannot be read"):
        load_image(tmp_path / "file" / "photo.png")


def test_empty(tmp_path):
    (tmp_path / "empty.png").touch()
    with pytest.raises(ValueError, match="is an empty file"):
        load_image(tmp_path / "empty.png")


@pytest.mark.parametrize(
    "content", [b"hello, this is text", b"\0" * 100, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_not_an_image(tmp_path, content):
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(ValueError, match="is not an image") as error:
        load_image(str(tmp_path / "photo.jpg"))
    one_line(error)


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.webp", "photo.tif", "photo.gif", "photo.bmp"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_truncated(tmp_path, name, kept):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path, Image.fromarray(noise), name)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(ValueError, match="damaged or truncated|is not an image") as error:
        load_image(path)
    one_line(error)


def test_damaged_bytes_never_crash(tmp_path):
    random = np.random.default_rng(1)
    for name in ("photo.png", "photo.jpg", "photo.gif", "photo.tif"):
        whole = save(tmp_path, picture(), name).read_bytes()
        for _ in range(15):
            data = np.frombuffer(whole, np.uint8).copy()
            data[random.integers(0, len(data), 8)] = random.integers(0, 256, 8)
            (tmp_path / name).write_bytes(data.tobytes())
            try:
                load_image(tmp_path / name)
            except ValueError as error:
                assert "\n" not in str(error)


def test_decompression_bomb(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(60000, 60000, b"\0" * 1000))
    with pytest.raises(ValueError, match="more than 178 million pixels: shrink it"):
        load_image(path)
    path.write_bytes(png(2**31 - 1, 2**31 - 1, b""))
    with pytest.raises(ValueError, match="pixels|damaged"):
        load_image(path)


def test_a_small_file_never_takes_much_memory(tmp_path, monkeypatch):
    """A flat picture compresses well. It is refused before it is decoded where that would take over 1 GiB (here 20 MB),
    and read in bands where it can be."""
    assert (decoding.SMALL_FILE, decoding.SMALL_MEMORY) == (2 << 20, 1 << 30)
    monkeypatch.setattr(decoding, "SMALL_MEMORY", 20_000_000)
    flat = save(tmp_path, Image.new("1", (1300, 1300)), "flat.png")
    with pytest.raises(ValueError, match=r"flat.png has only 1M, but would take 26M of memory: shrink it first"):
        load_image(flat)
    assert LargePhoto(flat).shrunk(4).tolist() == torch.zeros(3, 4, 4).tolist()
    for name, data, need in (
        ("interlaced.png", png(1800, 1800, b"", depth=16, kind=6, interlaced=1), 25),
        (
            "one.tif",
            tiff(np.zeros((1, 1, 4), int), 2, 16).replace(*[struct.pack("<HHII", 257, 4, 1, n) for n in (1, 2700000)]),
            21,
        ),
        ("progressive.jpg", encoded("JPEG", size=(2000, 2000), progressive=True), 23),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=f"would take {need}M of memory"):
            LargePhoto(tmp_path / name)
    with pytest.raises(ValueError, match="would take 21M of memory"):  # read by Pillow
        load_image(save(tmp_path, Image.new("1", (1300, 1350)), "scan.pcx"))
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    monkeypatch.setattr(decoding, "SMALL_MEMORY", 2_000_000)
    assert load_image(save(tmp_path, Image.fromarray(noise), "large.png")).shape == (3, 900, 900)


def test_formats_that_the_host_has_registered_are_read(tmp_path, monkeypatch):
    class HostFile(ImageFile.ImageFile):
        format = "HOST"

        def _open(self):
            self._mode, self._size = "RGB", (2, 3)
            self.info["icc_profile"] = None

        def load(self):
            self.fp.seek(0)
            if self.fp.read() != b"HOST whole":
                raise RuntimeError("cut\nshort")
            self.tile, self.im = [], Image.new("RGB", (2, 3), "red").im
            return self.im.pixel_access(0)

    HostFile.__module__ = "host.plugin"
    path = tmp_path / "photo.host"
    path.write_bytes(b"HOST whole")
    with pytest.raises(ValueError, match="is not an image"):
        load_image(path)
    Image.init()
    for name in ("ID", "OPEN"):  # registered for this test only
        monkeypatch.setattr(Image, name, getattr(Image, name).copy())
    Image.register_open("HOST", HostFile, lambda prefix: prefix.startswith(b"HOST"))
    assert as_array(load_image(path)).tolist() == [[[1, 0, 0]] * 2] * 3
    path.write_bytes(b"HOST half")
    with pytest.raises(ValueError, match=r"photo.host is damaged or truncated \(cut short\)"):
        load_image(path)


def test_formats_for_which_pillow_runs_programs_are_not_read(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    with Image.open(path) as opened:
        assert opened.format == "EPS"
    with pytest.raises(ValueError, match="photo.png is not an image"):
        load_image(path)


def test_nothing_is_printed_whatever_a_file_holds(tmp_path, capfd):
    """libtiff, libpng and libvips have much to say on standard error."""
    data = {
        "odd.tif": tiff(np.zeros((16, 16, 3), int), 2, 8, icc=b"no profile"),
        "cut.tif": tiff(np.zeros((16, 16, 3), int), 2, 8)[:-40],
        "twelve.tif": tiff(np.zeros((16, 16, 1), int), 0, 12),
        "planar.tif": tiff(np.zeros((32, 32, 3), int), 2, 8, planar=True, tile=16),
        "cut.png": png(16, 16, bytes(49 * 16))[:-30],
        "odd.png": make_png(np.zeros((4, 4, 3), int), 2, 8, [(b"iCCP", b"a\0\0junk"), (b"gAMA", b"\0")]),
        "cut.jpg": encoded("JPEG")[:-20],
        "cut.webp": encoded("WEBP")[:-20],
        "cut.avif": encoded("AVIF")[:-20],
        "cut.gif": encoded("GIF")[:-20],
    }
    read = 0
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
        for reader in (load_image, lambda path: LargePhoto(path).shrunk(8)):
            try:
                reader(tmp_path / name)
                read += 1
            except ValueError as error:
                assert "\n" not in str(error) and name in str(error)
    assert 2 <= read < len(data) and capfd.readouterr() == ("", "")


def encoded(kind, size=(64, 64), **options):
    file = io.BytesIO()
    picture().resize(size).save(file, kind, **options)
    return file.getvalue()


def test_large_pictures_do_not_warn(tmp_path, recwarn, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    load_image(save(tmp_path, picture()))
    assert not recwarn.list


# ---- arrays and tensors ----------------------------------------------------------------------------------------------


def test_arrays():
    rgb = gradient()
    expected = rgb.astype(np.float32) / 255
    np.testing.assert_array_equal(as_array(load_image(rgb)), expected)
    np.testing.assert_allclose(as_array(load_image(rgb.astype(np.uint16) * 257)), expected, atol=1e-6)
    np.testing.assert_array_equal(as_array(load_image(expected.astype(np.float64))), expected)
    np.testing.assert_array_equal(as_array(load_image(rgb[:, ::-1, 0]))[..., 1], expected[:, ::-1, 0])
    half = np.concatenate([expected, np.full((16, 24, 1), 0.5, np.float32)], axis=-1)
    np.testing.assert_allclose(as_array(load_image(half)), expected / 2 + 0.5, atol=1e-6)


@pytest.mark.parametrize(
    "array, message",
    [
        (np.zeros((4, 4, 2), np.uint8), r"shape \(4, 4, 2\)"),
        (np.zeros((3,), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "shape"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
        (np.full((4, 4, 3), 1.5), "from 1.5 to 1.5"),
        (np.full((4, 4, 3), -0.1), "must be in"),
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.full((4, 4, 3), np.inf), "inf"),
    ],
)
def test_bad_arrays(array, message):
    with pytest.raises(ValueError, match=message) as error:
        load_image(array, name="photo")
    assert str(error.value).startswith("photo")


def test_tensors():
    image = torch.rand(3, 5, 7, requires_grad=True)
    assert torch.equal(load_image(image), image) and not load_image(image).requires_grad
    assert torch.equal(load_image(image.double()[None]), image)
    assert torch.equal(load_image((image.detach() * 255).to(torch.uint8)) * 255, (image.detach() * 255).floor())


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(2, 3, 4, 4),
        torch.zeros(4, 4, 3),
        torch.zeros(3, 0, 4),
        torch.zeros(3, 4, 4, dtype=torch.int64),
        torch.full((3, 4, 4), 2.0),
        torch.full((3, 4, 4), torch.nan),
    ],
)
def test_bad_tensors(tensor):
    with pytest.raises(ValueError, match="^image "):
        load_image(tensor)


@pytest.mark.parametrize("thing", [None, 3, [1, 2]])
def test_other_types(thing):
    with pytest.raises(TypeError, match="^image must be"):
        load_image(thing)


def test_grey():
    grey, alpha = load_grey(Image.new("RGBA", (3, 2), (255, 255, 255, 51)))
    np.testing.assert_allclose(grey, np.ones((2, 3)), atol=1e-6)
    np.testing.assert_allclose(alpha, np.full((2, 3), 0.2), atol=1e-6)
    assert load_grey(np.zeros((2, 3), np.uint8))[1] is None


# ---- helpers ---------------------------------------------------------------------------------------------------------


def test_resize_averages_areas():
    image = torch.rand(3, 8, 12)
    small = resize(image, 4, 6)
    torch.testing.assert_close(small[:, 0, 0], image[:, :2, :2].mean((1, 2)))
    assert resize(image, 8, 12) is not None and torch.equal(resize(image, 8, 12), image)
    assert resize(image, 20, 30).shape == (3, 20, 30)
    assert resize(image[None], 2, 3).shape == (1, 3, 2, 3)


def test_psnr():
    assert psnr(torch.zeros(3, 2, 2), torch.full((3, 2, 2), 0.1)) == pytest.approx(20, abs=1e-4)
    assert psnr(torch.ones(3, 2, 2), torch.ones(3, 2, 2)) == float("inf")


def test_colours():
    assert parse_color("white") == (1, 1, 1)
    assert parse_color("#ff0000") == (1, 0, 0)
    assert parse_color([0.5, 0, 1]) == (0.5, 0, 1)
    for bad in ("whitish", "#12", (1, 2, 3), (0, 0)):
        with pytest.raises(ValueError, match="colour"):
            parse_color(bad)
    for bad in ("#ffffff00", "#fff0", "#112233ff", "rgba(1, 2, 3, 4)"):
        with pytest.raises(ValueError, match=r"has an alpha, but must be opaque: use #rrggbb"):
            parse_color(bad)


@pytest.mark.parametrize("suffix", images.OUTPUT_SUFFIXES)
def test_saving_is_reproducible(tmp_path, suffix):
    for name in ("a", "b"):
        save_image(picture(), tmp_path / (name + suffix.upper()))
    first = (tmp_path / ("a" + suffix.upper())).read_bytes()
    assert first == (tmp_path / ("b" + suffix.upper())).read_bytes()
    assert Image.open(io.BytesIO(first)).size == (24, 16)


def test_saving_refuses(tmp_path):
    with pytest.raises(ValueError, match="use one of .png"):
        save_image(picture(), tmp_path / "picture.xyz")
    with pytest.raises(ValueError, match="no suffix"):
        save_image(picture(), tmp_path / "picture")
    with pytest.raises(ValueError, match="do not fit in a .webp"):
        save_image(Image.new("RGB", (16384, 1)), tmp_path / "wide.webp")
    assert not list(tmp_path.iterdir())


def declared(width, height):
    """A PNG of a few bytes that declares a size."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (declared(12_000, 12_000), "has only .*, but would take 2198M of memory: shrink it first"),
        (declared(32, 1_100_000), "is 32x1100000 pixels: its longer side is more than 64 times the shorter"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n" + struct.pack(">I", 2**31 - 1) + b"jp2h" + bytes(40), "is damaged|is not"),
    ],
)
def test_declared_sizes_take_no_memory(tmp_path, data, message):
    (tmp_path / "photo.png").write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=rf"photo\.png {message}"):
            load_image(tmp_path / "photo.png")
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()


def test_a_picture_of_one_colour_is_read(tmp_path):
    """Its file is tiny for its pixels, and good."""
    path = save(tmp_path, Image.new("RGB", (3000, 2000), "teal"))
    assert path.stat().st_size < 40_000
    loaded = load_image(path)
    assert loaded.shape == (3, 2000, 3000)
    assert ((loaded * 255).round() == torch.tensor([0, 128, 128]).view(3, 1, 1)).all()
