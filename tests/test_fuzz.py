"""A short run of the fuzz of the operators (`make fuzz` is the long one), and that it would see a fault."""

from collections import Counter

import pytest
import torch

from tools.fuzz.cases import Maker
from tools.fuzz.ops import outcome, run_batch

CALLS = 600


def test_random_and_hostile_calls_give_results_or_clear_errors():
    words: Counter[str] = Counter()
    for number in range(CALLS):
        case = Maker(1, number).make()
        word, wrong = outcome(case)
        assert not wrong, f"case {number}: {wrong} | {case}"
        words[word] += 1
    assert words["result"] > CALLS / 4 and words["RuntimeError"] > CALLS / 20 and words["ValueError"] > CALLS / 20


def test_a_case_can_be_repeated():
    assert str(Maker(1, 7).make()) == str(Maker(1, 7).make()) != str(Maker(1, 8).make())


@pytest.mark.parametrize("result", [torch.tensor([torch.nan]), 3.0, ZeroDivisionError("no"), RuntimeError("std::x")])
def test_a_fault_is_seen(result, monkeypatch):
    import neuralpaint.ops

    def faulty(**arguments):
        if isinstance(result, Exception):
            raise result
        return result

    case = next(case for case in (Maker(1, n).make() for n in range(500)) if not case.changes and not case.direct)
    monkeypatch.setattr(neuralpaint.ops, case.name, faulty)
    assert outcome(case)[1]


@pytest.mark.slow
def test_a_process_that_dies_is_reported(monkeypatch):
    monkeypatch.setenv("NEURALPAINT_LIB", "/nowhere")
    counts, failures, made = run_batch(1, 5, 3)
    assert counts["died"] == 1 and made == 1 and failures[0][0] == 5 and "nowhere" in failures[0][1]
