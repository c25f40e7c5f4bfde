"""What belongs to the host program, such as its default dtype, is neither read nor changed, in any thread."""

import dataclasses
import locale
import random
import signal
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint import Painting, get_brush, paint, restyle
from neuralpaint.data import StrokeDataset
from neuralpaint.data.shards import StrokeSet
from neuralpaint.data.writer import write_set
from neuralpaint.images.decoding import open_image
from neuralpaint.images.streaming import count_pixels
from neuralpaint.losses import StyleLoss
from neuralpaint.losses.features import VGG19Features
from neuralpaint.search.presets import get_preset
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.utils.threads import use_one_thread
from tests.search.photos import BLOCKS, JOINT


@contextmanager
def other_defaults(device="meta"):
    torch.set_default_dtype(torch.float64)
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


def host_state():
    return {
        "filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "pixels": Image.MAX_IMAGE_PIXELS,
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "gradients": torch.is_grad_enabled(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "locale": locale.setlocale(locale.LC_ALL),
        "torch random": torch.random.default_generator.get_state().tolist(),
        "numpy random": np.random.get_state()[1].tolist(),
        "random": random.getstate(),
    }


@pytest.fixture
def photo(tmp_path):
    rows, columns = np.mgrid[:40, :56]
    pixels = np.stack([rows * 6, columns * 4, (rows + columns) * 2], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def short(preset):
    return dataclasses.replace(get_preset(preset), steps=3)


CASES = {
    "oil": {"preset": JOINT},
    "watercolor": {"brush": "watercolor", "preset": JOINT},
    "blocks": {"brush": "tape", "preset": BLOCKS},
    "transport": {"preset": dataclasses.replace(short("paper"), stages=2)},
    "windows": {"preset": dataclasses.replace(JOINT, steps=1, refine=1), "window": 64, "strokes": 2000},
    "network": {
        "preset": dataclasses.replace(JOINT, stages=1, rounds=1, steps=2, reseeds=0, refine=2),
        "renderer": "neural",
    },
}


@pytest.mark.parametrize("case", CASES)
def test_other_defaults_of_the_host_paint_the_same(case, photo, tmp_path):
    expected = paint(photo, **{"strokes": 24, **CASES[case]})
    with other_defaults():
        found = paint(photo, **{"strokes": 24, **CASES[case]})
        found.save(tmp_path / "strokes.safetensors")
        picture = Painting.load(tmp_path / "strokes.safetensors").render_tensor(48)
    assert found.strokes.dtype == torch.float32 and found.strokes.device.type == "cpu"
    assert torch.equal(found.strokes, expected.strokes)
    assert ("window" in expected.metadata) == (case == "windows")
    assert torch.equal(picture, expected.render_tensor(48))


@pytest.mark.parametrize("case", ["oil", "network"])
def test_autocast_of_the_host_paints_the_same(case, photo):
    expected = paint(photo, strokes=24, **CASES[case])
    with torch.autocast("cpu", torch.bfloat16):
        found = paint(photo, strokes=24, **CASES[case])
        assert torch.is_autocast_enabled("cpu")
    assert torch.equal(found.strokes, expected.strokes)


def test_other_defaults_of_the_host_restyle_the_same(photo, vgg_file):
    painting = paint(photo, strokes=12, preset=JOINT)

    def restyled():
        style = StyleLoss(Image.open(photo).rotate(180), features=VGG19Features(vgg_file), size=24)
        return restyle(painting, photo, style, steps=3).strokes

    expected = restyled()
    with other_defaults():
        found = restyled()
    assert torch.equal(found, expected)


def test_networks_are_loaded_in_float32_and_take_no_random_numbers():
    state = host_state()
    expected = load_style_network("light").state_dict()
    assert host_state() == state
    with other_defaults():
        found = load_style_network("light").state_dict()
    assert {value.dtype for value in found.values()} == {torch.float32}
    assert all(torch.equal(value, expected[name]) for name, value in found.items())


def test_threads_leave_everything_of_the_host_as_it_was(photo):
    with other_defaults("cpu"):
        before, seen, done = host_state(), [], threading.Event()

        def watch():
            while not done.wait(0.001):
                seen.append((torch.get_default_dtype(), Image.MAX_IMAGE_PIXELS, list(warnings.filters)))

        watcher = threading.Thread(target=watch)
        watcher.start()
        with ThreadPoolExecutor(4) as pool:
            paintings = list(pool.map(lambda seed: paint(photo, strokes=12, preset=JOINT, seed=seed), [0, 1] * 6))
        done.set()
        watcher.join()
        assert host_state() == before
    assert seen and all(state == (before["dtype"], before["pixels"], before["filters"]) for state in seen)
    assert all(torch.equal(p.strokes, paintings[k % 2].strokes) for k, p in enumerate(paintings))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_strokes_are_drawn_on_threads_that_are_no_affair_of_the_host(device, tmp_path, monkeypatch):
    strokes = StrokeDataset("tape", size=16, count=64)
    expected = [batch.alpha for batch in strokes.stream(8)]
    before, seen = torch.get_num_threads(), []

    def begin_thread():
        thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()

    with other_defaults(device):
        state = host_state()
        monkeypatch.setattr(torch, "set_num_threads", lambda count: pytest.fail("sets the host's number of threads"))
        found = []
        for batch in strokes.stream(8, threads=3):
            found.append(batch.alpha)
            begin_thread()
        write_set(tmp_path / "set", StrokeSet(get_brush("tape"), 64, size=16, layout="webdataset"), workers=0)
        assert host_state() == state
    assert seen == [before] * len(expected)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_one_thread_is_for_its_own_thread():
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(1, initializer=use_one_thread) as pool:
            seen.append(pool.submit(torch.get_num_threads).result())
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(torch.get_num_threads).result())
        assert seen == [1, 2] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_sizes_are_read_whatever_the_limit_of_the_host(photo, monkeypatch, recwarn):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert count_pixels(photo) == 40 * 56
    with open_image(photo) as image:
        assert image.size == (56, 40)
    assert Image.MAX_IMAGE_PIXELS == 100 and not recwarn.list


def test_a_file_of_no_known_format(tmp_path):
    (tmp_path / "a.png").write_bytes(b"text")
    assert count_pixels(tmp_path / "a.png") == 0
    with pytest.raises(Image.UnidentifiedImageError), open_image(tmp_path / "a.png"):
        pass
