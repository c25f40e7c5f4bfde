"""Engines run in processes of their own: whatever they do, the answer is one line, and nothing is left running."""

import os
import subprocess
import sys
import time
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import pytest

from neuralpaint.engines import EngineError, EnginePool, load_engine, open_engine, worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MODULES = {
    "exits": ("import os; os._exit(0)", r"it ended its process \(exit code 0\)"),
    "leaves": ("import sys; sys.exit('enough')", "SystemExit: enough"),
    "crashes": ("import ctypes; ctypes.string_at(0)", r"it ended its process \(SIGSEGV\)"),
    "endless": ("while True: pass", "it did not end within 2 s"),
    "asleep": ("import os, time\nif not os.fork(): time.sleep(600)\ntime.sleep(600)", "it did not end within 2 s"),
    "prints": ("print('x' * 5_000_000); import os; os.write(2, b'y' * 5_000_000); 1 / 0", "ZeroDivisionError"),
    "raises": ("class Odd(BaseException): pass\nraise Odd('no')", "Odd: no"),
    "mute": ("class Mute(Exception):\n def __str__(self): 1 / 0\nraise Mute", r"Mute \(without a message\)"),
    "talks": ("raise RuntimeError('word ' * 2_000_000)", "RuntimeError: word word"),
    "closes": ("import os; os.closerange(0, 1000); raise ValueError", "it ended its process"),
    "group": ("import os; os.kill(0, 9)", r"it ended its process \(SIGKILL\)"),
    "lazy": ("def __getattr__(name): raise MemoryError('none')", "MemoryError: none"),
}
DRAWING = {
    "exits": r"crashed its process \(exit code 0\)",
    "interrupts": "raised KeyboardInterrupt",
    "nameless": r"raised Nameless \(without a message\)",
    "talks": "raised RuntimeError: word word",
    "masked": "returned alpha as a masked array",
    "objects": "returned foreground of type object",
    "infinite": r"returned alpha with values outside \[0, 1\] \(inf\)",
    "signals": r"crashed its process \(SIGTERM\)",
    "leaves": r"crashed its process \(exit code 3\)",
}


@pytest.fixture(autouse=True)
def engines(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("FAKE_ENGINE_COUNT", str(tmp_path / "count"))
    resource_tracker.ensure_running()  # a process of multiprocessing's own, which stays


def started():
    """Processes below this one that have not ended, by their number."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, _, session = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if state != "Z":
            found[int(path.parent.name)] = int(parent), int(session)
    mine = {number for number, (parent, _) in found.items() if parent == os.getpid()}
    return mine | {number for number, (_, session) in found.items() if session in mine}


@pytest.mark.parametrize("name", MODULES)
def test_whatever_the_import_does_is_one_line(tmp_path, name, capfd, monkeypatch):
    code, message = MODULES[name]
    if "did not end" in message:
        monkeypatch.setattr(worker, "_IMPORT", 2.0)
    (tmp_path / f"module_{name}.py").write_text(code)
    before, folder = started(), os.getcwd()
    with pytest.raises(EngineError, match=f"^engine module_{name}:draw .*{message}") as error:
        open_engine(f"module_{name}:draw", 2.0)
    assert len(str(error.value)) < 500 and "\n" not in str(error.value)
    assert started() <= before and os.getcwd() == folder and f"module_{name}" not in sys.modules
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", DRAWING)
def test_whatever_the_drawing_does_is_one_line(tmp_path, name, capfd):
    before = started()
    engine = load_engine(f"fake_engines:{name}")
    with EnginePool(engine, 1, timeout=5) as pool:
        with pytest.raises(EngineError, match=f"^engine fake_engines:{name} {DRAWING[name]}") as error:
            pool.draw(engine.spec.sample(1, np.random.default_rng(0)), 8)
    assert len(str(error.value)) < 700 and "\n" not in str(error.value)
    assert started() <= before and capfd.readouterr() == ("", "")
    if name == "leaves":
        child = int((tmp_path / "count").read_text())
        until = time.monotonic() + 5
        while child in running():
            assert time.monotonic() < until


def running():
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if path.read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(int(path.parent.name))
        except OSError:
            pass
    return found


def test_an_engine_that_leaves_its_process_in_disorder_draws(capfd):
    engine = open_engine("fake_engines:careless")
    drawn = engine.spec.sample(20, np.random.default_rng(0))
    with EnginePool(engine, 1) as pool:
        for _ in range(2):
            foreground, alpha = pool.draw(drawn, 8)
    expected = load_engine("fake_engines:good")(drawn, 8)
    assert np.array_equal(foreground, expected[0]) and np.array_equal(alpha, expected[1])
    assert capfd.readouterr() == ("", "")


def test_specs_are_plain_data(monkeypatch):
    engine = open_engine("fake_engines:scalars")
    assert type(engine.spec.name) is str and type(engine.spec.held["a"]) is float
    assert engine.spec == load_engine("fake_engines:scalars").spec and engine.spec.brush().opaque
    assert engine.spec.fingerprint == load_engine("fake_engines:scalars").spec.fingerprint
    with pytest.raises(
        EngineError, match="^engine fake_engines:huge has an invalid spec: parameters must be at most 256"
    ):
        open_engine("fake_engines:huge")
    with pytest.raises(EngineError, match="not imported in this process: use EnginePool"):
        engine(engine.spec.sample(1, np.random.default_rng(0)), 8)


def test_the_command_line_ends_with_one_line(tmp_path):
    (tmp_path / "quits.py").write_text("import os; print('hello'); os._exit(0)")
    command = [sys.executable, "-m", "neuralpaint", "paint", "x.png", "-o", "y.png", "--engine", "quits:draw"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert result.returncode == 2 and result.stdout == ""
    expected = "engine quits:draw cannot be imported: it ended its process (exit code 0)"
    assert " ".join(result.stderr.split()) == f"neuralpaint: {expected}"
