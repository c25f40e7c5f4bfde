"""The report on a painting: what the page holds, and that nothing in it can go elsewhere."""

import base64
import hashlib
import json
import os
import re
from html.parser import HTMLParser

import pytest
import torch

from neuralpaint.brushes import get_brush
from neuralpaint.painting.exporters import VideoSettings
from neuralpaint.painting.painting import Painting
from neuralpaint.pipelines.report import History, Report, curve, make_page
from neuralpaint.search import Progress

QUICK = ("--strokes", 8, "--preset", "fast", "--device", "cpu")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr("neuralpaint.pipelines.report_pictures.SHOWN", 64)
    monkeypatch.setattr("neuralpaint.pipelines.report_pictures._ANIMATED", ((48, 40),))
    monkeypatch.setattr("neuralpaint.pipelines.report_pictures.FRAMES", 12)


def event(step, psnr=20.0, strokes=10, stage="level 1"):
    return Progress(stage, step, 100, strokes, psnr, 1.0, 2.0)


def report_of(count=20, **changes):
    brush = get_brush("oil")
    painting = Painting(brush.sample(count, torch.Generator().manual_seed(0)), brush, (1.0, 1.5), size=32)
    history = History()
    for step in range(1, 9):
        history(event(step, 15.0 + step, 4 * step if step < 5 else count, f"level {step // 3}"))
    fields = {
        "title": "photo.jpg",
        "photo": torch.rand(3, 32, 48, generator=torch.Generator().manual_seed(0)),
        "painting": painting,
        "history": history,
        "facts": {"strokes": str(count)},
        "settings": {"Seed": "0"},
        "command": "neuralpaint paint photo.jpg -o out.png",
        "video": VideoSettings(),
    }
    return Report(**(fields | changes))


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_nothing_is_loaded_from_elsewhere():
    text = make_page(report_of())
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "poster", "action", "background"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
    assert not re.search(r"url\(|@import|https?://|fetch\(|XMLHttp", re.sub(r"data:[^\"]*", "", text))


def test_the_policy_allows_the_pages_own_style_and_script_only():
    text = make_page(report_of())
    (policy,) = [tag[1]["content"] for tag in Page(text).tags if tag[1].get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; ") and "unsafe" not in policy
    for kind in ("script", "style"):
        (content,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_text_is_escaped():
    evil = "</script><script>alert(1)</script>\"' {{photo}} {{nothing}} \udce9\x00 & ü"
    names = {evil: evil}
    text = make_page(report_of(title=evil, command=evil, facts=names, settings=names, source=evil))
    page = Page(text)
    assert len([tag for tag, _ in page.tags if tag == "script"]) == 2 and "alert(1)</script>" not in text
    assert page.text.count("{{photo}} {{nothing}}") >= 5 and "ü" in page.text
    text.encode("utf-8")
    history = History()
    history(event(1))
    history(event(2, stage=evil))
    assert "<script>" not in curve(history.events)


def test_what_the_page_holds():
    text = make_page(report_of())
    page = Page(text)
    for word in (
        "photo.jpg",
        "Stroke by stroke",
        "Level by level",
        "Settings",
        "neuralpaint paint photo.jpg -o out.png",
    ):
        assert word in page.text
    frames = json.loads(re.findall(r'id="frames">(.*?)</script>', text, re.DOTALL)[0])
    assert len(frames) == 12 and frames[0][2].startswith("data:image/webp;base64,")
    scrub = next(attributes for _, attributes in page.tags if attributes.get("id") == "scrub")
    assert scrub["max"] == "11"
    levels = re.findall(r"<figcaption>(\d+) strokes", text)
    assert levels == ["4", "8", "12", "16", "20"]
    assert len([tag for tag, _ in page.tags if tag == "polyline"]) == 1
    assert "{{" not in text


def test_without_losses_and_with_a_still_animation():
    page = make_page(report_of(1, history=History(), command=""))
    assert "polyline" not in page and "Paint it again" not in page and "1 strokes" in page


def test_a_long_search_is_thinned_out():
    history = History()
    for step in range(1, 20_001):
        history(event(step, stage="one" if step < 15_000 else "two", strokes=step // 100))
    steps = [e.step for e in history.events]
    assert len(steps) <= 1000 and steps == sorted(steps) and steps[-1] > 19_900
    levels = history.levels(250)
    assert len(levels) == 8 and levels[-1] == 250 and levels == sorted(set(levels))
    assert History().levels(500) == [16, 31, 62, 125, 250, 500] and History().levels(1) == [1]


def test_paint_writes_a_report(run, short_search, photo, tmp_path):
    out = tmp_path / "report.html"
    result = run("paint", photo, "-o", tmp_path / "a.png", "--report", out, *QUICK)
    assert result.code == 0 and "Stroke by stroke" in out.read_text()
    result = run("paint", photo, "-o", tmp_path / "b.png", "--report", out, *QUICK)
    assert result.code == 2 and "report.html already exists" in result.line
    for options, message in [
        (("--report", tmp_path / "r.pdf"), "must be a .html file"),
        (("--report", tmp_path / "r.html", "--seconds", 3), "--seconds is for a time-lapse, such as -o out.mp4"),
        (("--report", tmp_path / "a.html", "--save", tmp_path / "a.html"), "choose another file for --save"),
        (("--report", photo.with_suffix(".html"), "-o", photo.with_suffix(".html")), "the suffix '.html'"),
    ]:
        result = run("paint", photo, "-o", tmp_path / "b.png", *options, *QUICK)
        assert result.code == 2 and message in result.line
    assert sorted(os.listdir(tmp_path)) == ["a.png", "photo.png", "report.html"]


def test_the_speed_of_a_report_without_a_video(run, short_search, photo, tmp_path):
    pages = []
    for speed in ("ease", "strokes"):
        page = tmp_path / f"{speed}.html"
        options = ("-o", tmp_path / f"{speed}.png", "--report", page, "--speed", speed, *QUICK)
        assert run("paint", photo, *options).code == 0
        pages.append(page.read_text())
    assert "large strokes take longer" in pages[0] and "each for the same time" in pages[1]


def test_reports_of_several_photos(run, stub, photo, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "photos" / name).write_bytes(photo.read_bytes())
    options = ("-o", tmp_path / "out", "--report", tmp_path / "pages", *QUICK)
    assert run("paint", tmp_path / "photos", *options).code == 0
    assert sorted(os.listdir(tmp_path / "pages")) == ["a.html", "b.html"]
    result = run("paint", tmp_path / "photos", "-o", tmp_path / "o", "--report", tmp_path / "one.html", *QUICK)
    assert result.code == 2 and "is a single page, but there are several photos" in result.line
    (tmp_path / "pages" / "b.html").unlink()
    assert run("paint", tmp_path / "photos", *options, "--skip-done").code == 0 and len(stub) == 3
