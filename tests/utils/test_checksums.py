import json
import math

import numpy as np
import pytest
import torch

from neuralpaint.utils.checksums import check_checksum, digest, with_checksum

DIFFERENT = [
    *(None, True, False, 0, 1, 1.0, -0.0, 0.0, math.inf, "1", "", "None", "i1 "),
    *([], [1], [[1]], [1, 2], ["1", "2"], ["12"], {}, {"1": 2}, {"2": 1}, {"a": {"b": 1}}, {"a": {}, "b": 1}),
    *(torch.zeros(0), torch.zeros(0, 2), torch.zeros(2), torch.zeros(2, 1), torch.zeros(2).int()),
    *(torch.tensor([0.0, -0.0]), torch.zeros(()), torch.zeros(2).half(), torch.zeros(8, dtype=torch.uint8)),
]


def test_different_values_have_different_digests():
    assert len({digest(value) for value in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((1, 2), [1, 2]),
        ({"a": 1, "b": [2]}, {"b": (2,), "a": 1}),
        ({10: 1, 9: 2}, {"9": 2, "10": 1}),
        (torch.arange(6).view(2, 3).T, torch.arange(6).view(2, 3).T.contiguous()),
        (torch.ones(2, requires_grad=True), torch.ones(2)),
        (np.float64(0.1), 0.1),
        (math.nan, math.nan),
        ("\ud800", json.loads('"\\ud800"')),
    ],
)
def test_equal_values_have_equal_digests(first, second):
    assert digest([first]) == digest([second])


def test_other_things_have_none():
    with pytest.raises(TypeError, match="a set has no checksum"):
        digest([{1}])


def test_what_json_keeps_keeps_its_checksum():
    facts = {"numbers": [1, 1.5, 1e-300, 1e300, 10**30], "text": "ä\n\x00", "nest": {"a": [None, True]}}
    written = with_checksum(facts, torch.ones(3))
    check_checksum(json.loads(json.dumps(written, sort_keys=True)), torch.ones(3), ())
    for changed, payload in ((written | {"text": "a"}, torch.ones(3)), (written, torch.ones(4))):
        with pytest.raises(ValueError, match="its checksum does not match"):
            check_checksum(changed, payload, ())


def test_what_has_no_checksum_must_be_older():
    check_checksum({"a": 1}, None, ("a", "b"))
    with pytest.raises(ValueError, match="no checksum, but 'shb256'"):
        check_checksum({"a": 1, "shb256": "0"}, None, ("a", "b"))
