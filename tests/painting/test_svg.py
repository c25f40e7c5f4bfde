"""SVG and PDF of paintings: looks, hostile text, sizes, editing, many strokes."""

import gzip
import io
import json
import tracemalloc
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint.brushes import TexturedBrush, get_brush
from neuralpaint.brushes.engine import engine_brush
from neuralpaint.painting.exporters.pdf import write_pdf
from neuralpaint.painting.exporters.svg import SvgSettings, write_svg
from neuralpaint.painting.painting import Painting
from neuralpaint.utils.files import WriteError

NAMES = ["oil", "watercolor", "marker", "tape", "pixel", "round", "flat"]
SVG = "{http://www.w3.org/2000/svg}"
SIMPLE = SvgSettings(style="simple")


def painting(name="tape", n=60, aspect=(1.0, 1.25), size=160, seed=0, length=0.35, **more):
    brush = get_brush(name)
    strokes = brush.sample(n, torch.Generator().manual_seed(seed))
    strokes[:, list(brush.x_positions)] *= aspect[1]
    strokes[:, list(brush.y_positions)] *= aspect[0]
    strokes[:, list(brush.sizes)] = 0.1 + length * strokes[:, list(brush.sizes)]
    if "x2" in brush.parameters:  # strokes across the whole canvas are unlike those of a painting
        way = length * (2 * torch.rand(n, 2, generator=torch.Generator().manual_seed(seed + 1)) - 1)
        strokes[:, [brush.parameters.index(name) for name in ("x2", "y2")]] = strokes[:, 0:2] + way
    return Painting(strokes, brush, aspect, size=size, **more)


def written(painting, tmp_path, settings=None):
    path = tmp_path / "painting.svg"
    assert write_svg(painting, path, settings) == path.stat().st_size
    return path


def parsed(painting, tmp_path, settings=None):
    return ElementTree.parse(written(painting, tmp_path, settings)).getroot()


def strokes_of(root):
    return [element for layer in root.findall(f"{SVG}g") for element in layer]


def drawn(path):
    """RGB `[H, W, 3]` of an SVG file, by a program that is not ours."""
    cairosvg = pytest.importorskip("cairosvg", exc_type=(ImportError, OSError))
    return np.asarray(Image.open(io.BytesIO(cairosvg.svg2png(url=str(path)))).convert("RGB")).astype(float)


def decibels(found, painting):
    return -10 * np.log10(np.square((found - np.asarray(painting.render())) / 255).mean())


# ---- looks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, least",
    [("tape", 45), ("pixel", 45), ("marker", 38), ("watercolor", 32), ("oil", 28), ("round", 26), ("flat", 26)],
)
def test_another_program_draws_what_we_render(name, least, tmp_path):
    p = painting(name, background=(0.9, 0.8, 0.3))
    assert decibels(drawn(written(p, tmp_path)), p) >= least


@pytest.mark.parametrize("name", NAMES)
def test_simple_strokes_look_alike_from_afar(name, tmp_path):
    p = painting(name)
    found = drawn(written(p, tmp_path, SIMPLE))
    blank = decibels(np.full_like(found, 255.0), p)
    assert decibels(found, p) > blank + 8


def test_a_texture_of_ones_own_is_drawn(tmp_path):
    y, x = np.mgrid[-1:1:64j, -1:1:128j]
    picture = np.where(x**2 + y**2 < 0.8, 255, 0).astype(np.uint8)
    brush = TexturedBrush.from_image(picture, "blob <&>")
    p = Painting(painting("oil").strokes, brush, (1.0, 1.25), size=160)
    assert decibels(drawn(written(p, tmp_path)), p) >= 28


def test_thin_paint_is_traced_in_steps(tmp_path):
    picture = np.tile(np.linspace(0, 255, 128).astype(np.uint8), (64, 1))
    p = Painting(painting("oil", 20).strokes, TexturedBrush.from_image(picture, "thin"), (1.0, 1.25), size=160)
    assert decibels(drawn(written(p, tmp_path)), p) >= 28


@pytest.mark.parametrize("name", ["oil", "round", "flat"])
def test_translucent_stamps_stay_translucent(name, tmp_path):
    p = painting(name, 8)
    strokes = p.strokes.clone()
    strokes[:, -1] = 0.4
    p = Painting(strokes, p.brush, p.aspect, size=160)
    assert decibels(drawn(written(p, tmp_path)), p) >= 32


@pytest.mark.parametrize("name", NAMES)
def test_strokes_that_are_hardly_there(name, tmp_path):
    p = painting(name, 12)
    strokes = p.strokes.clone()
    strokes[:4, list(p.brush.sizes)] = 0.0
    strokes[4:8, list(p.brush.x_positions)[-1]] = strokes[4:8, list(p.brush.x_positions)[0]]
    strokes[4:8, list(p.brush.y_positions)[-1]] = strokes[4:8, list(p.brush.y_positions)[0]]
    strokes[8:, -1] = 0.0
    p = Painting(strokes, p.brush, p.aspect, size=160)
    for settings, least in ((None, 28), (SIMPLE, 15)):
        path = written(p, tmp_path, settings)
        assert "nan" not in path.read_text() and "inf" not in path.read_text().replace("info", "")
        assert decibels(drawn(path), p) >= least
        assert len(strokes_of(ElementTree.parse(path).getroot())) == 12


def test_discs_within_one_another(tmp_path):
    """Watercolor whose radius changes faster than its place: at an end, in the middle, everywhere."""
    strokes = torch.tensor(
        [
            # x0 y0 x1 y1 x2 y2 ρ0 ρ2
            [0.2, 0.3, 0.5, 0.5, 0.25, 0.3, 1.0, 0.2],
            [0.5, 0.2, 1.0, 0.0, 0.8, 0.4, 0.3, 0.7],
            [0.8, 0.7, 1.0, 1.0, 0.6, 0.6, 0.2, 0.9],
            [0.3, 0.8, 0.0, 0.0, 0.5, 0.7, 0.8, 0.1],
            [0.1, 0.6, 0.99, 0.01, 0.3, 0.62, 0.1, 0.5],
        ]
    )
    colors = torch.tensor([[0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 1.0]]).expand(5, 7)
    p = Painting(torch.cat([strokes, colors], 1), "watercolor", size=200)
    assert decibels(drawn(written(p, tmp_path)), p) >= 42
    assert decibels(drawn(written(p, tmp_path, SIMPLE)), p) >= 28


# ---- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("settings", [None, SIMPLE], ids=["exact", "simple"])
def test_an_element_a_stroke_in_order(name, settings, tmp_path):
    p = painting(name, 9, metadata={"seed": 3})
    root = parsed(p, tmp_path, settings)
    assert root.tag == f"{SVG}svg" and root.get("viewBox") == "0 0 200 160"
    assert root.find(f"{SVG}title").text == f"Painting of 9 {name} strokes"
    facts = json.loads(root.find(f"{SVG}metadata").text)
    assert facts["brush"] == name and facts["strokes"] == 9 and facts["metadata"] == {"seed": 3}
    elements = strokes_of(root)
    assert len(elements) == 9
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    used = [value[5:-1] for e in root.iter() for value in e.attrib.values() if value.startswith("url(")]
    used += [e.get("{http://www.w3.org/1999/xlink}href")[1:] for e in root.iter(f"{SVG}use")]
    assert set(used) <= set(ids)
    if settings:
        assert all(element.tag == f"{SVG}path" and element.get("fill")[0] == "#" for element in elements)
        assert root.find(f"{SVG}defs") is None


@pytest.mark.parametrize(
    "levels, expected",
    [([2, 3, 4], [2, 3, 4]), ([2, 3], [9]), ([9, 0], [9]), ([-1, 10], [9]), ([4.5, 4.5], [9]), ("999", [9]), (9, [9])],
)
@pytest.mark.parametrize("settings", [None, SIMPLE], ids=["exact", "simple"])
def test_levels_of_the_search_are_layers(levels, expected, settings, tmp_path):
    p = painting("watercolor", 9)
    alone = strokes_of(parsed(p, tmp_path, settings))
    p = Painting(p.strokes, p.brush, p.aspect, size=160, metadata={"levels": levels})
    root = parsed(p, tmp_path, settings)
    assert [len(layer) for layer in root.findall(f"{SVG}g")] == expected
    assert [element.attrib for element in strokes_of(root)] == [element.attrib for element in alone]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_painting_gives_the_same_bytes(name, tmp_path):
    first = written(painting(name, 5), tmp_path).read_bytes()
    assert written(painting(name, 5), tmp_path).read_bytes() == first


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", NAMES)
def test_a_painting_on_the_gpu_is_written_alike(name, tmp_path):
    p = painting(name, 20)
    first = written(p, tmp_path).read_bytes()
    assert written(p.to("cuda"), tmp_path).read_bytes() == first


@pytest.mark.parametrize(
    "aspect, size, mm, expected",
    [
        ((1.0, 1.5), 100, None, ("150", "100")),
        ((1.0, 1.5), 100, 200, ("300mm", "200mm")),
        ((2.0, 1.0), 100, 29.7, ("29.7mm", "59.4mm")),
        ((1.0, 1.333), 3, 10, ("13.3333mm", "10mm")),
    ],
)
def test_sizes(aspect, size, mm, expected, tmp_path):
    root = parsed(painting(aspect=aspect, size=size), tmp_path, SvgSettings(size_mm=mm))
    assert (root.get("width"), root.get("height")) == expected


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"style": "fancy"}, "unknown style 'fancy': choose from exact, simple"),
        ({"size_mm": 0}, "size_mm must be a finite number above 0"),
        ({"size_mm": float("nan")}, "size_mm must be a finite number above 0"),
        ({"size_mm": 1e9}, "size_mm must be at most"),
        ({"size_mm": "big"}, "size_mm must be a number"),
        ({"size_mm": True}, "size_mm must be a number"),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        SvgSettings(**wrong)


HOSTILE = [
    "]]>", "<script>alert(1)</script>", '"><rect/>', "&lt;&#0;&", "-->", "<!DOCTYPE x>",
    "a\x00b\x01\x1b\x7f\x85", "\ud800 \udfff \ufffe", "\r\n\t", "\u202e\U0001f58c",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text, tmp_path):
    texels = np.full((8, 16), 255, np.uint8)
    brush = TexturedBrush(name=text, alpha=texels, ridge=texels // 2)
    p = Painting(painting("oil", 3).strokes, brush, size=50, metadata={text: [text, {"nested": text}]})
    root = parsed(p, tmp_path)
    assert json.loads(root.find(f"{SVG}metadata").text)["metadata"] == {text: [text, {"nested": text}]}
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "metadata", "defs", "g", "use", "path", "rect", "linearGradient", "stop"}
    assert len(list(root.iter(f"{SVG}rect"))) == 1


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}, b"bytes"])
def test_metadata_that_is_no_json_is_refused(value, tmp_path):
    with pytest.raises(ValueError, match="metadata must be JSON-serializable"):
        write_svg(painting(n=2, metadata={"x": value}), tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())


def test_an_engines_brush_is_refused(tmp_path):
    brush = engine_brush("mine", "box", ("xc", "yc", "w", "h", "theta", "r", "g", "b", "a"))
    p = Painting(painting(n=3).strokes, brush)
    for write, name in ((write_svg, "a.svg"), (write_pdf, "a.pdf")):
        with pytest.raises(ValueError, match="'mine' is drawn by an engine"):
            write(p, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(WriteError, match="its folder does not exist"):
        write_svg(painting(n=2), tmp_path / "none" / "a.svg")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("settings", [None, SIMPLE], ids=["exact", "simple"])
def test_no_strokes(name, settings, tmp_path):
    p = Painting(torch.zeros(0, get_brush(name).num_parameters), name, size=20, background="#123456")
    path = written(p, tmp_path, settings)
    assert not strokes_of(ElementTree.parse(path).getroot())
    np.testing.assert_array_equal(drawn(path), np.asarray(p.render()))


@pytest.mark.parametrize("aspect", [(1.0, 16.0), (16.0, 1.0)])
def test_long_canvases(aspect, tmp_path):
    p = painting(n=60, aspect=aspect, size=24)
    assert decibels(drawn(written(p, tmp_path)), p) >= 38


def test_coordinates_are_fine_whatever_the_size(tmp_path):
    """A small painting may be printed large, so the SVG does not round to its pixels."""
    p = painting("marker", size=8)
    large = ElementTree.parse(written(p, tmp_path)).getroot()
    large.set("width", "400")
    large.set("height", "320")
    path = tmp_path / "large.svg"
    ElementTree.ElementTree(large).write(path)
    assert -10 * np.log10(np.square((drawn(path) - np.asarray(p.render(320))) / 255).mean()) >= 38


# ---- other programs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tape", "marker", "watercolor", "oil", "round", "flat"])
def test_strokes_can_be_edited(name, tmp_path):
    """Each stroke of the simple style is one path, within the bounds of the stroke."""
    svgpathtools = pytest.importorskip("svgpathtools")
    p = painting(name, 12)
    paths, attributes = svgpathtools.svg2paths(str(written(p, tmp_path, SIMPLE)), convert_rectangles_to_paths=False)
    assert len(paths) == 12
    bounds = p.brush.bounds(p.strokes) * 160
    for path, (x0, y0, x1, y1) in zip(paths, bounds.tolist(), strict=True):
        left, right, top, bottom = path.bbox()
        assert path.isclosed() and left >= x0 - 1 and right <= x1 + 1 and top >= y0 - 1 and bottom <= y1 + 1
    moved = [path.translated(10) for path in paths]
    svgpathtools.wsvg(moved, attributes=attributes, filename=str(tmp_path / "moved.svg"), dimensions=(200, 160))
    again, _ = svgpathtools.svg2paths(str(tmp_path / "moved.svg"))
    assert again[3].bbox()[0] == pytest.approx(paths[3].bbox()[0] + 10, abs=1e-2)


def test_svgz_is_the_svg_compressed(tmp_path):
    p = painting("marker", 30)
    path = tmp_path / "a.svgz"
    assert write_svg(p, path) == path.stat().st_size
    plain = written(p, tmp_path).read_bytes()
    assert gzip.decompress(path.read_bytes()) == plain and path.stat().st_size < 0.6 * len(plain)
    first = path.read_bytes()
    write_svg(p, path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("name", ["watercolor", "tape"])
def test_pdf(name, tmp_path):
    pytest.importorskip("cairosvg", exc_type=(ImportError, OSError))
    path = tmp_path / "a.pdf"
    assert write_pdf(painting(name, 10), path, SvgSettings(size_mm=100)) == path.stat().st_size
    data = path.read_bytes()
    assert data.startswith(b"%PDF-") and b"/Subtype /Image" not in data
    box = data[data.index(b"/MediaBox [") + 11 :].split(b"]")[0].split()
    assert [float(side) / 72 * 25.4 for side in box[2:]] == pytest.approx([125, 100], abs=0.01)
    write_pdf(painting(name, 10), path, SvgSettings(size_mm=100))
    assert path.read_bytes() == data


@pytest.mark.parametrize("error, message", [(ImportError, r"neuralpaint\[svg\]"), (OSError, "libcairo2")])
def test_pdf_without_cairo(error, message, tmp_path, monkeypatch):
    import builtins

    original = builtins.__import__

    def without(name, *arguments, **more):
        if name.startswith("cairo"):
            raise error(name)
        return original(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=message):
        write_pdf(painting(n=2), tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())


def test_many_strokes_take_little_memory(tmp_path):
    p = painting("tape", 4_000, length=0.02)
    path = tmp_path / "many.svg"
    tracemalloc.start()
    size = write_svg(p, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == path.stat().st_size and 2e5 < size < 6e5
    assert peak < p.strokes.nbytes * 3 + 6e5  # strokes in float64, and a batch
    with open(path, "rb") as file:
        assert sum(line.startswith(b"<path") for line in file) == 4_000
