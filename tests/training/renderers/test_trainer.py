import json
import random
import signal
import sys
import time

import pytest
import torch

from neuralpaint.renderers.networks.registry import build_network
from neuralpaint.training.checkpoints import read_checkpoint
from neuralpaint.training.renderers.metrics import quality
from neuralpaint.training.renderers.settings import TrainingSettings
from neuralpaint.training.renderers.source import Batch, BrushSource
from neuralpaint.utils.checksums import digest

pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

from neuralpaint.training.renderers.trainer import Trainer  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def few_to_validate_with():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[Trainer.__module__], "VALIDATION", 64)
        yield


def settings(**changes):
    base = {"network": "coordinate", "brush": "tape", "size": 32, "steps": 12, "batch": 8}
    return TrainingSettings(**(base | {"eval_every": 4, "picture_every": 6} | changes))


def trainer(folder, resume=False, **changes):
    chosen = settings(**changes)
    return Trainer(chosen, BrushSource(chosen.brush, chosen.size, chosen.seed), folder, resume=resume)


SHORT = {"steps": 5, "eval_every": 2, "picture_every": 2}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing interrupts."""
    run = trainer(tmp_path_factory.mktemp("whole"), **SHORT)
    run.run()
    return run


@pytest.mark.parametrize("network", ["coordinate", "rasterization-only", "shading-only"])
def test_resumes_to_the_same_losses(tmp_path, network):
    short = {"network": network, "steps": 6, "eval_every": 2, "picture_every": 0}
    whole = trainer(tmp_path / "whole", **short)
    whole.run()

    part = trainer(tmp_path / "part", **short)

    def stop(step=part._step):
        if part.step == 2:
            signal.raise_signal(signal.SIGINT)
        return step()

    part._step = stop
    with pytest.raises(KeyboardInterrupt):
        part.run()
    rest = trainer(tmp_path / "part", resume=True, **short)
    assert rest.step == 3
    rest.run()
    assert part.losses + rest.losses == whole.losses
    for a, b in zip(rest.average.state_dict().values(), whole.average.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert [p["step"] for p in rest.curve] == [2, 4, 6]


def same(one, other):
    pairs = zip(one.average.state_dict().values(), other.average.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("where", ["optimizer", "source", "backward", "average", "evaluation", "picture"])
@pytest.mark.parametrize(
    ("after", "number"), [(False, signal.SIGINT), (True, signal.SIGINT), (False, signal.SIGTERM)], ids=str
)
def test_an_interrupt_in_a_step_is_never_saved_half_done(tmp_path, whole, where, after, number, monkeypatch):
    run = trainer(tmp_path, **SHORT)
    owner, name = {
        "optimizer": (run.optimizer, "step"),
        "source": (run.source, "batch"),
        "backward": (run.accelerator, "backward"),
        "average": (run, "_follow"),
        "evaluation": (run, "_evaluate"),
        "picture": (run, "_picture"),
    }[where]
    handler = signal.getsignal(number)
    interrupted(monkeypatch, owner, name, lambda: run.step >= 2, lambda: signal.raise_signal(number), after)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert signal.getsignal(number) == handler
    rest = trainer(tmp_path, resume=True, **SHORT)
    assert rest.step == run.step in (2, 3)
    rest.run()
    assert run.losses + rest.losses == whole.losses and same(rest, whole)
    assert [point["step"] for point in rest.curve] == [2, 4, 5]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("how", ["twice", "raised"])
def test_what_stops_a_step_at_once_saves_nothing(tmp_path, whole, how, after, monkeypatch):
    def interrupt():
        if how == "raised":
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second one came late")

    run = trainer(tmp_path, **SHORT)
    interrupted(monkeypatch, run.optimizer, "step", lambda: run.step >= 2, interrupt, after)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert not run.checkpoint.exists()
    rest = trainer(tmp_path, resume=True, **SHORT)
    rest.run()
    assert same(rest, whole)


def test_a_second_run_in_the_same_folder_is_refused(tmp_path):
    refused = []

    def second(progress):
        with pytest.raises(ValueError, match="another run is writing to [^\n]+$"):
            trainer(tmp_path, resume=True, **SHORT).run()
        refused.append(progress.step)

    trainer(tmp_path, **SHORT).run(second)
    assert refused
    trainer(tmp_path, resume=True, **SHORT).run()


def interrupted(monkeypatch, owner, name, when, interrupt, after):
    """Makes a method interrupt once, before or after what it does."""
    method, done = getattr(owner, name), []

    def call(*arguments, **options):
        now = when() and not done
        done.extend([True] * now)
        if now and not after:
            interrupt()
        result = method(*arguments, **options)
        if now and after:
            interrupt()
        return result

    monkeypatch.setattr(owner, name, call)


def test_what_it_writes(tmp_path):
    trainer(tmp_path).run()
    curve = json.loads((tmp_path / "training" / "curve.json").read_text())
    assert curve["settings"]["network"] == "coordinate" and len(curve["curve"]) == 3
    names = {path.name for path in (tmp_path / "training").iterdir()}
    assert {"checkpoint.pt", "grid-0000006.png", "grid-0000012.png"} < names
    assert any(name.startswith("events.out.tfevents") for name in names)


def test_it_learns(tmp_path):
    run = trainer(tmp_path, steps=60, eval_every=10, learning_rate=1e-2)
    run.run()
    assert run.curve[-1]["psnr"] > run.curve[0]["psnr"] + 1


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    trainer(tmp_path, steps=2).run()
    with pytest.raises(ValueError, match="belongs to a training run with batch 8, not 16"):
        trainer(tmp_path, resume=True, steps=2, batch=16)


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    trainer(tmp_path, steps=2).run()
    path = tmp_path / "training" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:500] if damage is None else damage)
    with pytest.raises(ValueError, match="checkpoint.pt is (damaged|not a training checkpoint)"):
        trainer(tmp_path, resume=True, steps=2)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("identity", None),
        ("identity", "[1]"),
        ("identity", "[" * 100_000),
        ("curve", "left out"),
        ("curve", "{"),
        ("step", "left out"),
        ("step", "many"),
        ("network", {"more": torch.zeros(1)}),
        ("average", [1]),
        ("optimizer", {"state": 5}),
        ("source_seconds", "left out"),
        ("source_seconds", torch.nan),
        ("step", -1),
        ("step", 3),
        ("step", True),
        ("seconds", torch.inf),
        ("curve", "[1]"),
        ("sha257", "0"),
        (7, 8),
    ],
)
def test_a_checkpoint_of_other_contents_is_refused(tmp_path, key, value):
    trainer(tmp_path, steps=2).run()
    path = tmp_path / "training" / "checkpoint.pt"
    state = torch.load(path, weights_only=True) | {key: value}
    assert len(state.pop("sha256")) == 64
    torch.save({name: part for name, part in state.items() if not isinstance(part, str) or part != "left out"}, path)
    with pytest.raises(ValueError, match=r"checkpoint\.pt is damaged \(.*\): delete it to start again") as caught:
        trainer(tmp_path, resume=True, steps=2)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("where", ["network", "average", "optimizer"])
def test_what_is_not_finite_is_not_resumed(tmp_path, where):
    trainer(tmp_path, steps=2).run()
    path = tmp_path / "training" / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    del state["sha256"]
    values = [*state[where].values()] if where != "optimizer" else [*state[where]["state"][0].values()]
    values[-1].fill_(torch.inf)
    torch.save(state, path)
    with pytest.raises(ValueError, match=rf"checkpoint\.pt is damaged \({where}.* contains NaN or infinity"):
        trainer(tmp_path, resume=True, steps=2)


def test_older_checkpoints_resume(tmp_path):
    first = trainer(tmp_path, steps=2)
    first.run()
    path = tmp_path / "training" / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    del state["sha256"]
    torch.save(state, path)
    assert trainer(tmp_path, resume=True, steps=2).curve == first.curve


def test_any_change_of_a_checkpoint_is_told(tmp_path):
    trainer(tmp_path, steps=2).run()
    path = tmp_path / "training" / "checkpoint.pt"
    data, unchanged = path.read_bytes(), 0
    good = digest(torch.load(path, weights_only=True))
    identity = json.loads(torch.load(path, weights_only=True)["identity"])
    generator = random.Random(0)
    for _ in range(200):
        at = generator.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << generator.randrange(8)]) + data[at + 1 :])
        try:
            state = read_checkpoint(path, identity, torch.device("cpu"), [])
        except ValueError as error:
            assert "checkpoint.pt" in str(error) and "\n" not in str(error)
        else:
            unchanged += 1
            assert digest(state) == good
    assert unchanged < 60


def test_a_change_that_the_archive_does_not_tell_is_told(tmp_path):
    trainer(tmp_path, steps=2).run()
    path = tmp_path / "training" / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    torch.save(state | {"seconds": state["seconds"] + 1}, path)
    with pytest.raises(ValueError, match=r"checkpoint\.pt is damaged .its checksum does not match"):
        trainer(tmp_path, resume=True, steps=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"batch": 1}, "batch must be"),
        ({"schedule": "quick"}, "unknown schedule"),
        ({"learning_rate": float("nan")}, "learning_rate must be"),
        ({"ema": 1.0}, "ema must be"),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(ValueError, match=message):
        settings(**changes)


def test_schedules():
    paper = TrainingSettings(schedule="paper", steps=400)
    assert [paper.rate * paper.factor(k) for k in (0, 99, 100, 399)] == pytest.approx([2e-4, 2e-4, 2e-5, 2e-7])
    fast = TrainingSettings(steps=1000)
    assert fast.factor(100) == 1 and fast.factor(999) < 1e-4 and fast.factor(50) == 0.5


def test_strokes_depend_on_seed_step_and_process_only():
    source, same, other = BrushSource("oil", 16), BrushSource("oil", 16), BrushSource("oil", 16, seed=1)
    first = source.batch(3, 4, 1, 2)
    assert all(torch.equal(a, b) for a, b in zip(first, same.batch(3, 4, 1, 2), strict=True))
    for another in (source.batch(3, 4, 0, 2), source.batch(4, 4, 1, 2), other.batch(3, 4, 1, 2), source.held_out(3, 2)):
        assert not (first.strokes[:, :5] == another.strokes[:, :5]).any()
    assert torch.equal(source.held_out(0, 4).strokes, other.held_out(0, 4).strokes)
    zoomed = BrushSource("oil", 16, zooms=(1, 2))
    assert zoomed.batch(1, 16).foreground.shape == (4, 3, 32, 32)


def test_quality_is_pooled_over_all_pixels():
    network = build_network("coordinate", "tape", 16)
    strokes = network.brush.sample(2)
    with torch.no_grad():
        foreground, alpha = (part.clamp(0, 1) for part in network(strokes))
    result = quality(network, [Batch(strokes, foreground + 0.1, alpha), Batch(strokes, foreground, alpha + 0.01)])
    assert result.foreground == pytest.approx(20 + 3.01, abs=0.01)
    assert result.alpha == pytest.approx(40 + 3.01, abs=0.01)
    assert result.psnr == pytest.approx((result.foreground + result.alpha) / 2)


def test_survives_kill(tmp_path, fork_server):
    """Killing it while it constantly writes checkpoints leaves a readable one."""
    code = (
        "import neuralpaint.training.loop, neuralpaint.training.renderers.trainer as t\n"
        "neuralpaint.training.loop.CHECKPOINT_SECONDS = 0.0\n"
        "from neuralpaint.training import BrushSource\n"
        "from neuralpaint.training.renderers.settings import TrainingSettings\n"
        "s = TrainingSettings(brush='tape', size=32, steps=100000, batch=8, eval_every=0, picture_every=0)\n"
        f"t.Trainer(s, BrushSource('tape', 32), {str(tmp_path)!r}).run()\n"
    )
    process = fork_server.start(code)
    path = tmp_path / "training" / "checkpoint.pt"
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.kill(signal.SIGKILL)
    assert process.wait().poll() == -signal.SIGKILL, process.err
    run = trainer(tmp_path, resume=True, steps=100000)
    assert run.step > 0
