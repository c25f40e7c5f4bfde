import json
import signal

import pytest
import torch

pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

from accelerate import Accelerator  # noqa: E402
from accelerate.state import AcceleratorState  # noqa: E402

from neuralpaint.losses.features import VGG19Features  # noqa: E402
from neuralpaint.styles import StyleNetwork  # noqa: E402
from neuralpaint.styles.pretrained import load_style_network  # noqa: E402
from neuralpaint.training.styles.add import new_style  # noqa: E402
from neuralpaint.training.styles.dataset import ContentPhotos, load_styles, pictures_in, style_name  # noqa: E402
from neuralpaint.training.styles.report import finish  # noqa: E402
from neuralpaint.training.styles.settings import StyleSettings  # noqa: E402
from neuralpaint.training.styles.trainer import StyleTrainer, held_out_losses, held_out_pieces, split  # noqa: E402


def settings(**changes):
    base = {"architecture": "light", "steps": 6, "batch": 2, "size": 32, "style_size": 32, "learning_rate": 5e-3}
    return StyleSettings(**(base | {"eval_every": 3, "picture_every": 3, "warm_up": 1} | changes))


@pytest.fixture
def make(photos, paintings, vgg_file, tmp_path):
    features = VGG19Features(vgg_file)

    def make(name="out", styles=None, *, resume=False, network=None, start=None, accelerator=None, **changes):
        chosen = settings(**changes)
        loaded = styles or load_styles(pictures_in(paintings, "styles"), chosen.style_size)
        files = pictures_in(photos, "content")
        options = {"network": network, "start": start, "accelerator": accelerator, "resume": resume}
        return StyleTrainer(chosen, loaded, files, features, tmp_path / name, **options)

    return make


def test_training_lowers_the_loss_and_writes_a_network(make, tmp_path):
    trainer = make(steps=40, warm_up=10, eval_every=0, picture_every=0)
    trainer.run()
    first, last = (sum(c + 10 * s for c, s in part) / 5 for part in (trainer.losses[:5], trainer.losses[-5:]))
    assert last < 0.8 * first
    line = finish(trainer, tmp_path / "out", torch.float16)
    assert "2 styles" in line
    loaded = load_style_network(tmp_path / "out")
    assert loaded.names == ["green-lilies", "red-house"]
    assert {file.stem for file in (tmp_path / "out" / "thumbnails").iterdir()} == set(loaded.names)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| green-lilies |" in card and "float16" in card
    curve = json.loads((tmp_path / "out" / "training" / "curve.json").read_text())["curve"]
    assert curve[-1]["step"] == 40 and len(curve[-1]["style_by_style"]) == 2


def test_lessons_bring_the_teachers_pictures_nearer(make):
    trainer = make(steps=60, warm_up=0, lessons=60, lesson_photos=4, affine_rate=2.0, eval_every=0, picture_every=0)
    trainer.run()
    first, last = (sum(difference for difference, _ in part) / 5 for part in (trainer.losses[:5], trainer.losses[-5:]))
    assert last < 0.7 * first
    photo, picture, styles = trainer.lessons.batch([3, 0, 4])
    assert styles.tolist() == [1, 0, 0] and torch.equal(photo[1], photo[2])
    assert (picture - photo).abs().mean((1, 2, 3)).min() > 0.02
    assert torch.equal(picture, make(lessons=1, lesson_photos=4).lessons.batch([3, 0, 4])[1])


@pytest.mark.parametrize("architecture", ["light", "paper"])
def test_bfloat16_has_nearly_the_same_losses(make, any_precision, architecture):
    losses = []
    for precision in ("no", "bf16"):
        AcceleratorState._reset_state(True)
        accelerator = Accelerator(cpu=True, mixed_precision=precision)
        trainer = make(precision, accelerator=accelerator, architecture=architecture, warm_up=0, steps=3, eval_every=0)
        trainer.run()
        losses.append(torch.tensor(trainer.losses))
    first = (losses[1] - losses[0])[0].abs().max()  # Adam turns later rounding errors into steps
    assert 0 < first < 0.01 * losses[0].max() and losses[1].isfinite().all()


def test_begins_with_another_network(make):
    torch.manual_seed(0)
    start = StyleNetwork(["other", "red-house"], "light")
    for norm in start.norms():
        norm.gamma.data.uniform_(), norm.beta.data.uniform_()
    network = make(start=start).network
    for new, old in zip(network.norms(), start.norms(), strict=True):
        assert torch.equal(new.gamma[1], old.gamma[1]) and torch.equal(new.beta[0], old.beta.mean(0))
    photo = torch.rand(1, 3, 32, 32)
    mix = torch.tensor([[0.0, 1.0]])
    assert torch.equal(network.eval()(photo, mix), start.eval()(photo, mix))
    with pytest.raises(ValueError, match="start must have the architecture 'light', got 'paper'"):
        make(start=StyleNetwork(["one"], "paper"))


@pytest.mark.parametrize("lessons", [0, 3])
def test_resumes_to_the_same_losses(make, tmp_path, lessons):
    whole = make("whole", lessons=lessons)
    whole.run()
    part = make("part", lessons=lessons)

    def stop(step=part._step):
        if part.step == 2:
            signal.raise_signal(signal.SIGINT)
        return step()

    part._step = stop
    with pytest.raises(KeyboardInterrupt):
        part.run()
    rest = make("part", resume=True, lessons=lessons)
    assert rest.step == 3
    rest.run()
    assert part.losses + rest.losses == whole.losses
    for a, b in zip(whole.average.parameters(), rest.average.parameters(), strict=True):
        assert torch.equal(a, b)
    sheets = sorted(file.name for file in (tmp_path / "part" / "training").glob("sheet-*.png"))
    assert sheets == ["sheet-000003.png", "sheet-000006.png"]


def test_a_checkpoint_of_other_settings_or_styles_is_an_error(make, tmp_path):
    make().run()
    with pytest.raises(ValueError, match="belongs to a training run with batch 2, not 3"):
        make(resume=True, batch=3)
    with pytest.raises(ValueError, match="with styles"):
        make(resume=True, styles={"green-lilies": torch.rand(3, 40, 40)})
    path = tmp_path / "out" / "training" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="damaged"):
        make(resume=True)


def test_every_style_has_its_turn(make):
    trainer = make(batch=3)
    seen = []
    for step in range(4):
        trainer.step = step
        seen += trainer._styles(3).tolist()
    assert [seen.count(k) for k in (0, 1)] == [6, 6]
    assert all({a, b} == {0, 1} for a, b in zip(seen[::2], seen[1::2], strict=True))


def test_adding_a_style_changes_nothing_else(make, photos, tmp_path):
    torch.manual_seed(0)
    network = StyleNetwork(["one", "two"], "light")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    painting = torch.rand(3, 40, 40)
    features = make().objective.table.features
    assert new_style(network, "three", painting, features, pictures_in(photos, "content")) in ("one", "two")
    trainer = make(network=network, styles={"three": painting}, warm_up=0, steps=12, learning_rate=0.02, ema=0.5)
    held = held_out_pieces(trainer.held_out, 32)
    start = held_out_losses(network, trainer.objective, held, 2)[1].item()
    trained = trainer.run()
    assert held_out_losses(trained, trainer.objective, held, 2)[1].item() < start
    for name, value in trained.state_dict().items():
        if name.endswith("weight"):
            assert torch.equal(value, before[name]), name
        else:
            assert torch.equal(value[:2], before[name]), name
    assert any(not torch.equal(norm.gamma[2], norm.gamma[0]) for norm in trained.norms())
    finish(trainer, tmp_path / "out")
    assert load_style_network(tmp_path / "out").names == ["one", "two", "three"]


def test_pieces_are_the_same_whenever_they_are_asked_for(photos):
    files = pictures_in(photos, "content")
    first, second = ContentPhotos(files, 32, 7), ContentPhotos(files, 32, 7, memory=0)
    order = [5, 1000, 5, 3]
    for k in order:
        assert first[k].shape == (3, 32, 32) and first[k].dtype == torch.uint8
        assert torch.equal(first[k], second[k])
    assert not torch.equal(first[3], first[3 + len(files)])
    assert not torch.equal(first[3], ContentPhotos(files, 32, 8)[3])


def test_held_out_photos_are_not_learned_from(photos):
    files = pictures_in(photos, "content")
    learned, held = split(files)
    assert len(held) == 1 and not set(held) & set(learned) and len(learned) == 11
    assert split(list(reversed(files))) == (learned, held)


@pytest.mark.parametrize(
    "name, expected",
    [("Green Lilies.jpg", "green-lilies"), ("Nymphéas (1906).png", "nympheas-1906"), ("夜.png", "style")],
)
def test_names_of_styles(name, expected):
    assert style_name(name) == expected


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"steps": 0}, "steps"),
        ({"style_weight": -1.0}, "style_weight"),
        ({"smoothness": -1.0}, "smoothness"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"schedule": "line"}, "schedule"),
        ({"architecture": "heavy"}, "unknown network 'heavy'"),
        ({"ema": 1.0}, "ema"),
        ({"size": 8}, "size"),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(ValueError, match=message):
        settings(**changes)
