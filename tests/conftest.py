import multiprocessing
import os
import signal
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

pytest_plugins = ["tests.styles.fixtures"]


def pytest_configure(config):
    # A shell starts what runs in the background with Ctrl-C ignored; the tests of interrupts send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Several workers with as many threads each as there are cores would wait for one another.
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    if workers > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // workers))
        os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))  # for the processes that tests start


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory):
    """A file with the first five convolutions of an untrained VGG-19."""
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(0)
    state = {}
    for index, shape in ((0, (64, 3)), (2, (64, 64)), (5, (128, 64)), (7, (128, 128)), (10, (256, 128))):
        scale = (2 / (9 * shape[1])) ** 0.5
        state[f"features.{index}.weight"] = scale * torch.randn(*shape, 3, 3, generator=generator)
        state[f"features.{index}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    path = tmp_path_factory.mktemp("vgg") / "vgg.safetensors"
    save_file(state, path)
    return path


@pytest.fixture
def few_held_out(monkeypatch):
    """Makes the final evaluation of training use few strokes."""
    from neuralpaint.training.renderers.metrics import held_out_quality

    monkeypatch.setattr(held_out_quality, "__defaults__", (70,))


@pytest.fixture(scope="module")
def forked_workers():
    """Forks the processes of workers from one that has imported torch, which takes each of them seconds otherwise."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuralpaint.parallel.processes.mp", SimpleNamespace(get_context=lambda method: context))
        yield


@pytest.fixture(scope="session")
def fork_server():
    """Starts processes with torch already imported."""
    from tests.ops.fork_server import shared_fork_server

    return shared_fork_server()


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def line(self):
        """The only line on stderr."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@pytest.fixture
def any_precision():
    """Lets a test train at another precision than earlier ones: accelerate keeps one for the life of a process."""
    state = pytest.importorskip("accelerate.state").AcceleratorState
    state._reset_state(True)
    yield
    state._reset_state(True)


@pytest.fixture
def run(monkeypatch):
    """Runs `neuralpaint` with these arguments and checks that it shows no traceback."""
    from neuralpaint.cli import app

    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="neuralpaint")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call
