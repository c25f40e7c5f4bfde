import threading

import torch

from neuralpaint.utils.page_cache import keep_pages


def test_tensors_hold_what_they_should_within_and_after():
    def work():
        with keep_pages(), keep_pages():
            for size in (1 << 20, 1 << 23, 5):
                values = torch.arange(size, dtype=torch.float32)
                assert values[-1] == size - 1 and (values * 2).sum() == values.sum() * 2

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.ones(1 << 23).sum() == 1 << 23
