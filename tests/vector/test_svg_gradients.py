"""Gradients and the opacity of groups in SVG files, beside CairoSVG and SVG's rules."""

import io

import pytest
import torch
from PIL import Image

from neuralpaint.images.io import load_image
from neuralpaint.images.metrics import psnr
from neuralpaint.utils.loading import BadFile
from neuralpaint.vector import read_svg, write_svg

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'width="120" height="80" viewBox="0 0 120 80">'
)
STOPS = (
    '<stop offset="0" stop-color="#f40"/><stop offset=".5" stop-color="#fe0" stop-opacity=".6"/>'
    '<stop offset="100%" style="stop-color:#04c"/>'
)
USER = 'gradientUnits="userSpaceOnUse"'
WAVE = '<path d="M10 10C60 0 100 10 110 70Q50 80 10 10Z" fill="url(#g)"/>'
BOX = '<rect x="10" y="10" width="90" height="50" fill="url(#g)"/>'


def linear(attributes="", stops=STOPS):
    return f'<linearGradient id="g" {attributes}>{stops}</linearGradient>'


def radial(attributes="", stops=STOPS):
    return f'<radialGradient id="g" {attributes}>{stops}</radialGradient>'


@pytest.fixture
def read(tmp_path):
    """Reads a file of these elements."""

    def make(body, head=HEAD, **options):
        path = tmp_path / "drawing.svg"
        path.write_text(f"{head}{body}</svg>")
        return read_svg(path, **options)

    return make


def at(image, x, y):
    """The colour in the middle of a pixel of a picture of 240 x 160."""
    return image.render(160)[:, 2 * y, 2 * x].tolist()


# Where CairoSVG follows SVG: not with href from one kind to the other, nor opacity of shapes with fill and stroke.
SHOWN = {
    "of the box": linear() + '<ellipse cx="60" cy="40" rx="50" ry="25" fill="url(#g)"/>',
    "turned": linear('x1="10%" y1="0" x2=".9" y2="1" gradientTransform="rotate(20 .5 .5)"')
    + '<rect x="10" y="5" width="100" height="40" fill="url(#g)" transform="rotate(10) scale(.8 1.1)"/>',
    "user space, reflected": linear(f'{USER} x1="30" y1="20" x2="50" y2="30" spreadMethod="reflect"') + WAVE,
    "user space, repeated": linear(f'{USER} x1="30" y1="20" x2="50" y2="30" spreadMethod="repeat"') + WAVE,
    "user space, shares": linear(f'{USER} x1="10%" y1="20%" x2="90%" y2="80%"') + BOX,
    "radial": radial() + BOX,
    "radial, focus": radial('fx=".3" fy=".4"') + '<circle cx="60" cy="40" r="35" fill="url(#g)"/>',
    "radial, turned": radial(
        f'{USER} cx="0" cy="0" r="20" gradientTransform="translate(60 40) rotate(30) scale(2 1)" spreadMethod="reflect"'
    )
    + BOX,
    "stroke": linear() + '<path d="M15 65C30 0 60 90 105 15" fill="none" stroke="url(#g)" stroke-width="12"/>',
    "opacity of a fill": linear() + BOX.replace("/>", ' fill-opacity=".5"/>'),
    "inherited paint": linear()
    + '<g fill="url(#g)"><rect width="50" height="30"/><circle cx="85" cy="50" r="25"/></g>',
    "falling offsets": linear(
        stops='<stop offset=".5" stop-color="red"/><stop offset=".2" stop-color="lime"/><stop offset="1"/>'
    )
    + BOX,
    "classes": "<style>.a{stop-color:red} #b, .c{stop-color:blue;stop-opacity:.3}</style>"
    + linear(stops='<stop class="a"/><stop id="b" offset="1"/>')
    + BOX,
    "group": '<g opacity=".5"><rect x="10" y="10" width="60" height="40" fill="red"/>'
    '<rect x="40" y="30" width="60" height="40" fill="blue"/></g>',
    "nested groups": '<g opacity=".6"><rect x="10" y="10" width="60" height="40" fill="red"/><g opacity=".5" '
    'transform="translate(5 5)"><rect x="40" y="30" width="60" height="40" fill="blue"/><circle cx="50" cy="40" r="20" '
    'fill="#0f0" opacity=".5"/></g></g>',
    "a viewBox": f'<svg viewBox="-10 -5 60 40">{linear(USER + " x2=" + chr(34) + "30" + chr(34))}{BOX}</svg>',
}


@pytest.mark.parametrize("name", SHOWN)
def test_pictures_are_those_of_cairosvg(read, name, tmp_path):
    cairosvg = pytest.importorskip("cairosvg")
    image = read(SHOWN[name])
    ours = image.render(240)
    data = cairosvg.svg2png(url=str(tmp_path / "drawing.svg"), output_width=360, background_color="white")
    theirs = load_image(Image.open(io.BytesIO(data)).convert("RGB"))
    assert float((1 - ours).amax()) > 0.4, "nothing is drawn"
    assert psnr(ours[None], theirs[None]) > 45
    write_svg(image, tmp_path / "again.svg", decimals=4)
    again = read_svg(tmp_path / "again.svg")
    assert psnr(again.render(240)[None], ours[None]) > 60
    assert again.layout.groups == tuple((first + 1, end + 1) for first, end in image.layout.groups)  # a background


def test_gradients_take_from_others_what_they_do_not_say(read):
    image = read(
        f'<linearGradient id="a" x2="0" y2="1" spreadMethod="reflect">{STOPS}</linearGradient>'
        '<linearGradient id="g" xlink:href="#a" y2=".25"/><radialGradient id="c" href="#g" r=".25"/>'
        + BOX
        + '<rect x="100" y="60" width="20" height="20" fill="url(#c)"/>'
    )
    assert image.layout.gradients.tolist() == [[0, 1, 3], [1, 1, 3]]
    same = read(linear('x2="0" y2=".25" spreadMethod="reflect"') + BOX)
    torch.testing.assert_close(image.gradient_maps[0], same.gradient_maps[0])
    assert torch.equal(image.stops[:3], same.stops)
    assert at(image, 110, 70) == pytest.approx([1, 4 / 15, 0], abs=0.15)  # its centre is the first stop


RED = BOX.replace("url(#g)", "red")
WHITE, GREEN = [1, 1, 1], [0, 128 / 255, 0]
LAST = [0, 0x44 / 255, 0xCC / 255]
RULES = {
    "one stop": (linear(stops='<stop stop-color="green" offset=".3"/>') + BOX, GREEN),
    "one stop, half opaque": (linear(stops='<stop stop-color="#f00" stop-opacity="50%"/>') + BOX, [1, 0.5, 0.5]),
    "no stops": (linear(stops="") + BOX, WHITE),
    "start and end the same": (linear('x1=".5" x2=".5"') + BOX, LAST),
    "no radius": (radial('r="0"') + BOX, LAST),
    "a box without width": (linear() + '<path d="M60 10V70" stroke="url(#g)" stroke-width="9"/>', WHITE),
    "a map without inverse": (linear('gradientTransform="scale(0 1)"') + BOX, WHITE),
    "no such gradient": (BOX, WHITE),
    "no such gradient, a colour": (BOX.replace("(#g)", "(#g) green"), GREEN),
    "an href to nothing": (linear('href="#none"', stops='<stop stop-color="green"/>') + BOX, GREEN),
    "the current colour": (linear('color="green"', stops='<stop stop-color="currentColor"/>') + BOX, GREEN),
    "a shape, filled and stroked": (
        '<rect x="20" y="20" width="80" height="40" fill="red" stroke="red" stroke-width="60" opacity=".5"/>',
        [1, 0.5, 0.5],
    ),
    "an invisible group": (f'<g opacity="0">{RED}</g>', WHITE),
    "groups of one shape": (f'<g opacity=".5"><g opacity="50%">{RED}</g></g>', [1, 0.75, 0.75]),
    "a focus outside": (radial('fx="2"', stops='<stop stop-color="green"/>' * 2) + BOX, GREEN),
}


@pytest.mark.parametrize("name", RULES)
def test_rules_of_svg(read, name):
    body, expected = RULES[name]
    assert at(read(body), 60, 40) == pytest.approx(expected, abs=2e-3)


def test_shapes_share_a_gradient_and_shapes_without_overlap_need_no_group(read):
    box = '<rect x="{}" width="9" height="9" fill="url(#g)" opacity=".5"/>'
    image = read(linear(f'{USER} x2="80"') + box.format(0) + box.format(20))
    assert len(image.layout.gradients) == 1 and image.layout.groups == ()
    assert image.fill[:, 3].tolist() == [0.5, 0.5]


def test_the_parts_of_a_picture_have_derivatives(read):
    image = read(linear() + f'<g opacity=".5">{BOX}{WAVE}</g>')
    leaves = [image.points, image.stops, image.gradient_maps, image.group_opacity]
    for leaf in leaves:
        leaf.requires_grad_()
    image.render(40).square().mean().backward()
    assert all(bool(leaf.grad.any()) for leaf in leaves)


HOSTILE = {
    "a gradient of itself": '<linearGradient id="g" href="#g"/>' + BOX,
    "gradients in a circle": '<linearGradient id="g" href="#h"/><radialGradient id="h" xlink:href="#g"/>' + BOX,
    "100,000 stops": linear(stops='<stop offset=".5"/>' * 100_000) + BOX,
    "a gradient of another file": linear('href="http://example.org/a.svg#g"') + BOX,
    "a paint of another file": BOX.replace("#g", "other.svg#g"),
    "too many groups": '<g opacity=".5"><path d="M0 0h9v9z"/><path d="M0 0h9v9z"/></g>' * 10_001,
    "too many stops together": linear(stops='<stop offset=".5"/>' * 1000)
    + "".join(f'<path d="M0 0h{k + 1}v9z" fill="url(#g)"/>' for k in range(1001)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_one_line(read, name):
    with pytest.raises(BadFile, match="drawing.svg is not an SVG file that can be read") as found:
        read(HOSTILE[name], skip_unsupported=True)
    assert "\n" not in str(found.value) and len(str(found.value)) < 300


def test_what_svg_cannot_say_is_not_written(read, tmp_path):
    image = read(linear() + BOX)
    image.gradient_maps.zero_()
    with pytest.raises(ValueError, match="gradient_maps must have a direction"):
        write_svg(image, tmp_path / "none.svg")
    assert not (tmp_path / "none.svg").exists()
