"""Many browsers at once, and damaged photos: `python -m tools.serve_load [--clients 50] [--uploads 200]`.

Each client opens a page's connection, sends a photo, and asks for a painting; those that are told to wait try again.
Then damaged photos are sent. Prints how many were served, how often one had to wait, and how much memory it took.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import io
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import websockets
from PIL import Image

PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "chelsea.jpg"
CHOICES = {"choices": {"strokes": 10, "preset": "fast", "detail": "none"}, "onward": False}
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")


class Server:
    def __init__(self, folder: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "neuralpaint", "serve", "--port", str(self.port), "--folder", folder]
        self.process = psutil.Popen(command, stdout=subprocess.DEVNULL)
        self.peak = 0
        while True:
            try:
                self.ask("GET", "/api/paintings")
                return
            except OSError:
                time.sleep(0.2)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, {"origin": self.origin})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def memory(self) -> int:
        """Bytes of the server and its workers."""
        processes = [self.process, *self.process.children(recursive=True)]
        total = 0
        for process in processes:
            try:
                total += process.memory_info().rss
            except psutil.Error:
                pass
        self.peak = max(self.peak, total)
        return total


async def client(server: Server, photo: bytes, found: Counter[str], times: list[float]) -> None:
    """One browser: connection, photo, painting."""
    began = time.perf_counter()

    async def until_served(method: str, path: str, body: bytes) -> bytes:
        while True:
            status, answer = await asyncio.to_thread(server.ask, method, path, body)
            if status == 429:
                found["told to wait"] += 1
                await asyncio.sleep(1 + random.random())
                continue
            assert status in (201, 202), (status, answer)
            return answer

    address = f"{server.origin.replace('http', 'ws')}/api/live"
    async with websockets.connect(address, origin=server.origin, max_size=None) as live:  # type: ignore[arg-type]
        made = json.loads(await until_served("POST", "/api/paintings?name=cat.jpg", photo))["id"]
        await live.send(json.dumps({"watch": made}))
        await until_served("POST", f"/api/paintings/{made}/paint", json.dumps(CHOICES).encode())
        async for message in live:
            if isinstance(message, bytes):
                found["pictures"] += 1
                continue
            news = json.loads(message)
            if news["kind"] == "painting" and news["painting"]["id"] == made:
                if news["painting"]["state"] in ("done", "failed"):
                    found[news["painting"]["state"]] += 1
                    break
    times.append(time.perf_counter() - began)


def damaged(random_: random.Random, photo: Image.Image) -> bytes:
    """A photo of some kind with a piece changed, left out or added, or no photo at all."""
    kind = random_.choice(KINDS)
    buffer = io.BytesIO()
    photo.save(buffer, kind)
    data = bytearray(buffer.getvalue())
    at = random_.randrange(len(data))
    how = random_.randrange(4)
    if how == 0:
        del data[at:]
    elif how == 1:
        for _ in range(random_.randrange(1, 40)):
            data[random_.randrange(min(len(data), 600))] = random_.randrange(256)
    elif how == 2:
        data[at : at + 100] = random_.randbytes(50)
    else:
        data = bytearray(random_.randbytes(random_.randrange(1, 4000)))
    return bytes(data) or b"x"


async def measure(clients: int, uploads: int, seed: int) -> int:
    random_ = random.Random(seed)
    image = Image.open(PHOTO).convert("RGB")
    image.thumbnail((160, 160))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        try:
            found: Counter[str] = Counter()
            times: list[float] = []
            idle = server.memory()
            running = [asyncio.create_task(client(server, buffer.getvalue(), found, times)) for _ in range(clients)]
            while not all(task.done() for task in running):
                server.memory()
                await asyncio.sleep(0.5)
            await asyncio.gather(*running)
            times.sort()
            print(f"{clients} browsers: {dict(found)}")
            middle = times[len(times) // 2]
            print(f"seconds until painted: first {times[0]:.1f}, median {middle:.1f}, last {times[-1]:.1f}")
            print(f"memory of all processes: {idle >> 20} MiB before, {server.peak >> 20} MiB at most")
            answers: Counter[int] = Counter()
            for _ in range(uploads):
                data = damaged(random_, image)
                status, answer = await asyncio.to_thread(server.ask, "POST", "/api/paintings?name=x", data)
                answers[status] += 1
                if status not in (201, 422):
                    print("unexpected:", status, answer)
            server.memory()
            print(f"{uploads} damaged photos: {dict(answers)}; {server.peak >> 20} MiB at most")
            left = [name for name in os.listdir(folder) if not (Path(folder) / name / "painting.json").exists()]
            left = [name for name in left if not name.startswith(".")]
            print(f"folders that were left behind: {len(left)}")
            return int(found["done"] != clients or set(answers) - {201, 422} != set() or bool(left))
        finally:
            server.process.terminate()
            server.process.wait(20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.exit(asyncio.run(measure(options.clients, options.uploads, options.seed)))
