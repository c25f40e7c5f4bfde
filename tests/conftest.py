import os

import torch


def pytest_configure(config):
    # Several workers with as many threads each as there are cores would wait for one another.
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    if workers > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // workers))
