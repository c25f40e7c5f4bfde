"""The time-lapse for browsers, and how a notebook shows a painting."""

import html
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from neuralpaint import Painting, get_brush
from neuralpaint.painting.exporters.settings import VideoSettings
from neuralpaint.painting.playback import changes, header

BRUSH = get_brush("oil")


@pytest.fixture
def painting():
    strokes = BRUSH.examples(5).float()
    return Painting(strokes, BRUSH, (1.0, 1.25), size=48, metadata={"title": "</iframe><script>"})


def test_changes_add_up_to_the_painting(painting):
    settings = VideoSettings(seconds=0.5, fps=10)
    told = header(painting, settings)
    shown = Image.new("RGB", (told["width"], told["height"]))
    count = 0
    for change in changes(painting, settings):
        count += 1
        if change.picture:
            picture = Image.open(io.BytesIO(change.picture)).convert("RGBA")
            shown.paste(picture, (change.x, change.y), picture)
    assert count == told["frames"] == 5
    assert np.abs(np.asarray(shown, float) - np.asarray(painting.render())).mean() < 8


def test_a_notebook_gets_one_frame_that_plays_by_itself(painting):
    shown = painting._repr_html_()
    assert shown.startswith("<iframe") and shown.count("<") == 2  # whatever is inside is escaped
    page = html.unescape(re.search('srcdoc="([^"]*)"', shown)[1])
    assert "http" not in page and "{{" not in page
    data = json.loads(re.search(r"frames } = (\{.*\});", page)[1])
    assert len(data["frames"]) == 60 and data["frames"][0][2]


def test_an_empty_painting_is_a_picture():
    assert Painting(BRUSH.examples(1).float()[:0], BRUSH)._repr_html_().startswith("<img")
