"""Where detail matters in a photo, and which way strokes run there."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint.guides.complexity import strokes_needed
from neuralpaint.guides.detail import detail_of_mask, read_mask
from neuralpaint.guides.faces import can_find_faces, find_faces
from neuralpaint.guides.guide import Guide, make_guide
from neuralpaint.guides.saliency import saliency
from neuralpaint.guides.tangents import tangent_field
from neuralpaint.images.io import load_image
from neuralpaint.images.resample import resize

PHOTOS = Path(__file__).parents[2] / "examples/photos"
needs_weights = pytest.mark.skipif(not can_find_faces(), reason="needs facenet-pytorch's weights")


def spot(height=60, width=90, x=60, y=20, radius=9):
    """A red disc on grey: the photo and where the disc is."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    inside = (rows - y).square() + (columns - x).square() < radius**2
    photo = torch.full((3, height, width), 0.5)
    photo[:, inside] = torch.tensor([0.9, 0.1, 0.1])[:, None]
    return photo, inside


def test_what_differs_stands_out():
    photo, inside = spot()
    found = saliency(photo)
    assert found.shape == (60, 90) and 0 <= found.min() and found.max() <= 1
    assert found[inside].mean() > 3 * found[~inside].mean()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (7, 3)])
def test_tiny_and_flat_photos(shape):
    guide = make_guide(torch.full((3, *shape), 0.3))
    assert all(part.isfinite().all() for part in guide.maps) and guide.detail.min() > 0
    assert 100 <= strokes_needed(torch.full((3, *shape), 0.3), guide) <= 5000


@pytest.mark.parametrize("degrees", [0, 30, 90, 135])
def test_tangents_run_along_stripes(degrees):
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    angle = math.radians(degrees)
    across = x * math.sin(angle) + y * math.cos(angle)  # y points down, angles are counter-clockwise as seen
    field = tangent_field((0.5 + 0.5 * torch.sin(across / 3)).expand(3, -1, -1))
    found = field[:, 20:76, 20:76].flatten(1).mean(1)
    assert torch.allclose(found, torch.tensor([math.cos(2 * angle), math.sin(2 * angle)]), atol=0.1)


def test_tangents_spread_into_flat_places():
    photo = torch.full((3, 128, 128), 0.2)
    photo[:, 60:] = 0.8  # one edge, from left to right
    field = tangent_field(photo)
    assert field[0, 30].mean() > 0.5  # far from it strokes still run along it


@needs_weights
def test_the_face_of_a_portrait_is_found():
    photo = load_image(PHOTOS / "astronaut.jpg")
    (face,) = find_faces(photo)
    left, top, right, bottom = face.box
    assert 0.3 < left < 0.4 < 0.47 < right < 0.56 and 0.05 < top < 0.18 < 0.28 < bottom < 0.4
    (left_eye, right_eye, _, *mouth) = face.points
    assert left_eye[0] < right_eye[0] and all(point[1] > left_eye[1] for point in mouth)
    guide = make_guide(photo)
    at = [round(value * side) for value, side in zip(left_eye, (256, 256), strict=True)]
    assert guide.faces == (face.box,) and guide.detail[at[1], at[0]] > 4 * guide.detail.median()
    again = find_faces((photo * 255).round().byte())
    assert [pytest.approx(face.box, abs=0.01)] == [other.box for other in again]


@needs_weights
@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 12, 900), (3, 40, 40)])
def test_no_faces_in_what_shows_none(shape):
    assert find_faces(torch.rand(shape, generator=torch.Generator().manual_seed(0))) == []


def test_without_weights_there_are_no_faces(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not can_find_faces() and find_faces(load_image(PHOTOS / "astronaut.jpg")) == []


def test_masks_are_resized_and_of_mean_one():
    mask = torch.zeros(40, 20)
    mask[:10] = 1
    found = detail_of_mask(mask, 80, 70)
    assert found.shape == (80, 70) and found.mean() == pytest.approx(1, abs=1e-5)
    assert found[:15].min() > 5 * found[-15:].max() > 0


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((8, 8), np.uint8), "black throughout"),
        (np.full((8, 8, 3), (200, 30, 30), np.uint8), "has colours"),
        ("no-such-file.png", "no-such-file"),
    ],
)
def test_bad_masks_are_named(picture, message):
    with pytest.raises((ValueError, OSError), match=message):
        read_mask(picture if isinstance(picture, str) else Image.fromarray(picture))


def test_a_mask_of_another_shape_is_said_to_be_stretched():
    with pytest.warns(UserWarning, match="stretched"):
        read_mask(Image.new("L", (30, 10), 255), aspect=1.5)


def test_parts_of_a_canvas_see_their_part_of_the_map():
    detail = torch.rand(40, 60, generator=torch.Generator().manual_seed(1))
    guide = Guide(detail)
    whole = guide.weight(80, 120)
    part = guide.weight(20, 30, (0.25, 0.5, 0.5, 0.75))
    torch.testing.assert_close(part[0, 0], whole[0, 0, 40:60, 30:60])
    torch.testing.assert_close(whole[0], resize(detail[None], 80, 120), atol=0.2, rtol=0)


def test_large_photos_are_never_float_as_a_whole(monkeypatch):
    photo = (spot()[0] * 255).round().byte().repeat_interleave(8, 1).repeat_interleave(8, 2)
    expected = make_guide(photo.float() / 255)
    largest, convert = [], torch.Tensor.float

    def watched(tensor, *rest, **named):
        largest.append(tensor.numel())
        return convert(tensor, *rest, **named)

    monkeypatch.setattr(torch.Tensor, "float", watched)
    guide = make_guide(photo)
    assert max(largest) < photo.numel()  # bands of it
    for ours, theirs in zip(guide.maps, expected.maps, strict=True):
        torch.testing.assert_close(ours, theirs, atol=0.05, rtol=0.05)


def test_busier_photos_need_more_strokes():
    noise = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    calm = resize(noise[:, :4, :4], 64, 64)
    assert strokes_needed(calm) < strokes_needed(resize(noise[:, :24, :24], 64, 64)) <= strokes_needed(noise)
