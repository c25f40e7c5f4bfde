import dataclasses

import numpy as np
import pytest
import torch

import neuralpaint.painting.tiles as tiles
from neuralpaint.brushes import get_brush
from neuralpaint.painting import Painting
from neuralpaint.painting.finish import Finish
from neuralpaint.painting.relief import ground_texture
from neuralpaint.utils.loading import BadFile


def painting(brush="oil", count=20, finish=Finish()):  # noqa: B008 (frozen)
    strokes = get_brush(brush).sample(count, torch.Generator().manual_seed(1))
    return Painting(strokes, brush, aspect=(1.0, 1.25), background=(0.9, 0.9, 0.9), size=96, finish=finish)


def pixels(painted, size=None):
    return np.asarray(painted.render(size)).astype(int)


def test_relief_changes_the_light_and_not_the_colours():
    flat, lit = pixels(painting()), pixels(painting(finish=Finish(relief=1)))
    assert np.abs(flat - lit).mean() > 2
    assert np.abs(flat.mean((0, 1)) - lit.mean((0, 1))).max() < 4
    other = pixels(painting(finish=Finish(relief=1, light=315)))
    assert np.corrcoef((lit - flat).ravel(), (other - flat).ravel())[0, 1] < -0.5  # light and shadow change places


def test_more_relief_is_more_contrast():
    flat = pixels(painting())
    changes = [np.abs(pixels(painting(finish=Finish(relief=relief))) - flat).mean() for relief in (0, 0.3, 0.6, 1)]
    assert changes[0] == 0
    assert changes == sorted(changes)


def test_strokes_laid_over_others_have_a_lit_edge_on_the_side_of_the_light():
    tape = get_brush("tape")
    strokes = torch.tensor([[0.5, 0.5, 4, 4, 0, 0.5, 0.5, 0.5, 1.0], [0.5, 0.5, 1, 1, 0, 0.5, 0.5, 0.5, 1.0]])
    row = pixels(Painting(strokes, tape, size=96, finish=Finish(relief=1, light=180)))[48, :, 0]
    left, right = row[20:28], row[68:76]  # the edges lie at 24 and 72
    assert left.max() > 128 + 8 > 128 - 8 > right.min()
    assert (row[40:56] == row[48]).all()


@pytest.mark.parametrize("ground", ["none", "canvas", "paper"])
def test_tiles_give_the_same_picture(monkeypatch, ground):
    painted = painting(finish=Finish(relief=0.7, ground=ground, varnish=0.5))
    whole, height = pixels(painted), painted.height_map().astype(int)
    monkeypatch.setattr(tiles, "TILE", 32)
    assert np.abs(pixels(painted) - whole).max() <= 1
    assert np.abs(painted.height_map() - height).max() <= 2


@pytest.mark.parametrize("ground", ["canvas", "paper"])
def test_the_ground_shows_where_there_is_no_paint(ground):
    bare = Painting(torch.zeros(0, 12), "oil", background=(0.5, 0.5, 0.5), size=200, finish=Finish(ground=ground))
    values = pixels(bare)
    assert values.std() > 2
    assert abs(values.mean() - 127.5) < 3
    texture = ground_texture(ground, torch.rand(10_000, dtype=torch.float64), torch.rand(10_000, dtype=torch.float64))
    assert texture.min() >= 0
    assert texture.max() <= 1.3
    painted = dataclasses.replace(bare, strokes=torch.tensor([[0.5, 0.5, 3, 3, 0.0, *[0.5] * 6, 1]]), brush="oil")
    assert pixels(painted)[50:150, 50:150].std() < pixels(bare)[50:150, 50:150].std() + 12


def test_height_and_normals():
    tape = get_brush("tape")
    painted = Painting(torch.tensor([[0.5, 0.5, 1, 1, 0, 0.5, 0.5, 0.5, 1.0]]), tape, size=64)
    height = painted.height_map()
    assert height.dtype == np.uint16
    assert abs(int(height[2, 2]) - 65535 // 4) <= 1
    assert height[32, 32] > 2 * height[2, 2]
    normals = painting().normal_map().astype(float) / 32767.5 - 1
    assert np.abs(np.linalg.norm(normals, axis=2) - 1).max() < 1e-4  # with 8 bits 0.01
    assert normals[..., 2].min() > 0


@pytest.mark.parametrize("brush", ["oil", "watercolor", "marker", "tape", "round", "flat"])
def test_every_brush_has_relief(brush):
    assert np.abs(pixels(painting(brush)) - pixels(painting(brush, finish=Finish(relief=1)))).mean() > 0.3


def test_an_empty_painting_stays_flat():
    empty = Painting(torch.zeros(0, 12), "oil", size=16, finish=Finish(relief=1))
    assert (pixels(empty) == 255).all()


def test_psnr_is_of_the_flat_painting():
    flat = painting()
    assert painting(finish=Finish(relief=1)).psnr(flat.render(), 96) == flat.psnr(flat.render(), 96)


def test_stroke_files_keep_the_finish(tmp_path):
    finish = Finish(relief=0.5, light=30, ground="paper", varnish=0.2, wet=0.75)
    painting("watercolor", finish=finish).save(tmp_path / "a.safetensors")
    assert Painting.load(tmp_path / "a.safetensors").finish == finish
    painting().save(tmp_path / "b.safetensors")
    assert b"finish" not in (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("change", [(b'"relief": 0.5', b'"relief": 7.5'), (b'"paper"', b'"pap\\"r"')])
def test_damaged_finish(tmp_path, change):
    path = tmp_path / "a.safetensors"
    painting(finish=Finish(relief=0.5, ground="paper")).save(path)
    data = path.read_bytes()
    quoted = [part.replace(b'"', b'\\"') for part in change]
    assert quoted[0] in data
    path.write_bytes(data.replace(quoted[0], quoted[1][: len(quoted[0])].ljust(len(quoted[0]))))
    with pytest.raises(BadFile, match="a.safetensors"):
        Painting.load(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"relief": 1.5}, "relief must be from 0 to 1"),
        ({"relief": -0.1}, "relief"),
        ({"relief": float("nan")}, "relief"),
        ({"varnish": 2}, "varnish"),
        ({"wet": 1.5}, "wet must be from 0 to 1, got 1.5"),
        ({"wet": float("nan")}, "wet"),
        ({"light": float("nan")}, "light must be an angle"),
        ({"light": "left"}, "light must be an angle"),
        ({"ground": "linen"}, "unknown ground 'linen'"),
    ],
)
def test_bad_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        Finish(**arguments)
