"""Starts two processes of a kind, says which by files named after them, and waits."""

import os
import threading
import time
from pathlib import Path

from torch.utils.data import DataLoader

from neuralpaint.engines import BOX, ONE_COLOR, EngineSpec
from neuralpaint.engines.pool import EnginePool
from neuralpaint.engines.spec import load_engine
from neuralpaint.parallel.processes import ProcessWorkers
from neuralpaint.utils.children import for_loader


def mark(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)


@EngineSpec("orphan", (*BOX, *ONE_COLOR, "a"), "box")
def engine(strokes, size):
    mark(os.environ["MARKS"])


class Waiting:
    def __init__(self, folder):
        self.folder = folder

    def __len__(self):
        return 2

    def __getitem__(self, index):
        mark(self.folder)


def start(kind, folder):
    if kind == "loader":
        list(DataLoader(Waiting(folder), num_workers=2, worker_init_fn=for_loader()))
    elif kind == "engine":
        import numpy as np

        os.environ["MARKS"] = folder
        pool = EnginePool(load_engine("tests.utils.orphans:engine"), 2)
        pool.draw(np.full((32, len(pool.engine.spec.parameters)), 0.5, np.float32), 8)
    else:
        list(ProcessWorkers(2, threads=1).run(mark, [(folder,)] * 2))


def main(kind, folder, thread):
    if thread == "main":
        start(kind, folder)
    else:
        other = threading.Thread(target=start, args=(kind, folder))
        other.start()
        other.join()
