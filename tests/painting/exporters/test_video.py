"""Time-lapse files: what players read from them, and what goes wrong."""

import errno
import os
import resource
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from neuralpaint.brushes import get_brush
from neuralpaint.painting.exporters import OutputSettings, VideoSettings
from neuralpaint.painting.painting import Painting

SETTINGS = OutputSettings(video=VideoSettings(seconds=0.5, fps=20, hold=0.3))
ANIMATIONS = ["a.gif", "a.apng", "a.anim.webp"]
VIDEOS = ["a.mp4", "a.webm"]


def painting_of(count=8, size=33, aspect=(1.0, 1.3)):
    brush = get_brush("oil")
    return Painting(brush.sample(count, torch.Generator().manual_seed(1)), brush, aspect, "#80a0ff", size)


@pytest.fixture
def stroke_file(tmp_path):
    (tmp_path / "in").mkdir()
    painting_of(size=16, aspect=(1.0, 1.5)).save(tmp_path / "in" / "strokes.safetensors")
    return tmp_path / "in" / "strokes.safetensors"


@pytest.mark.parametrize("name", ANIMATIONS)
def test_animations(tmp_path, name):
    painting = painting_of()
    painting.export(tmp_path / name, settings=SETTINGS)
    with Image.open(tmp_path / name) as image:
        frames = [(np.asarray(f.convert("RGB")), f.info["duration"]) for f in ImageSequence.Iterator(image)]
        assert image.size == (43, 33) and image.info.get("loop") == 0
    assert 5 < len(frames) <= 10  # a frame in which nothing changes may be left out
    assert sum(duration for _, duration in frames) == pytest.approx(800, abs=20)
    first, last = frames[0][0].astype(int), frames[-1][0].astype(int)
    assert np.abs(first - np.array([0x80, 0xA0, 0xFF])).mean() < 8
    difference = np.abs(last - np.asarray(painting.render()).astype(int))
    assert difference.max() == 0 if name == "a.apng" else difference.mean() < 8


@pytest.mark.parametrize("name", VIDEOS)
def test_videos(tmp_path, name):
    av = pytest.importorskip("av")
    painting = painting_of()
    painting.export(tmp_path / name, settings=SETTINGS)
    with av.open(str(tmp_path / name)) as container:
        (stream,) = container.streams.video
        assert stream.codec_context.name == {"a.mp4": "h264", "a.webm": "vp9"}[name]
        assert stream.codec_context.pix_fmt == "yuv420p" and stream.average_rate == 20
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert len(frames) == 16 and frames[0].shape == (34, 44, 3)  # odd sides are extended
    assert np.abs(frames[0].astype(int) - np.array([0x80, 0xA0, 0xFF])).mean() < 6
    difference = frames[-1][:33, :43].astype(int) - np.asarray(painting.render()).astype(int)
    assert np.abs(difference).mean() < 14 and abs(difference.mean()) < 3  # lossy, but with the same colours


def test_the_index_of_an_mp4_comes_first(tmp_path):
    pytest.importorskip("av")
    painting_of().export(tmp_path / "a.mp4", settings=SETTINGS)
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("name", [*ANIMATIONS, *VIDEOS])
def test_a_painting_without_strokes(tmp_path, name):
    if name in VIDEOS:
        pytest.importorskip("av")
    painting_of(0, size=1, aspect=(1.0, 1.0)).export(tmp_path / name, settings=SETTINGS)
    assert (tmp_path / name).stat().st_size > 40


@pytest.mark.parametrize("name", ANIMATIONS)
def test_animations_are_deterministic(tmp_path, name):
    painting_of().export(tmp_path / name, settings=SETTINGS)
    painting_of().export(tmp_path / f"again.{name}", settings=SETTINGS)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"again.{name}").read_bytes()


FULL = """
import resource, signal, sys, torch
from neuralpaint.brushes import get_brush
from neuralpaint.painting.exporters import OutputSettings, VideoSettings
from neuralpaint.painting.painting import Painting
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))  # as a full disk: writing stops in the middle
brush = get_brush("oil")
painting = Painting(brush.sample(40, torch.Generator().manual_seed(1)), brush, size=128)
for name in sys.argv[1:]:
    try:
        painting.export(name, settings=OutputSettings(video=VideoSettings(seconds=0.5, fps=20)))
    except OSError as error:
        print(error.errno, error)
"""


def test_a_full_disk_leaves_no_partial_file(tmp_path):
    names = list(ANIMATIONS)
    try:
        import av  # noqa: F401

        names += VIDEOS
    except ImportError:
        pass
    (tmp_path / "a.gif").write_bytes(b"mine")
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", FULL, *names]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == len(names), done.stdout + done.stderr
    for name, line in zip(names, lines, strict=True):
        assert line.startswith(f"{errno.EFBIG} cannot write {name}: the file would be larger than"), line
    assert os.listdir(tmp_path) == ["a.gif"] and (tmp_path / "a.gif").read_bytes() == b"mine"


def test_what_is_refused(tmp_path):
    fast = OutputSettings(video=VideoSettings(fps=100))
    with pytest.raises(ValueError, match="fps must be at most 50 for a .gif"):
        painting_of().export(tmp_path / "a.gif", settings=fast)
    with pytest.raises(ValueError, match="do not fit in a .anim.webp"):
        painting_of().export(tmp_path / "a.anim.webp", size=16000)
    if "av" in sys.modules:
        with pytest.raises(ValueError, match="do not fit in a .mp4 file"):
            painting_of().export(tmp_path / "a.mp4", size=8000)
    assert not os.listdir(tmp_path)


def test_memory_does_not_grow_with_the_length(tmp_path):
    pytest.importorskip("av")
    painting = painting_of(4, size=200)
    for seconds in (1.0, 8.0):
        painting.export(tmp_path / f"{seconds}.mp4", settings=OutputSettings(video=VideoSettings(seconds, 25, 0)))
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if seconds == 1.0:
            before = used
    assert used - before < 20_000  # KiB: the frames of 7 seconds would take 130 MiB


def test_video_options(tmp_path, run, stroke_file):
    for options, message in [
        (("--seconds", 0), "seconds must be a finite number above 0, got 0"),
        (("--seconds", -1), "got -1"),
        (("--seconds", "nan"), "got nan"),
        (("--seconds", 1e9), "seconds must be at most 3600"),
        (("--fps", 10_000), "fps must be from 1 to 120"),
        (("--hold", "inf"), "hold must be a finite number"),
        (("--speed", "slow"), "unknown speed 'slow'"),
    ]:
        result = run("render", stroke_file, "-o", tmp_path / "a.gif", *options)
        assert result.code == 2 and message in result.line
    result = run("render", stroke_file, "-o", tmp_path / "a.png", "--fps", 20)
    assert result.code == 2 and "--fps is for a time-lapse, such as -o out.mp4" in result.line
    options = ("--seconds", 0.5, "--fps", 10, "--hold", 0, "--speed", "strokes", "--size", 40)
    assert run("render", stroke_file, "-o", tmp_path / "a.gif", *options).code == 0
    assert Image.open(tmp_path / "a.gif").size == (60, 40)


@pytest.mark.parametrize("name", [*ANIMATIONS, *VIDEOS])
def test_progress_is_told_and_an_interrupt_leaves_no_file(tmp_path, name):
    if name in VIDEOS:
        pytest.importorskip("av")
    told = []
    painting_of().export(tmp_path / f"whole.{name}", settings=SETTINGS, callback=lambda *report: told.append(report))
    assert told[-2:] == [(9, 10), (10, 10)]
    before = sorted(os.listdir(tmp_path))

    def interrupt(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        painting_of().export(tmp_path / name, settings=SETTINGS, callback=interrupt)
    assert sorted(os.listdir(tmp_path)) == before


def test_progress_on_a_terminal(run, stroke_file, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    result = run("render", stroke_file, "-o", tmp_path / "a.gif", "-o", tmp_path / "a.png", "--seconds", 0.5)
    assert result.code == 0 and "a.gif, frames" in result.err and "/15" in result.err and "a.png" not in result.err


def test_without_pyav(tmp_path, run, stroke_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    result = run("render", stroke_file, "-o", tmp_path / "a.mp4")
    assert result.code == 2 and "a.mp4 needs the package av: pip install 'neuralpaint[video]'" in result.line
