"""Takes the pictures of the page in docs/images: `python -m tools.page_screenshots ADDRESS [NAME...]`, of a running
server whose folder is empty.

It needs playwright and chromium. Photos that the page shows are those of examples/photos. Each picture has a page of
its own, which is closed before the next: pages that are left open go on drawing, and without a GPU that takes all of
the processor.
"""

from __future__ import annotations

import io
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PHOTOS = ROOT / "examples" / "photos"
PATIENCE = 240.0  # seconds
DESK, PHONE, WALL = (1440, 900), (390, 844), (3840, 2160)
LASSO = ((0.33, 0.62), (0.3, 0.75), (0.42, 0.86), (0.56, 0.84), (0.6, 0.7), (0.45, 0.66))  # in fractions of the easel
SESSION, MOST, STEP = 560, 44, 220  # of the film: pixels of its width, frames, milliseconds of each


@contextmanager
def opened(
    browser: Browser, address: str, size: tuple[int, int], scheme: str = "light", scale: float = 1
) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        device_scale_factor=scale,
    )
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#looks .card", state="attached")
    try:
        yield page
    finally:
        context.close()


def until(true: Callable[[], object], what: str) -> None:
    """Waits, and says for what it has waited in vain."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {PATIENCE:g} seconds")
        time.sleep(0.1)


def shot(page: Page, width: int) -> Image.Image:
    """What the page shows, that many pixels wide."""
    with Image.open(io.BytesIO(page.screenshot())) as whole:
        height = round(whole.height * width / whole.width)
        return whole.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def keep(page: Page, name: str, width: int) -> None:
    shot(page, width).save(IMAGES / f"serve_{name}.jpg", quality=84, optimize=True)


def strokes(page: Page) -> int:
    """How many the caption tells of."""
    first = page.inner_text("#caption").split(" ")[0].replace(",", "")
    return int(first) if first.isdecimal() else 0


def finished(page: Page) -> None:
    """Waits until the painting is there in full."""
    until(lambda: page.locator("#t-save").is_enabled(), "the painting")
    sharp = "(canvas => canvas.width >= canvas.clientWidth * Math.min(2, devicePixelRatio) - 1)(painting)"
    until(lambda: page.evaluate(sharp), "the picture of it")
    page.wait_for_timeout(600)


def start(browser: Browser, address: str) -> None:
    for scheme, name in (("light", "start"), ("dark", "start_dark")):
        with opened(browser, address, DESK, scheme) as page:
            keep(page, name, 1000)


def painting(browser: Browser, address: str) -> None:
    with opened(browser, address, DESK) as page:
        page.set_input_files("#file", PHOTOS / "coffee.jpg")
        until(lambda: strokes(page) >= 150, "150 strokes")
        page.wait_for_timeout(1500)
        keep(page, "painting", 1200)
        finished(page)
        page.set_input_files("#file", PHOTOS / "astronaut.jpg")
        page.wait_for_selector("#strip [aria-current=true][title=astronaut]")
        finished(page)


def compare(browser: Browser, address: str) -> None:
    with opened(browser, address, DESK) as page:
        show(page, "coffee")
        page.click("#t-compare")
        page.wait_for_timeout(500)
        keep(page, "compare", 1000)


def editing(browser: Browser, address: str) -> None:
    for scheme, name in (("light", "editing"), ("dark", "editing_dark")):
        with opened(browser, address, DESK, scheme) as page:
            show(page, "coffee")
            page.click("#t-select")
            box = page.locator("#over").bounding_box()
            assert box is not None
            for k, (x, y) in enumerate(LASSO):
                page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
                if k == 0:
                    page.mouse.down()
            page.mouse.up()
            until(lambda: "selected" in page.inner_text("#caption"), "the selection")
            page.wait_for_timeout(500)
            keep(page, name, 1200)


def phone(browser: Browser, address: str) -> None:
    for title, scheme, name in (("coffee", "dark", "phone"), ("astronaut", "light", "phone_square")):
        with opened(browser, address, PHONE, scheme, 2) as page:
            show(page, title)
            keep(page, name, 480)


def wall(browser: Browser, address: str) -> None:
    with opened(browser, address, WALL, "dark") as page:
        show(page, "coffee")
        keep(page, "4k", 1600)


def session(browser: Browser, address: str) -> None:
    """A film: drop, watch, pause, move a slider, go on, finish."""
    frames: list[Image.Image] = []

    def take(times: int = 1) -> None:
        frames.extend([shot(page, SESSION)] * times)

    def watch(done: Callable[[], object], most: int) -> None:
        """Takes pictures until it is done, of which `most` are kept, more of the beginning: more happens there."""
        begun, end = len(frames), time.monotonic() + PATIENCE
        while not done() and time.monotonic() < end:
            take()
        taken = frames[begun:]
        chosen = sorted({round((k / max(1, most - 1)) ** 2 * (len(taken) - 1)) for k in range(most)})
        frames[begun:] = [taken[k] for k in chosen]

    with opened(browser, address, (1180, 740)) as page:
        page.evaluate("(slider => { slider.value = 45; slider.dispatchEvent(new Event('input')); })(strokes)")
        take(4)
        page.evaluate("document.body.classList.add('over')")
        take(2)
        page.set_input_files("#file", PHOTOS / "coffee.jpg")
        page.evaluate("document.body.classList.remove('over')")
        watch(lambda: strokes(page) >= 250, MOST // 2)
        page.click("#go")
        until(lambda: page.inner_text("#caption").startswith("Paused"), "pausing")
        finished(page)
        take(3)
        page.locator("#strokes").scroll_into_view_if_needed()
        for value in (48, 52, 56, 60):
            page.fill("#strokes", str(value))
            take()
        take(2)
        page.click("#onward")
        watch(lambda: page.locator("#t-save").is_enabled() and not page.locator("#onward").is_visible(), MOST // 2)
        finished(page)
        take(8)
        page.evaluate("fetch(`/api/paintings/${location.hash.slice(1)}`, { method: 'DELETE' })")
        page.wait_for_selector("#start")
    film(frames)


def film(frames: list[Image.Image]) -> None:
    """Writes the frames as a GIF, all in the same colours, so that what stays does not flicker."""
    sheet = Image.new("RGB", (SESSION, frames[0].height * 3))
    for k in range(3):
        sheet.paste(frames[k * (len(frames) - 1) // 2], (0, k * frames[0].height))
    colors = sheet.quantize(255, Image.Quantize.MEDIANCUT, kmeans=2)
    shown = [frame.quantize(palette=colors, dither=Image.Dither.NONE) for frame in frames]
    path = IMAGES / "serve_session.gif"
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=STEP, loop=0, optimize=True)


def show(page: Page, title: str) -> None:
    """Puts a painting on the easel."""
    page.click(f"#strip button[title={title}]")
    page.mouse.move(5, 400)  # off the picture, which shows more while it is pointed at
    finished(page)


SHOTS = [start, session, painting, compare, editing, phone, wall]  # in this order: the later ones show what is there


def main(address: str, names: list[str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for take in SHOTS:
            if not names or take.__name__ in names:
                print(take.__name__, flush=True)
                take(browser, address)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
