"""Vector pictures from SVG files and to them."""

import math

import pytest
import torch

from neuralpaint.ops import PathLayout
from neuralpaint.utils.loading import BadFile
from neuralpaint.vector import UnsupportedSVG, VectorImage, read_svg, write_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" viewBox="0 0 80 40">'


@pytest.fixture
def read(tmp_path):
    """Reads a file of these elements."""

    def make(body, head=HEAD, **options):
        path = tmp_path / "drawing.svg"
        path.write_text(body if body.startswith(("<?xml", "<!")) else f"{head}{body}</svg>")
        return read_svg(path, **options)

    return make


def test_shapes_are_drawn_where_svg_says(read):
    image = read(
        '<style>.a{fill:#f00;fill-opacity:.5}</style><g transform="translate(10,4) scale(2)">'
        '<rect class="a" x="1" y="2" width="4" height="5"/></g>'
        '<defs><circle id="dot" r="6" fill="blue"/></defs><use href="#dot" x="60" y="20"/>'
        '<path d="M40 10h8v8h-8zM42 12h4v4h-4z" fill-rule="evenodd"/>'
        '<polyline points="30,2 30,30" style="fill:none;stroke:lime;stroke-width:4;stroke-linecap:square"/>'
    )
    assert (image.width, image.height, image.layout.num_paths) == (40, 20, 4)
    shown = image.render()
    pixels = {
        (7, 6): (1, 0.5, 0.5),
        (30, 10): (0, 0, 1),
        (20, 7): (0, 0, 0),
        (21, 6): (1, 1, 1),  # the hole
        (15, 15): (0, 1, 0),
        (2, 2): (1, 1, 1),
    }
    for (x, y), color in pixels.items():
        assert shown[:, y, x].tolist() == pytest.approx(color, abs=5e-3), (x, y)
    assert float(1 - shown[0, :, 25:].mean()) * 15 * 20 == pytest.approx(math.pi * 9, rel=5e-3)


def test_a_picture_survives_the_way_to_svg_and_back(tmp_path):
    generator = torch.Generator().manual_seed(0)
    layout = PathLayout.of(
        [3, 1, 2], contours=[1, 2], closed=[True, False, True], fill_rule=["nonzero", "evenodd"], cap="round",
        join=["round", "bevel"],
    )  # fmt: skip
    points = torch.rand(6, 4, 2, generator=generator) * torch.tensor([30.0, 20.0])
    points[1:3, 0] = points[0:2, 3]
    points[5, 0] = points[4, 3]
    paint = torch.rand(2, 2, 4, generator=generator)
    image = VectorImage(30, 20, (1, 0.8, 0.6), points, layout, paint[0], paint[1], torch.tensor([1.5, 0.7]))
    path = tmp_path / "there.svg"
    write_svg(image, path, decimals=4)
    back = read_svg(path)
    assert back.layout.num_paths == 3  # and the background's
    torch.testing.assert_close(back.render(80), image.render(80), rtol=0, atol=1e-2)
    first = path.read_bytes()
    write_svg(image, path, decimals=4)
    assert path.read_bytes() == first


def test_the_miter_limit_is_that_of_the_file(read, tmp_path):
    sharp = '<polyline points="10,30 40,20 10,10" fill="none" stroke="black" stroke-width="6" stroke-miterlimit="{}"/>'
    cut, pointed = (read(sharp.format(limit)) for limit in (1, 10))
    assert (cut.layout.miter_limits.tolist(), pointed.layout.miter_limits.tolist()) == ([1], [10])
    assert cut.render(160)[0, 80, 185] == 1 and pointed.render(160)[0, 80, 185] == 0  # (46, 20)
    both = read(sharp.format(1) + sharp.format(10))
    write_svg(both, tmp_path / "again.svg")
    assert read_svg(tmp_path / "again.svg").layout.miter_limits.tolist()[1:] == both.layout.miter_limits.tolist()
    assert both.layout.miter_limits.tolist() == [1, 10]
    with pytest.raises(BadFile, match="miter limit"):
        read(sharp.format(0.5))


@pytest.mark.parametrize("size", [10, 64])
def test_any_size_shows_the_same_picture(read, size):
    image = read('<circle cx="40" cy="20" r="16" fill="none" stroke="black" stroke-width="6"/>')
    shown = image.render(size)
    assert shown.shape == (3, size, 2 * size)
    assert float(1 - shown.mean()) == pytest.approx(2 * math.pi * 16 * 6 / (80 * 40), rel=1e-2)


UNSUPPORTED = {
    '<text x="1" y="2">word</text>': "text",
    '<image href="file:///etc/passwd" width="5" height="5"/>': "pictures",
    '<pattern id="g"/><rect width="5" height="5" fill="url(#g)"/>': "patterns",
    '<style>.a{fill:url(#g)}</style><pattern id="g"/><rect class="a" width="5" height="5"/>': "patterns",
    '<radialGradient id="g" fr=".1"/><rect width="5" height="5" fill="url(#g)"/>': "gradients that begin at a circle",
    '<mask id="m"><rect width="80" height="40"/></mask><rect mask="url(#m)" width="5" height="5"/>': "masks",
    '<rect width="5" height="5" style="clip-path:url(#c)"/>': "clipping",
    '<style>rect{filter:blur(2px)}</style><rect width="5" height="5"/>': "filters",
    '<path d="M0 0L5 5" stroke="red" stroke-dasharray="2 1"/>': "dashes",
    '<rect width="5" height="5"><animate attributeName="x" to="3" dur="1s"/></rect>': "animation",
    "<style>@import url(http://example.org/a.css);</style>": "style sheets of other files",
}


@pytest.mark.parametrize("body", UNSUPPORTED)
def test_what_is_not_drawn_is_named(read, body):
    with pytest.raises(UnsupportedSVG, match=f"drawing.svg has features that are not drawn: {UNSUPPORTED[body]}"):
        read(body)
    assert read(body + '<rect width="80" height="40"/>', skip_unsupported=True).render()[0, -1, -1] == 0


BAD = {
    "not XML": "<!-- nothing",
    "another root": "<!-- --><html></html>",
    "entities": '<!DOCTYPE svg [<!ENTITY a "x">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
    "an external entity": '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>',
    "no size": '<!-- --><svg xmlns="http://www.w3.org/2000/svg" width="0" height="3"><rect width="3"/></svg>',
    "a huge size": '<!-- --><svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="3"></svg>',
    "a use of itself": f'<!-- -->{HEAD}<g id="a"><use href="#a"/></g></svg>',
    "a use of another file": f'<!-- -->{HEAD}<use href="other.svg#a"/></svg>',
    "a coordinate that is none": f'<!-- -->{HEAD}<path d="M0 0L1e999 5L3 3Z"/></svg>',
    "a billion laughs": f'<!-- -->{HEAD}<rect id="a0" width="1" height="1"/>'
    + "".join(f'<g id="a{k + 1}">{f"<use href={chr(34)}#a{k}{chr(34)}/>" * 10}</g>' for k in range(9))
    + "</svg>",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_line(read, name):
    with pytest.raises(BadFile, match="drawing.svg is not an SVG file that can be read") as found:
        read(BAD[name], skip_unsupported=True)
    assert "\n" not in str(found.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadFile, match="none.svg cannot be read: it does not exist"):
        read_svg(tmp_path / "none.svg")


@pytest.mark.parametrize(
    ("more", "name"), [({"gradients": [("linear", "pad", 2)]}, "stops"), ({"groups": [(0, 1)]}, "group_opacity")]
)
def test_pictures_need_what_their_layout_has(more, name):
    with pytest.raises(ValueError, match=f"{name} must have one row for each"):
        VectorImage(9.0, 9.0, (1.0, 1.0, 1.0), torch.zeros(3, 4, 2), PathLayout.of([3], **more), torch.zeros(1, 4))
