"""A demo for Hugging Face Spaces: a photo in, the painting out, as it comes about.

Locally: `pip install neuralpaint gradio`, then `python examples/gradio_app.py`. As a Space: this file as `app.py`, and
a `requirements.txt` with the lines `neuralpaint` and `gradio`.
"""

from __future__ import annotations

import queue
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PIL import Image

import neuralpaint
from neuralpaint.looks import Look, get_look, looks
from neuralpaint.search import SearchPaused

LONGEST = 1024  # pixels of the photo that is painted
SHOWN = 512  # along the shorter side, while it is being painted
MAX_STROKES = 2000
NO_LOOK = "plain oil"


def paint(photo: Image.Image | None, look: str, strokes: int) -> Iterator[tuple[Image.Image, str | None]]:
    """Yields (the painting so far, None), and at last (the painting, the file of its strokes)."""
    if photo is None:
        import gradio

        raise gradio.Error("Choose a photo first.")
    photo = photo.convert("RGB")
    photo.thumbnail((LONGEST, LONGEST))
    chosen = get_look(look) if look in looks() else None
    options = {
        **(chosen.arguments if chosen else {}),
        "strokes": min(MAX_STROKES, max(1, int(strokes))),
        "preset": "fast",
    }
    pictures: queue.Queue = queue.Queue()
    left = threading.Event()  # the visitor has gone: the next one's turn

    def tell(progress: neuralpaint.Progress) -> None:
        if left.is_set():
            raise SearchPaused
        pictures.put(progress)

    def work() -> None:
        try:
            pictures.put(neuralpaint.paint(photo, **options, callback=tell))
        except Exception as error:  # told to the page
            pictures.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        yield from _shown(pictures, photo, options, chosen)
    finally:
        left.set()


def _shown(
    pictures: queue.Queue, photo: Image.Image, options: dict, chosen: Look | None
) -> Iterator[tuple[Image.Image, str | None]]:
    """What `paint` yields, of what its thread has put into the queue."""
    aspect = (photo.height / min(photo.size), photo.width / min(photo.size))
    while True:
        found = pictures.get()
        while not pictures.empty():  # only the newest is worth drawing
            found = pictures.get()
        if isinstance(found, Exception):
            raise found
        if isinstance(found, neuralpaint.Progress):
            brush, ground = options.get("brush", "oil"), options.get("background", "white")
            yield neuralpaint.Painting(found.found.cpu().clone(), brush, aspect, ground).render(SHOWN), None
            continue
        painting = replace(found, finish=chosen.finish) if chosen else found
        file = Path(tempfile.mkdtemp()) / "painting.safetensors"  # a folder for each visitor
        painting.save(file)
        yield painting.render(), str(file)
        return


def page():  # noqa: ANN201 (gradio is not installed everywhere)
    """The page of the demo."""
    import gradio

    with gradio.Blocks(title="neuralpaint") as blocks:
        gradio.Markdown("# neuralpaint\nA photo becomes a painting of real brush strokes.")
        with gradio.Row():
            with gradio.Column():
                photo = gradio.Image(type="pil", label="Photo")
                look = gradio.Dropdown([NO_LOOK, *looks()], value=NO_LOOK, label="Look")
                strokes = gradio.Slider(50, MAX_STROKES, 500, step=50, label="Strokes")
                button = gradio.Button("Paint", variant="primary")
            with gradio.Column():
                painting = gradio.Image(label="Painting", format="png")
                file = gradio.File(label="Strokes, for neuralpaint render")
        button.click(paint, [photo, look, strokes], [painting, file], concurrency_limit=1)
    return blocks


if __name__ == "__main__":
    page().queue(max_size=20).launch()
