"""A server without processes: what workers would do is recorded, and answered at once."""

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("starlette")

ORIGIN = "http://127.0.0.1:8765"
LIVE = "ws://127.0.0.1:8765/api/live"
HEADERS = {"origin": ORIGIN}


class FakeWorker:
    """Does what a `Worker` does, in no time, and searches only as far as the test lets it."""

    made: list["FakeWorker"] = []

    def __init__(self, threads, paints=True):
        self.told, self.tasks = [], []
        self.go = asyncio.Event()
        self.made.append(self)

    async def run(self, task, arguments, listener=None, limit=60):
        from neuralpaint.serve.worker import TaskFailed

        self.tasks.append((task, arguments))
        if task == "read":
            upload = Path(arguments["folder"]) / "upload"
            if not upload.read_bytes().startswith(b"\x89PNG"):
                raise TaskFailed("the photo is not an image", True)
            upload.unlink()
            return {"width": 64, "height": 48}
        if task == "paint":
            listener("progress", {"strokes": 3, "share": 0.5, "remaining": 1.0})
            listener("frame", b"a picture")
            while not self.go.is_set() and not self.told:
                await asyncio.sleep(0.005)
            self.go.clear()
            if self.told and self.told.pop() == "cancel":
                raise TaskFailed("stopped", True)
            return {"state": "done", "strokes": 9, "psnr": 20.0}
        if task == "edit":
            return {"strokes": 8}
        if task == "select":
            return {"ids": [1], "mark": "", "color": "#102030"}
        return None

    def tell(self, word):
        self.told.append(word)

    def kill(self):
        pass


@pytest.fixture
def fakes(monkeypatch):
    FakeWorker.made = []
    monkeypatch.setattr("neuralpaint.serve.studio.Worker", FakeWorker)
    return FakeWorker.made


@pytest.fixture
def client(fakes, tmp_path):
    from starlette.testclient import TestClient

    from neuralpaint.serve.app import make_app

    app = make_app(tmp_path / "paintings", hosts=["127.0.0.1"], token=None, threads=1)
    with TestClient(app, base_url=ORIGIN, headers=HEADERS) as client:
        yield client


def png(width=64, height=48):
    """A small photo as the bytes of a file."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.paste((200, 80, 30), (width // 4, height // 4, width // 2, height // 2))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
