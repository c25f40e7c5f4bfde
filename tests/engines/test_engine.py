import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from neuralpaint.engines import EngineError, EnginePool, EngineSource, EngineSpec, draw_painting, load_engine
from neuralpaint.engines.spec import BEZIER, BOX, ONE_COLOR, TWO_COLORS
from neuralpaint.painting.painting import Painting
from neuralpaint.search.presets import PRESETS, Preset


@pytest.fixture(autouse=True)
def engines(monkeypatch, tmp_path):
    """Makes the fake engines importable, in workers too; cached strokes and marks go to the test's folder."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_ENGINE_COUNT", str(tmp_path / "count"))


@pytest.fixture
def run(monkeypatch):
    from neuralpaint.cli import app

    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="neuralpaint")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def photo(tmp_path):
    y, x = np.mgrid[:24, :32] / 24
    picture = np.stack([0.2 + 0.2 * x, 0.3 * y, 0.3 - 0.1 * x], axis=-1)
    picture[(x - 0.7) ** 2 + (y - 0.5) ** 2 < 0.09] = (0.9, 0.7, 0.2)
    Image.fromarray((picture * 255).astype(np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def strokes(engine, bad=False):
    """Six strokes that every fake engine can draw, optionally with a fourth that makes failing engines fail."""
    drawn = engine.spec.sample(6, np.random.default_rng(0))
    drawn[:, 0] *= 0.5
    if bad:
        drawn[3, 0] = 0.95
    return drawn


# ---- specs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "my brush"}, "name must be letters"),
        ({"name": "Oil"}, "taken by a built-in brush"),
        ({"geometry": "circle"}, "geometry must be one of"),
        ({"geometry": "bezier"}, "must begin with x0 y0"),
        ({"parameters": (*BOX, "r", "g", "b")}, "then r g b a"),
        ({"parameters": (*BOX, "h", *ONE_COLOR, "a")}, "distinct names"),
        ({"parameters": (*ONE_COLOR, "a"), "geometry": "unknown"}, "those of the shape"),
        ({"ranges": {"w": (0.5, 1.5)}}, "ranges must be"),
        ({"held": {"opacity": 1.0}}, "held must be"),
    ],
)
def test_specs_that_cannot_be(changes, message):
    with pytest.raises(EngineError, match=message):
        EngineSpec(**({"name": "mine", "parameters": (*BOX, *ONE_COLOR, "a"), "geometry": "box"} | changes))


def test_the_brush_of_a_spec():
    brush = EngineSpec("two", (*BEZIER, "dry", *TWO_COLORS, "a"), "bezier", held={"a": 1.0}).brush()
    assert (brush.num_parameters, brush.shape, len(brush.colors), brush.opaque) == (16, slice(0, 9), 2, True)
    assert brush.engine and brush.placement == BEZIER
    moved = brush.transform(torch.full((1, 16), 0.5), 2.0, (1.0, 0.0))[0]
    assert moved.tolist() == [2.0, 1.0, 0.5, 0.5, 2.0, 1.0, 1.0, 1.0, *[0.5] * 8]


def test_samples_lie_in_the_ranges():
    engine = load_engine("fake_engines:good")
    drawn = engine.spec.sample(500, np.random.default_rng(0))
    assert 0.2 <= drawn[:, 2].min() < 0.23 and 0.77 < drawn[:, 2].max() <= 0.8 and (drawn[:, -1] == 1).all()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("fake_engines", "must be package.module:function"),
        ("fake_engines.py:good", "not a file"),
        ("no_such_module:good", "no_such_module:good cannot be imported: ModuleNotFoundError"),
        ("fake_engines:nobody", "has no function 'nobody'"),
        ("fake_engines:BOX", "has no function 'BOX'"),
        ("fake_engines:no_spec", "has no attribute 'spec'"),
        ("fake_engines:bad_spec", "bad_spec has an invalid spec: .* must begin with xc"),
    ],
)
def test_addresses_that_lead_nowhere(address, message):
    with pytest.raises(EngineError, match=message):
        load_engine(address)


# ---- what engines do wrong -------------------------------------------------------------------------------------------

WRONG = {
    "raises": r"raised RuntimeError: out of ink, at size 8, xc=0\.95, yc=",
    "shape": r"returned foreground of shape \[1, 8, 8, 3\], not \[1, 3, 8, 8\], at size 8, xc=",
    "nan": r"returned NaN in alpha, at size 8, xc=0\.95",
    "outside": r"returned foreground with values outside \[0, 1\] \(.*\), at size 8, xc=0\.95",
    "bytes_": r"returned foreground of type uint8, not a floating-point",
    "nothing": r"returned NoneType, not \(foreground, alpha\)",
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_name_the_engine_and_the_stroke(name):
    engine = load_engine(f"fake_engines:{name}")
    with pytest.raises(EngineError, match=rf"^engine fake_engines:{name} {WRONG[name]}"):
        engine(strokes(engine, bad=True), 8)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", WRONG["raises"]),
        ("hangs", r"did not return within 3 s, at size 8, xc=0\.95"),
        ("crashes", r"crashed its process \(SIGSEGV\), at size 8, xc=0\.95"),
    ],
)
def test_errors_in_workers(name, message):
    engine = load_engine(f"fake_engines:{name}")
    with EnginePool(engine, workers=1, timeout=3.0) as pool:
        with pytest.raises(EngineError, match=rf"^engine fake_engines:{name} {message}"):
            pool.draw(strokes(engine, bad=True), 8)
        assert not pool._workers
        pool.draw(strokes(engine), 8)  # still works for other strokes


def test_a_worker_that_hangs_is_replaced():
    engine = load_engine("fake_engines:hangs_once")
    drawn = strokes(engine)
    with EnginePool(engine, workers=2, timeout=3.0) as pool:
        foreground, alpha = pool.draw(drawn, 8)
        processes = [worker.process for worker in pool._workers]
    expected = load_engine("fake_engines:good")(drawn, 8)
    assert np.array_equal(foreground, expected[0]) and np.array_equal(alpha, expected[1])
    assert not any(process.is_alive() for process in processes)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_workers_die_with_their_parent():
    code = (
        "import numpy as np\n"
        "from neuralpaint.engines import EnginePool, load_engine\n"
        "engine = load_engine('fake_engines:hangs')\n"
        "strokes = engine.spec.sample(1, np.random.default_rng(0))\n"
        "strokes[:, 0] = 1\n"
        "if __name__ == '__main__':\n"
        "    EnginePool(engine, workers=1).draw(strokes, 8)\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    parent = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path})

    mark = Path(os.environ["FAKE_ENGINE_COUNT"])
    _until(lambda: mark.exists() and mark.read_text().endswith("\n"))
    status = Path("/proc", mark.read_text().strip(), "stat")
    assert status.exists()
    parent.kill()
    parent.wait()
    _until(lambda: not status.exists() or status.read_text().split()[2] == "Z")


def _until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_workers_draw_what_the_engine_draws():
    engine = load_engine("fake_engines:good")
    drawn = engine.spec.sample(50, np.random.default_rng(1))
    with EnginePool(engine, workers=2) as pool:
        foreground, alpha = pool.draw(drawn, 16)
        assert len(pool._workers) == 2
        assert pool.draw(drawn[:0], 16)[0].shape == (0, 3, 16, 16)
    expected = engine(drawn, 16)
    assert np.array_equal(foreground, expected[0]) and np.array_equal(alpha, expected[1])


# ---- strokes for a training ------------------------------------------------------------------------------------------


def source(**changes):
    return EngineSource("fake_engines:counted", 8, **({"strokes": 500, "workers": 1} | changes))


def drawn_strokes():
    path = Path(os.environ["FAKE_ENGINE_COUNT"])
    return path.stat().st_size if path.exists() else 0


def test_strokes_are_drawn_once():
    with source() as first:
        assert first.fill() == 512 + 256  # those of the training and of its validation
        seen = drawn_strokes()
        batches = [first.batch(step, 64) for step in range(8)]
        assert drawn_strokes() == seen
    with source() as second:
        assert second.fill() == 0
        again = [second.batch(step, 64) for step in range(8)]
        assert drawn_strokes() == seen
        for a, b in zip(batches, again, strict=True):
            assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
        # Eight batches of 64 go round once: no stroke comes twice; the next round has them in another order.
        rows = torch.cat([batch.strokes for batch in batches])
        assert len(rows.unique(dim=0)) == 512
        next_round = torch.cat([second.batch(step, 64).strokes for step in range(8, 16)])
        assert not torch.equal(rows, next_round) and torch.equal(rows.unique(dim=0), next_round.unique(dim=0))
        held = second.held_out(0, 64).strokes
        assert len(torch.cat([rows, held]).unique(dim=0)) == 576
        halves = [second.batch(3, 64, process, 2).strokes for process in range(2)]
        assert torch.equal(torch.cat(halves), batches[3].strokes)
    with source(seed=1) as other:
        assert not torch.equal(other.batch(0, 64).strokes, batches[0].strokes)
        assert torch.equal(other.held_out(0, 64).strokes, held)


def test_batches_hold_what_the_engine_draws():
    with source(zooms=(1, 2)) as it:
        small, large = it.batch(0, 16), it.batch(1, 16)
    assert small.foreground.shape == (16, 3, 8, 8) and large.alpha.shape == (4, 1, 16, 16)
    foreground, alpha = load_engine("fake_engines:counted")(large.strokes.numpy(), 16)
    assert np.abs(large.foreground.numpy() - foreground).max() <= 0.5 / 255 + 1e-6
    assert np.abs(large.alpha.numpy() - alpha).max() <= 0.5 / 255 + 1e-6


def test_batches_across_shards_and_larger_than_the_pool():
    with source(strokes=256) as it:
        assert len(it.batch(2, 100).strokes) == 100
        assert len(it.batch(0, 600).strokes) == 600


@pytest.mark.parametrize("damage", [b"", b"PK nonsense", None])
def test_a_damaged_shard_is_drawn_again(damage):
    with source() as it:
        before = it.held_out(0, 16)
        path = it.cache.path("held-out-00000-16", 8)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(bytes(data) if damage is None else damage)
        seen = drawn_strokes()
        it._memory.clear()
        after = it.held_out(0, 16)
        assert drawn_strokes() == seen + 16
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_training_goes_on_with_the_same_strokes_only(tmp_path):
    pytest.importorskip("accelerate")
    pytest.importorskip("tensorboard")
    from neuralpaint.training.renderers.settings import TrainingSettings
    from neuralpaint.training.renderers.trainer import Trainer

    settings = TrainingSettings(brush="fake-box", size=8, steps=2, batch=4, eval_every=0, picture_every=0)
    with source() as it:
        Trainer(settings, it, tmp_path / "net").run()
        assert Trainer(settings, it, tmp_path / "net", resume=True).step == 2
    with source(strokes=256) as it, pytest.raises(ValueError, match="belongs to a training run with pool 512, not 256"):
        Trainer(settings, it, tmp_path / "net", resume=True)


def test_another_spec_has_other_files():
    one, other = load_engine("fake_engines:good"), load_engine("fake_engines:counted")
    assert EngineSource(one, 8).cache.folder != EngineSource(other, 8).cache.folder
    newer = type(one)(one.address, one.draw, EngineSpec("fake-box", one.spec.parameters, "box", version="2"))
    assert EngineSource(one, 8).cache.folder != EngineSource(newer, 8).cache.folder


# ---- paintings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["good", "curve"])
def test_a_painting_is_what_the_engine_draws(name):
    """Compositing strokes drawn in their own views gives the same as drawing them on the whole canvas."""
    engine = load_engine(f"fake_engines:{name}")
    brush = engine.spec.brush()
    drawn = torch.from_numpy(engine.spec.sample(30, np.random.default_rng(2)))
    painting = Painting(drawn, brush, (1.0, 1.5), (0.1, 0.2, 0.3), 96)
    with EnginePool(engine, workers=1) as pool:
        picture = draw_painting(painting, pool)
    canvas = np.broadcast_to(np.float32((0.1, 0.2, 0.3)), (144, 144, 3)).copy()
    view = brush.transform(drawn, 96 / 144).numpy()
    for foreground, alpha in zip(*engine(view, 144), strict=True):
        cover = alpha.transpose(1, 2, 0)
        canvas += cover * (foreground.transpose(1, 2, 0) - canvas)
    assert picture.shape == (96, 144, 3)
    # A pixel on an edge may fall to either side by rounding.
    assert (np.abs(picture - canvas[:96]) > 1e-3).mean() < 2e-3


def test_only_the_engine_draws_its_strokes(tmp_path):
    engine = load_engine("fake_engines:good")
    painting = Painting(torch.from_numpy(strokes(engine)), engine.spec.brush(), size=16)
    with pytest.raises(ValueError, match="brush 'fake-box' is drawn by an engine"):
        painting.render()
    painting.save(tmp_path / "strokes.safetensors")
    loaded = Painting.load(tmp_path / "strokes.safetensors")
    assert loaded.brush == painting.brush and torch.equal(loaded.strokes, painting.strokes)
    other = load_engine("fake_engines:curve")
    with EnginePool(other) as pool, pytest.raises(ValueError, match="engine fake_engines:curve does not draw"):
        draw_painting(loaded, pool)


# ---- examples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ellipse:draw", "mypaint:oil"])
def test_engines_of_the_examples(monkeypatch, name):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    engine = load_engine(f"examples.engines.{name}")
    drawn = engine.spec.sample(8, np.random.default_rng(3))
    try:
        foreground, alpha = engine(drawn, 64)
    except EngineError as error:
        if "apt-get install" in str(error):
            pytest.skip(str(error))
        raise
    assert np.array_equal(alpha, engine(drawn, 64)[1])  # the same strokes, the same pictures
    brush = engine.spec.brush()
    bounds = (brush.bounds(torch.from_numpy(drawn)) * 64).round().int().tolist()
    for picture, (x0, y0, x1, y1) in zip(alpha[:, 0], bounds, strict=True):
        inside = picture[max(0, y0 - 2) : max(0, y1 + 2), max(0, x0 - 2) : max(0, x1 + 2)]
        assert picture.max() > 0 and inside.sum() >= 0.9 * picture.sum()
    color = torch.from_numpy(drawn[:, brush.colors[0]])[:, :, None, None]
    assert np.allclose(foreground * (alpha > 0), (color * (torch.from_numpy(alpha) > 0)).numpy(), atol=1e-6)


# ---- command line ----------------------------------------------------------------------------------------------------

SHORT = ("--size", 32, "--steps", 3, "--batch", 4, "--workers", 1, "--cpu")


def train(run, folder, engine, *more):
    pytest.importorskip("accelerate")
    pytest.importorskip("tensorboard")
    return run("train-renderer", "--engine", f"fake_engines:{engine}", *SHORT, "--out", folder, *more)


def test_from_an_engine_to_a_painting(run, photo, tmp_path, monkeypatch, few_held_out):
    monkeypatch.setitem(PRESETS, "fast", Preset("fast", stages=1, rounds=1, steps=5, refine=0))
    net, engine = tmp_path / "net", ("--engine", "fake_engines:good")
    assert train(run, net, "good").exit_code == 0
    assert "--engine fake_engines:good --pool" in (net / "README.md").read_text()
    assert run("eval-renderer", net, *engine, "--strokes", 70, "--device", "cpu").exit_code == 0
    refused = run("eval-renderer", net)
    assert refused.exit_code == 2 and "add --engine" in refused.stderr

    kept = tmp_path / "strokes.safetensors"
    arguments = ["paint", photo, "-o", tmp_path / "out.png", "--strokes", 4, "--preset", "fast", "--device", "cpu"]
    result = run(*arguments, *engine, "--renderer", net, "--save", kept)
    assert result.exit_code == 0 and "4 strokes" in result.stdout
    assert Image.open(tmp_path / "out.png").size == (32, 24)
    assert run("render", kept, *engine, "-o", tmp_path / "again.png").exit_code == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()
    for more, words in (
        ([], "add --engine"),
        (["--engine", "fake_engines:curve"], "does not draw"),
    ):
        refused = run("render", kept, "-o", tmp_path / "not.png", *more)
        assert refused.exit_code == 2 and words in refused.stderr
    for more, words in (
        (engine, "--engine needs --renderer"),
        ([*engine, "--renderer", net, "--brush", "tape"], "use either --brush or --engine"),
        (["--engine", "fake_engines:curve", "--renderer", net], "trained for brush 'fake-box', not for 'fake-curve'"),
    ):
        refused = run(*arguments, "--overwrite", *more)
        assert refused.exit_code == 2 and words in refused.stderr
    assert not (tmp_path / "not.png").exists()


@pytest.mark.parametrize("name", ["raises", "hangs", "nan"])
def test_a_failing_engine_ends_a_training_with_one_line(run, tmp_path, name):
    result = train(run, tmp_path / "net", name, "--engine-timeout", 0.5 if name == "hangs" else 60)
    assert result.exit_code == 2 and len(result.stderr.strip().splitlines()) == 1
    assert f"engine fake_engines:{name}" in result.stderr and "xc=" in result.stderr
    assert not (tmp_path / "net" / "config.json").exists()


def test_a_brush_of_unknown_geometry_can_be_learned_but_not_painted_with(run, photo, tmp_path, few_held_out):
    assert train(run, tmp_path / "net", "unknown").exit_code == 0
    arguments = ["--engine", "fake_engines:unknown", "--renderer", tmp_path / "net"]
    result = run("paint", photo, "-o", tmp_path / "out.png", *arguments)
    assert result.exit_code == 2 and "geometry" in result.stderr and "unknown" in result.stderr
