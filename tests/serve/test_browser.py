"""The page in a real browser: what an artist does with it. Needs chromium, and playwright from PyPI."""

import base64
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.serve.conftest import png

api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("uvicorn")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("needs chromium: apt-get install chromium", allow_module_level=True)

ROOT = Path(__file__).parents[2]
AXE = ROOT / "build" / "axe" / "package" / "axe.min.js"
PATIENCE = 120_000  # milliseconds: CI's machines are slow at times


class Server:
    """`neuralpaint serve` as a process."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder, self.address = folder, f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        command = [sys.executable, "-m", "neuralpaint", "serve", "--port", str(self.port), "--folder", str(self.folder)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
        until(lambda: self.paintings() is not None, "the server")

    def paintings(self):
        try:
            with urllib.request.urlopen(f"{self.address}/api/paintings", timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait(20)


def until(true, what):
    end = time.monotonic() + PATIENCE / 1000
    while not true():
        assert time.monotonic() < end, f"{what} takes too long"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("paintings"))
    yield server
    server.kill(signal.SIGTERM)


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda request: _own(page, server, request.url))
    page.goto(server.address)
    page.wait_for_selector("#looks .card", state="attached")
    yield page
    context.close()
    assert page.faults == []


def _own(page, server, url):
    if not url.startswith((server.address, server.address.replace("http", "ws"), "blob:", "data:")):
        page.faults.append(f"asks elsewhere: {url}")


def choose(page, strokes=0, preset="fast"):
    """Sets the slider of strokes, in percent, and the preset, before there is a photo."""
    page.evaluate(
        """([strokes, preset]) => {
            const slider = document.getElementById("strokes");
            slider.value = strokes;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            const radio = document.querySelector(`#presets input[value="${preset}"]`);
            radio.checked = true;
            radio.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        [strokes, preset],
    )


def drop(page, content, name="photo.png"):
    page.evaluate(
        """([data, name]) => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name));
            window.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        [base64.b64encode(content).decode(), name],
    )


def painted(page, strokes=0):
    choose(page, strokes)
    drop(page, png(96, 72))
    page.wait_for_selector("#t-save:not([disabled])")


def likeness(page, server, one):
    """The PSNR in dB of the canvas to the painting's own PNG."""
    data = page.evaluate("document.getElementById('painting').toDataURL('image/png')")
    shown = Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))).convert("RGB")
    address = f"{server.address}/api/paintings/{one['id']}/picture/{one['version']}?longest={max(shown.size)}"
    with urllib.request.urlopen(address, timeout=60) as answer:
        exact = Image.open(io.BytesIO(answer.read())).convert("RGB")
    exact = exact.resize(shown.size, Image.Resampling.LANCZOS)
    error = (np.asarray(shown, np.float64) - np.asarray(exact)) ** 2
    return 10 * np.log10(255**2 / max(1e-9, error.mean()))


def faults_of_access(page, when):
    """The violations of the rules of accessibility, with the moment at which they are there."""
    if not AXE.exists():
        pytest.skip("needs axe-core: (cd build/axe && npm pack axe-core && tar -xzf axe-core-*.tgz)")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert found["passes"]
    return [(when, fault["id"], [node["target"] for node in fault["nodes"]]) for fault in found["violations"]]


def test_a_dropped_photo_is_painted_edited_and_saved(page, server):
    painted(page)
    assert "30 strokes" in page.inner_text("#caption")
    page.click("#t-select")
    page.click("#over", position={"x": 200, "y": 200})
    page.wait_for_selector("#mark:not([hidden])", state="attached")
    until(lambda: page.inner_text("#caption") == "1 stroke selected", "the caption")
    page.keyboard.press("Delete")
    until(lambda: server.paintings()[0]["at"] == 1, "deleting")
    page.click("#s-undo")
    until(lambda: server.paintings()[0]["at"] == 0, "undoing")
    page.click("#s-done")
    starts = {"png": b"\x89PNG", "jpg": b"\xff\xd8", "svg": b"<?xml", "gif": b"GIF8", "strokes": b""}
    if page.locator('input[name="kind"][value="mp4"]').count():
        starts["mp4"] = b"\x00\x00\x00"
    for kind, start in starts.items():
        page.click("#t-save")
        page.check(f'input[name="kind"][value="{kind}"]', force=True)
        if kind not in ("svg", "strokes"):
            page.fill("#longest", "400")
        with page.expect_download() as waiting:
            page.click("#download")
        content = Path(waiting.value.path()).read_bytes()
        assert content.startswith(start) and len(content) > 500, kind
        page.wait_for_selector("#saving", state="hidden")


def test_a_painting_is_compared_and_replayed(page, server):
    """What the canvas shows is the picture that is saved, to 38 dB and more: at once, and at the end of the replay."""
    painted(page)
    one = server.paintings()[0]
    until(lambda: likeness(page, server, one) >= 38, "the picture")
    page.click("#t-compare")
    page.fill("#divide", "30")
    assert "70%" in page.evaluate("document.getElementById('photo').style.clipPath")
    page.click("#t-film")
    until(lambda: int(page.input_value("#f-scrub")) > 3, "the replay")
    page.click("#f-play")
    page.fill("#f-scrub", "1")
    assert page.input_value("#f-scrub") == "1"

    def at_the_end():
        last = page.get_attribute("#f-scrub", "max")
        page.fill("#f-scrub", last)
        return page.input_value("#f-scrub") == last

    until(at_the_end, "all of the replay")
    until(lambda: likeness(page, server, one) >= 38, "the last frame")
    page.keyboard.press("Escape")
    page.wait_for_selector("#go", state="visible")
    page.set_viewport_size({"width": 390, "height": 844})  # on a phone the choices lie below a wide painting
    until(lambda: page.locator("#painting").bounding_box()["width"] == 390, "the narrow layout")
    painting, looks = (page.locator(name).bounding_box() for name in ("#painting", "#looks"))
    assert page.locator("#looks").is_visible() and looks["y"] > painting["y"] + painting["height"]
    page.set_viewport_size({"width": 390, "height": 560})
    until(lambda: not page.locator("#looks").is_visible(), "the choices to be behind a button")


def test_a_search_is_paused_reloaded_and_changed(page, server):
    choose(page, 45, "balanced")
    drop(page, png(96, 72))
    page.wait_for_selector("body[data-frames]")  # strokes are seen while it is painted
    page.click("#go")
    until(lambda: server.paintings()[0]["state"] == "paused", "pausing")
    page.reload()
    until(lambda: page.inner_text("#caption").startswith("Paused at"), "the caption of the reloaded page")
    before = server.paintings()[0]["versions"][-1]["strokes"]
    page.click("#t-select")
    page.click("#over", position={"x": 200, "y": 200})
    page.wait_for_selector("#mark:not([hidden])", state="attached")
    page.keyboard.press("Delete")
    until(lambda: server.paintings()[0]["versions"][-1]["strokes"] == before - 1, "deleting a stroke")
    page.click("#s-done")
    choose(page, 0)
    page.click("#onward")
    until(lambda: server.paintings()[0]["state"] == "done", "painting on")
    assert server.paintings()[0]["versions"][-1]["strokes"] == 30


def test_a_photo_of_a_phone_is_painted(page, server):
    """The browser cannot show it: the server does."""
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(Image.open(io.BytesIO(png(96, 64)))).save(buffer)
    choose(page)
    drop(page, buffer.getvalue(), "IMG_0001.HEIC")
    page.wait_for_selector("#t-save:not([disabled])")
    page.wait_for_selector("#t-crop:not([disabled])")  # the photo is there
    assert (server.paintings()[0]["title"], server.paintings()[0]["width"]) == ("IMG_0001", 96)


def test_two_pages_see_the_same(page, browser, server):
    painted(page)
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("#t-save:not([disabled])")
    page.click("#go")
    until(lambda: server.paintings()[0]["versions"][-1:] and len(server.paintings()[0]["versions"]) == 2, "painting")
    other.wait_for_selector("#t-save:not([disabled])")
    until(lambda: " dB" in page.inner_text("#caption") == other.inner_text("#caption"), "the same caption")


def test_a_bad_file_is_one_line(page, server):
    before = len(server.paintings())
    drop(page, b"no picture at all", "notes.txt")
    page.wait_for_selector("#note:not(:empty)")
    until(lambda: "not an image" in page.inner_text("#note"), "the message")
    assert len(server.paintings()) == before


def test_a_photo_is_cropped_and_marked_by_keys(page, server):
    painted(page)
    page.click("#t-crop")
    page.focus('.handle[data-corner="0 1"]')
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
    page.click("#c-done")
    page.click("#t-detail")
    page.keyboard.press("Enter")
    page.click("#d-done")
    page.wait_for_selector("#afresh", state="visible")
    page.click("#afresh")
    until(lambda: len(server.paintings()[0]["versions"]) == 2, "painting afresh")
    choices = server.paintings()[0]["choices"]
    assert server.paintings()[0]["has_mask"] and choices["detail"] == "mask" and abs(choices["crop"][0] - 0.4) < 0.01


def test_what_is_chosen_last_waits_for_what_was_sent_before_it(page, server):
    """Marks that are still on their way when painting is asked for are not forgotten."""
    held = []
    page.route("**/mask?*", lambda route: held.append(route))
    painted(page)
    page.click("#t-detail")
    page.keyboard.press("Enter")
    page.click("#d-done")
    page.click("#afresh")
    page.wait_for_timeout(300)
    assert len(held) == 1 and server.paintings()[0]["state"] == "done"
    held[0].continue_()
    until(lambda: len(server.paintings()[0]["versions"]) == 2, "painting")
    assert server.paintings()[0]["choices"]["detail"] == "mask"


def test_a_finish_belongs_to_the_painting_it_was_chosen_for(page, server):
    """Another painting is opened as soon as the slider has moved."""
    painted(page)
    earlier = server.paintings()[0]["id"]
    painted(page)
    until(lambda: server.paintings()[0]["id"] != earlier and server.paintings()[0]["state"] == "done", "painting")
    page.wait_for_selector("#t-save:not([disabled])")
    page.evaluate(
        """(earlier) => {
            const slider = document.getElementById("relief");
            slider.value = 0.8;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            location.hash = earlier;
        }""",
        earlier,
    )
    until(lambda: server.paintings()[0]["choices"]["relief"] == 0.8, "the relief")
    page.wait_for_timeout(600)
    assert next(one for one in server.paintings() if one["id"] == earlier)["choices"]["relief"] == 0


def test_a_killed_server_goes_on_when_it_is_back(page, server):
    choose(page, 45, "balanced")
    drop(page, png(96, 72))
    page.wait_for_selector("body[data-frames]")
    server.kill()
    until(lambda: "The server has gone" in page.inner_text("#note"), "noticing")
    server.start()
    until(lambda: server.paintings()[0]["state"] in ("painting", "done"), "resuming")
    until(lambda: page.inner_text("#note") == "", "coming back")
    page.reload()
    until(lambda: "strokes" in page.inner_text("#caption"), "the reloaded page")
    if server.paintings()[0]["state"] == "painting":
        page.click("#go")
    page.wait_for_selector("#t-save:not([disabled])")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(page, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    faults = faults_of_access(page, "start")
    painted(page)
    faults += faults_of_access(page, "painted")
    for tool, done in (("select", "s"), ("crop", "c"), ("detail", "d")):
        page.click(f"#t-{tool}")
        faults += faults_of_access(page, tool)
        page.click(f"#{done}-done")
    page.click("#t-save")
    faults += faults_of_access(page, "saving")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    faults += faults_of_access(page, "on a phone")
    assert faults == []
