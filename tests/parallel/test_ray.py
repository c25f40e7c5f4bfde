"""A local Ray cluster with several nodes: pip install ray, then `pytest -m slow tests/parallel`."""

import socket
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint import paint
from neuralpaint.search import Preset

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow

from neuralpaint.parallel.ray import RayWorkers  # noqa: E402
from tests.parallel import tasks  # noqa: E402

WINDOWS = Preset("windows", stages=3, rounds=2, steps=20, reseeds=1, refine=80, block_pixels=8)


@pytest.fixture
def cluster():
    """A head node without CPUs, and two nodes with one CPU each."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    made.nodes = [made.add_node(num_cpus=1), made.add_node(num_cpus=1)]
    made.wait_for_nodes()
    try:
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def photo(size=128):
    coarse = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse[None], size=(size, size), mode="bilinear")[0]


def test_results_and_exceptions(cluster, tmp_path):
    with RayWorkers(cluster.address) as workers:
        shared = workers.share(21)
        assert sorted(workers.run(tasks.double, [(shared,)] * 5)) == [(number, 42) for number in range(5)]
        with pytest.raises(ValueError, match="no luck"):
            list(workers.run(tasks.fail, [("luck",)]))
        done = sorted(workers.run(tasks.die_once, [(str(tmp_path), number) for number in range(3)]))
        assert done == [(number, number) for number in range(3)]


def test_a_node_killed_in_the_middle_changes_nothing(cluster, capsys):
    expected = paint(photo(), "oil", 6000, WINDOWS, window=1)
    events = []
    with RayWorkers(cluster.address) as workers:

        def report(progress):
            events.append(progress.step)
            if len(cluster.nodes) == 2 and progress.stage.startswith("level 3"):
                cluster.remove_node(cluster.nodes.pop(), allow_graceful=False)
                with capsys.disabled():
                    print(f"\nnode killed at step {progress.step} of {progress.steps} ({progress.stage})")
                cluster.add_node(num_cpus=1)

        started = time.perf_counter()
        painting = paint(photo(), "oil", 6000, WINDOWS, window=1, workers=workers, callback=report)
    assert torch.equal(painting.strokes, expected.strokes)
    assert len(cluster.nodes) == 1 and events == sorted(events)
    with capsys.disabled():
        print(f"{len(painting)} strokes in {time.perf_counter() - started:.1f} s: the same bytes as on one machine")


def test_photos_of_a_folder(cluster, tmp_path, capsys):
    from typer.testing import CliRunner

    from neuralpaint.cli import app

    (tmp_path / "photos").mkdir()
    for seed in range(6):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((160, 120), Image.Resampling.BICUBIC).save(tmp_path / "photos" / f"{seed}.png")
    (tmp_path / "photos" / "bad.png").write_bytes(b"no picture")

    def run(name, *options):
        arguments = [tmp_path / "photos", "-o", tmp_path / name, "--save", tmp_path / f"{name} strokes", "--strokes"]
        result = CliRunner().invoke(app, ["paint", *map(str, arguments), "150", *options])
        assert result.exit_code == 1 and "1 of 7 photos could not be painted" in result.stderr, result.output
        return {
            path.name: path.read_bytes()
            for folder in (name, f"{name} strokes")
            for path in sorted((tmp_path / folder).iterdir())
        }

    here = run("here")
    killer = threading.Timer(8.0, lambda: cluster.remove_node(cluster.nodes.pop(), allow_graceful=False))
    killer.start()
    there = run("there", "--ray", cluster.address)
    killer.cancel()
    assert len(here) == 12 and there == here
    with capsys.disabled():
        print(f"\n6 photos, {2 - len(cluster.nodes)} node killed in the middle: the same bytes as on one machine")


@pytest.mark.parametrize("kind", ["closed", "silent", "nonsense"])
def test_an_address_that_answers_nothing(kind):
    started = time.perf_counter()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if kind == "silent":
            listening.listen()
        address = "somewhere" if kind == "nonsense" else f"127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(ValueError, match="answers at|is not an address"):
            RayWorkers(address)
    assert time.perf_counter() - started < 30
