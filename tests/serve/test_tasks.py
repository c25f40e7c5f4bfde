"""What the workers do, in this process."""

import io
import json
import struct

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("starlette")

from neuralpaint.brushes import get_brush
from neuralpaint.painting import Painting
from neuralpaint.serve import editing, exporting, painter, photos
from neuralpaint.serve.choices import Choices
from tests.serve.conftest import png


class Line:
    """A channel that keeps what is sent, and says a word after so many messages."""

    def __init__(self, word=None, after=0):
        self.sent, self._word, self._after = [], word, after

    def send(self, kind, content):
        self.sent.append((kind, content))

    def word(self):
        return self._word if self._word and len(self.sent) >= self._after else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A painting's folder with a photo and version 0."""
    place = tmp_path_factory.mktemp("painting")
    (place / photos.UPLOAD).write_bytes(png())
    assert photos.read_photo(Line(), str(place)) == {"width": 64, "height": 48}
    line = Line()
    choices = Choices(strokes=12, preset="fast", detail="none").to_json()
    painter.paint_here(line, str(place), choices, 0, False, None)
    frames = [content for kind, content in line.sent if kind == "frame"]
    assert frames and all(frame.startswith(b"\xff\xd8") for frame in frames)
    assert line.sent[0][0] == "frame"  # before the search looks at the photo
    return place


def test_a_painting_is_what_the_command_line_paints(folder):
    from neuralpaint import paint

    painting = Painting.load(painter.version_file(folder, 0))
    again = paint(folder / photos.PHOTO, strokes=12, preset="fast", detail=None)
    assert np.array_equal(painting.strokes.numpy(), again.strokes.numpy())


@pytest.mark.parametrize("brush", ["oil", "marker", "pixel"])
def test_a_sketch_has_the_shape_and_the_colours_of_the_photo(brush):
    y, x = torch.meshgrid(torch.linspace(0, 1, 120), torch.linspace(0, 1, 170), indexing="ij")
    photo = torch.stack([0.8 - 0.6 * y, 0.3 + 0.3 * x, 0.1 + 0.8 * y])
    sketch = painter.sketch(photo, Choices(brush=brush, relief=0.5))
    assert sketch.pixels(120) == (120, 170) and len(sketch) == 24 and sketch.finish.relief == 0.5
    assert sketch.psnr(photo, 120) > 10


def test_a_search_that_goes_on_begins_with_no_sketch(folder, tmp_path):
    for name in (photos.PHOTO, "version-0.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    line = Line("pause", 1)
    painter.paint_here(line, str(tmp_path), Choices(strokes=14, preset="fast", detail="none").to_json(), 1, False, 0)
    assert line.sent[0][0] == "progress"


def test_frames_look_as_the_picture_does():
    from neuralpaint.brushes import brushes

    for brush in brushes().values():
        if not brush.placement:
            continue
        painting = Painting(brush.examples(12).float(), brush, (1.0, 1.0), size=200)
        exact = painting.render()
        shown = Image.open(io.BytesIO(painter.as_jpeg(exact)))
        error = (np.asarray(shown, np.float64) - np.asarray(exact)) ** 2
        assert 10 * np.log10(255**2 / error.mean()) >= 38, brush.name


def test_a_paused_search_goes_on_from_where_it_was(folder, tmp_path):
    (tmp_path / photos.PHOTO).write_bytes((folder / photos.PHOTO).read_bytes())
    choices = Choices(strokes=12, preset="fast", detail="none").to_json()
    found = painter.paint_here(Line("pause", 2), str(tmp_path), choices, 0, False, None)
    assert found["state"] == "paused" and painter.version_file(tmp_path, 0).exists()
    done = painter.paint_here(Line(), str(tmp_path), choices, 1, True, None)
    assert done["state"] == "done"
    whole, resumed = (Painting.load(painter.version_file(place, n)) for place, n in ((folder, 0), (tmp_path, 1)))
    assert np.array_equal(whole.strokes.numpy(), resumed.strokes.numpy())


def test_a_cancelled_search_leaves_no_version(folder, tmp_path):
    (tmp_path / photos.PHOTO).write_bytes((folder / photos.PHOTO).read_bytes())
    choices = Choices(strokes=12, preset="fast", detail="none").to_json()
    with pytest.raises(painter.Cancelled):
        painter.paint_here(Line("cancel", 1), str(tmp_path), choices, 0, False, None)
    assert not painter.version_file(tmp_path, 0).exists()


@pytest.mark.parametrize("content", [b"GIF89a", png()[:200], b"\xff\xd8\xff" + b"x" * 100, b"<svg/>", png(8, 8)])
def test_bad_photos_are_one_line(tmp_path, content):
    (tmp_path / photos.UPLOAD).write_bytes(content)
    with pytest.raises(ValueError, match="the photo") as caught:
        photos.read_photo(Line(), str(tmp_path))
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)


def test_photos_of_phones_are_read(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    image = Image.open(io.BytesIO(png(96, 64)))
    heif.from_pillow(image).save(tmp_path / "photo.heic")
    (tmp_path / "photo.heic").rename(tmp_path / photos.UPLOAD)
    assert photos.read_photo(Line(), str(tmp_path)) == {"width": 96, "height": 64}
    assert Image.open(tmp_path / photos.VIEW).size == (96, 64)


def test_photos_with_too_many_pixels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "MAX_PIXELS", 1000)
    (tmp_path / photos.UPLOAD).write_bytes(png())
    with pytest.raises(ValueError, match="million pixels"):
        photos.read_photo(Line(), str(tmp_path))


def test_strokes_are_pointed_at_and_drawn_around(folder):
    painting = Painting.load(painter.version_file(folder, 0))
    x, y = painting.strokes[-1, :2] / painting.strokes.new_tensor([painting.aspect[1], painting.aspect[0]])
    top = editing.select(Line(), str(folder), 0, [[float(x), float(y)]], [])
    assert top["ids"] == [len(painting) - 1] and top["mark"].startswith("data:image/webp") and len(top["color"]) == 7
    again = editing.select(Line(), str(folder), 0, [[float(x), float(y)]], top["ids"])
    assert again["ids"] == [] and again["mark"] == ""
    around = [[-1.0, -1.0], [2.0, -1.0], [2.0, 2.0], [-1.0, 2.0]]
    assert editing.select(Line(), str(folder), 0, around, [])["ids"] == list(range(len(painting)))


def test_strokes_are_deleted_and_recoloured(folder):
    before = Painting.load(painter.version_file(folder, 0))
    assert editing.edit(Line(), str(folder), 0, 5, {"what": "delete", "ids": [0, 3]}) == {"strokes": len(before) - 2}
    editing.edit(Line(), str(folder), 0, 6, {"what": "recolor", "ids": [2], "color": "#00ff00"})
    after = Painting.load(painter.version_file(folder, 6))
    color = sum(after.strokes[2, slot] for slot in after.brush.colors) / len(after.brush.colors)
    assert float(color[1]) > 0.8 > 0.2 > float(color[0])
    assert np.array_equal(before.strokes[3:].numpy(), after.strokes[3:].numpy())
    with pytest.raises(ValueError, match="no strokes are selected"):
        editing.edit(Line(), str(folder), 0, 7, {"what": "delete", "ids": [99]})


def frames_of(parts):
    """The frames of a time-lapse, drawn as the page draws them."""
    header, *rest = parts
    width, height = (json.loads(header[4:])[name] for name in ("width", "height"))
    shown = Image.new("RGB", (width, height))
    for part in rest:
        if len(part) > 4:
            x, y = struct.unpack("<HH", part[4:8])
            picture = Image.open(io.BytesIO(part[8:])).convert("RGBA")
            shown.paste(picture, (x, y), picture)
        yield np.asarray(shown, np.float64)


@pytest.mark.parametrize("brush", ["oil", "dry", "marker"])
def test_the_replay_looks_as_the_painting_at_every_moment(brush, monkeypatch):
    from neuralpaint.painting.exporters import VideoSettings
    from neuralpaint.painting.timelapse import time_lapse

    monkeypatch.setattr(exporting, "_SECONDS", 0.5)
    monkeypatch.setattr(exporting, "_PLAYED", 160)
    painting = Painting(get_brush(brush).examples(12).float(), brush, (1.0, 1.25), size=128)
    exact, count = time_lapse(painting, VideoSettings(seconds=0.5, fps=exporting._RATE)), 0
    for one, other in zip(frames_of(exporting.parts(painting)), exact, strict=True):
        count += 1
        assert 10 * np.log10(255**2 / max(1e-9, ((one - other.pixels) ** 2).mean())) >= 38
    assert count >= 8


def test_the_replay_is_sent_as_it_is_drawn_and_kept(folder, monkeypatch):
    monkeypatch.setattr(exporting, "_SECONDS", 0.5)
    (folder / "version-7-playback.bin").write_bytes(b"of another version")
    line = Line()
    name = exporting.playback(line, str(folder), 0)
    assert b"".join(content for _, content in line.sent) == (folder / name).read_bytes()
    assert [path.name for path in folder.glob("*-playback.bin")] == [name]
    *_, last = frames_of([content for _, content in line.sent])
    exact = Painting.load(painter.version_file(folder, 0)).render(min(last.shape[:2]))
    assert ((last - np.asarray(exact)) ** 2).mean() < 255**2 / 10**3.8


@pytest.mark.parametrize("kind", ["png", "jpg", "svg", "gif", "strokes"])
def test_every_kind_of_file_is_written(folder, kind):
    name = exporting.export(Line(), str(folder), 0, kind, 96)
    assert (folder / name).stat().st_size > 200
    if kind in ("png", "jpg"):
        assert Image.open(folder / name).size == (96, 72)
