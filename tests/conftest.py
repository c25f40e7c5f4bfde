import os

import pytest
import torch


def pytest_configure(config):
    # Several workers with as many threads each as there are cores would wait for one another.
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    if workers > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // workers))


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory):
    """A file with the first five convolutions of a VGG-19 that has learned nothing."""
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
