"""Takes the pictures of the page in docs/images: `python tools/page_screenshots.py ADDRESS`, of a running server.

It needs playwright and chromium. Photos that the page shows are those of examples/photos.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PATIENCE = 300_000  # milliseconds


def keep(page: Page, name: str, width: int) -> None:
    """Saves what the page shows, that many pixels wide."""
    path = IMAGES / f"serve_{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as shot:
        small = shot.convert("RGB").resize((width, round(shot.height * width / shot.width)), Image.Resampling.LANCZOS)
    path.unlink()
    small.save(path.with_suffix(".jpg"), quality=84, optimize=True)


def opened(browser: Browser, address: str, width: int, height: int, scheme: str = "light", scale: float = 1) -> Page:
    page = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=scale,
    ).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.wait_for_selector("#looks .card", state="attached")
    return page


def main(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = opened(browser, address, 1440, 900)
        page.wait_for_timeout(500)
        if page.locator("#start").is_visible():
            keep(page, "start", 1000)
        page.set_input_files("#file", ROOT / "examples" / "photos" / "coffee.jpg")
        page.wait_for_selector("body[data-frames]")
        while not page.inner_text("#caption").startswith(("1", "2", "3")):
            page.wait_for_timeout(200)
        page.wait_for_timeout(2000)
        keep(page, "painting", 1200)
        page.wait_for_selector("#t-save:not([disabled])")
        phone = opened(browser, page.url, 390, 844, "dark", 2)
        phone.wait_for_selector("#t-save:not([disabled])")
        phone.wait_for_timeout(2500)
        keep(phone, "phone", 480)
        phone.click("#sheet")
        phone.wait_for_timeout(600)
        keep(phone, "phone_choices", 480)
        page.wait_for_timeout(1500)
        page.click("#t-compare")
        page.wait_for_timeout(500)
        keep(page, "compare", 1000)
        page.click("#t-select")
        box = page.locator("#over").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 0.33 * box["width"], box["y"] + 0.62 * box["height"])
        page.mouse.down()
        for x, y in ((0.3, 0.75), (0.42, 0.86), (0.56, 0.84), (0.6, 0.7), (0.45, 0.66)):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        page.mouse.up()
        page.wait_for_selector("#mark:not([hidden])", state="attached")
        page.wait_for_timeout(500)
        keep(page, "editing", 1200)
        large = opened(browser, page.url, 3840, 2160, "dark")
        large.wait_for_selector("#t-save:not([disabled])")
        large.wait_for_timeout(3000)
        keep(large, "4k", 1200)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
