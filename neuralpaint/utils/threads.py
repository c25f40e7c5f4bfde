"""How many threads torch uses, for one thread of a host program and no others."""

from __future__ import annotations

import ctypes

import torch


def use_one_thread() -> None:
    """Makes torch's loops, and our kernels, stay in this thread when they are called from it.

    `torch.set_num_threads` would also set the number for threads that begin later. Does nothing where OpenMP is linked
    in another way.
    """
    torch.get_num_threads()  # sets the number of this thread to that of the process, once
    try:
        ctypes.CDLL(None).omp_set_num_threads(1)  # of this thread
    except (OSError, AttributeError, TypeError):
        pass
