"""The peer benchmark harness: table, results files, errors, timing. Needs no peer."""

import json
import sys

import pytest

from benchmarks.peers import __main__ as program
from benchmarks.peers import results, sinkhorn, table
from benchmarks.peers.context import Context
from benchmarks.peers.row import format_rows, versus
from benchmarks.peers.snp import SNP, SNPError
from benchmarks.peers.timing import Stats, race

MACHINE = {"cpu": "Example CPU", "cores": 2, "simd": "avx2", "torch": "2.13.0"}
STATS = {
    "ours": Stats([0.002, 0.002, 0.003]),
    "SNP": Stats([0.4, 0.5, 0.4]),
    "copy": Stats([0.001]),
    "broken": Stats(error="RuntimeError: no"),
}


def row(other="SNP", **more):
    return versus("render", "oil, 25×9×128²", STATS, "ours", other, **more)


@pytest.fixture
def folder(tmp_path):
    """A results file, and a README with an outdated table."""
    groups = {"render": results.group([row(), row("copy", kind="limit"), row("broken")], threads=2)}
    results.save(tmp_path / "peers-2030-01-02-example.json", groups, MACHINE, "cpu")
    (tmp_path / "README.md").write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    return tmp_path


def make_table(folder):
    return table.main([str(folder / "README.md"), "--results", str(folder)])


def test_row():
    assert row().ratio == pytest.approx(200)
    assert row().theirs_spread == pytest.approx(0.25)
    assert row("copy").theirs_spread is None  # of one sample there is none
    assert "failed: RuntimeError: no" in format_rows([row("broken")])
    assert "(target 300× *)" in format_rows([row(target=300)])
    assert "50%" in format_rows([row("copy", kind="limit")])


def test_table(folder):
    assert make_table(folder) == 0
    text = (folder / "README.md").read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "Example CPU" in text
    assert "| render oil, 25×9×128² | 2 ms | SNP | 400 ms | 200× |" in text
    assert "50% of the limit" in text
    assert "broken" not in text
    assert make_table(folder) == 0
    assert (folder / "README.md").read_text() == text


def test_table_takes_the_newest_group_of_one_machine(folder):
    def add(name, date, machine, other):
        group = results.group([row(name=other)], threads=2) | {"date": date}
        results.save(folder / f"peers-{other}.json", {name: group}, MACHINE | machine, "cpu")

    add("painting", "2020-01-01", {}, "earlier")
    add("painting", "2019-01-01", {}, "earliest")
    add("composite", "2021-01-01", {"cpu": "Another CPU"}, "elsewhere")
    assert make_table(folder) == 0
    text = (folder / "README.md").read_text()
    assert "| earlier |" in text and "| SNP |" in text
    assert "earliest" not in text and "elsewhere" not in text


def test_readme_of_the_repository_has_the_markers():
    text = table.README.read_text(encoding="utf-8")
    assert "new contents" in table.insert(text, "new contents")


def test_save_keeps_groups_that_were_not_run(folder):
    path = folder / "peers-2030-01-02-example.json"
    results.save(path, {"sinkhorn": results.group([row()], threads=1)}, MACHINE, "cpu")
    assert list(results.load(path)["groups"]) == ["render", "sinkhorn"]
    results.save(path, {"sinkhorn": results.group([row()], threads=1)}, MACHINE | {"cpu": "Another"}, "cpu")
    assert list(results.load(path)["groups"]) == ["sinkhorn"]


@pytest.mark.parametrize(
    ("contents", "message"), [("{", "is not JSON"), ("[]", "is not a results file"), ('{"format": 1}', "results file")]
)
def test_table_of_a_bad_results_file(folder, capsys, contents, message):
    (folder / "peers-bad.json").write_text(contents)
    before = (folder / "README.md").read_text()
    assert make_table(folder) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert (folder / "README.md").read_text() == before


def test_table_without_markers_or_results(folder, tmp_path, capsys):
    (folder / "README.md").write_text("no markers\n")
    assert make_table(folder) == 2
    assert table.main([str(folder / "none.md"), "--results", str(folder)]) == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    assert table.main([str(folder / "README.md"), "--results", str(empty)]) == 2
    assert capsys.readouterr().err.count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--snp", "no/such/folder"], "there is no folder"),
        (["--snp", "{folder}"], "is not a checkout"),
        (["--only", "render,nothing"], "no group 'nothing'"),
        (["--only", "painting"], "needs --photo"),
        (["--only", "composite", "--threads", "0"], "--threads must be"),
        (["--only", "composite", "--timeout", "0"], "--timeout must be positive"),
        (["--only", "composite", "--primitive", "{folder}/none"], "is not a program"),
        (["--only", "composite", "--json", "{folder}/none/x.json"], "cannot write"),
        (["--only", "sinkhorn"], "missing POT: pip install POT"),
    ],
)
def test_bad_arguments(tmp_path, monkeypatch, capsys, arguments, message):
    find = program.importlib.util.find_spec
    monkeypatch.setattr(program.importlib.util, "find_spec", lambda name: find(name) if name not in ("ot",) else None)
    monkeypatch.setitem(program.PACKAGES, "sinkhorn", {"ot": "POT"})
    assert program.main(["--quick", *(argument.format(folder=tmp_path) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_group_that_fails_does_not_stop_the_others(tmp_path, monkeypatch):
    from benchmarks.peers import composite, render

    def fails(context):
        yield row()
        raise RuntimeError("out of paint")

    monkeypatch.setattr(composite, "rows", fails)
    monkeypatch.setattr(render, "rows", lambda context: iter([row("copy")]))
    path = tmp_path / "results.json"
    assert program.main(["--only", "composite,render", "--threads", "1", "--json", str(path)]) == 0
    groups = json.loads(path.read_text())["groups"]
    assert [r["error"] for r in groups["composite"]["rows"]] == [None, "RuntimeError: out of paint"]
    assert [r["other"] for r in groups["render"]["rows"]] == ["copy"]


def test_race_goes_on_without_a_contestant_that_fails():
    calls = []

    def good(count):
        calls.append(count)
        return 0.01

    def bad(count):
        raise ValueError("of\nno use")

    stats = race({"good": good, "bad": bad, "slow": lambda count: 9.0}, rounds=3, budget=5)
    assert len(stats["good"].samples) == 3 and set(calls) == {1, 2}
    assert stats["bad"].error == "ValueError: of no use"
    assert stats["slow"].samples == [9.0]


def fake_snp(folder, renderer):
    """A folder that looks like a checkout, with empty stubs of torch and OpenCV, which take seconds to import."""
    for name in ("torch", "cv2"):
        (folder / f"{name}.py").write_text("__version__ = '0'\nset_num_threads = setNumThreads = lambda count: None\n")
    for name in ("networks", "loss", "pytorch_batch_sinkhorn", "demo_prog"):
        (folder / f"{name}.py").write_text("")
    (folder / "brushes").mkdir()
    (folder / "renderer.py").write_text(renderer)
    return folder


def test_snp_that_fails_or_hangs_or_dies(tmp_path):
    fake_snp(tmp_path, "import os, time\n\ndef Renderer(renderer, **_):\n    eval(renderer)\n")
    with SNP(tmp_path, 1, timeout=20) as snp:
        for action, message in (("1 / 0", "ZeroDivisionError"), ("os._exit(3)", "process ended")):
            with pytest.raises(SNPError, match=message):
                snp.timer("rasterize", renderer=action, size=8, strokes="none")(1)
        snp._start()
        snp.timeout = 0.2
        with pytest.raises(SNPError, match="longer than it may"):
            snp.timer("rasterize", renderer="time.sleep(60)", size=8, strokes="none")(1)


def test_snp_script(tmp_path):
    fake_snp(tmp_path, "")
    (tmp_path / "demo_prog.py").write_text(
        "import sys, torchvision, renderer\nprint('begin drawing', *sys.argv[1:])\nprint('saving')\nsys.exit(4)\n"
    )
    with SNP(tmp_path, 1) as snp:
        lines = snp.run("demo_prog.py", ["--quiet"], timeout=60)
        assert [next(lines)[1] for _ in range(2)] == ["begin drawing --quiet", "saving"]
        with pytest.raises(SNPError, match="exit code 4"):
            next(lines)
    assert "__pycache__" not in {path.name for path in tmp_path.iterdir()}


def test_painting_beside_a_program(tmp_path):
    """A stand-in for `--primitive` with the same command line; copies its input to its output."""
    import torch
    from PIL import Image

    from benchmarks.peers import painting

    photo = tmp_path / "photo.png"
    Image.fromarray((torch.rand(24, 32, 3) * 255).byte().numpy()).save(photo)
    fake = tmp_path / "primitive"
    fake.write_text(f"#!{sys.executable}\nimport shutil, sys\nshutil.copy(sys.argv[2], sys.argv[4])\n")
    fake.chmod(0o755)
    context = Context(1, photo=photo, primitive=fake)
    stats, quality = painting._primitive(context)
    assert not stats.error and len(stats.samples) == 1
    assert quality == "inf dB"
    fake.write_text(f"#!{sys.executable}\nraise SystemExit(1)\n")
    assert "exit status 1" in painting._primitive(context)[0].error


@pytest.mark.parametrize("euclidean", [False, True])
@pytest.mark.parametrize("batched", [False, True])
def test_pot_computes_the_same(euclidean, batched):
    pytest.importorskip("ot")
    context = Context(1)
    masses = [(context.tensor(2, 6, 6, seed=seed) + 0.01).requires_grad_() for seed in (0, 1)]
    ours = sinkhorn.step(sinkhorn.ours(euclidean), masses)()
    theirs = sinkhorn.step(sinkhorn.pot(6, "cpu", euclidean, batched), masses)()
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() < 1e-4 * a.abs().max()
