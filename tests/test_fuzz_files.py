"""A few hundred damaged files of every kind. All of them: `python -m tools.fuzz.files --files 100000`."""

import json
import random
import sys

import pytest


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the memory of its children as Linux does")
def test_damaged_files_are_refused_or_read_as_they_were(tmp_path, fork_server):
    pytest.importorskip("accelerate")
    pytest.importorskip("tensorboard")
    code = "import sys\nfrom tools.fuzz.files import main\nsys.exit(main())"
    done = fork_server.run(code, "--files", 200, "--seed", 1, "--out", tmp_path)
    assert done.poll() == 0, done.out + done.err
    table = {line[:28].strip(): line[28:].split() for line in done.out.splitlines()[1:]}
    files, refused, same, other, failures = (int(cell.replace(",", "")) for cell in table["all"])
    assert files >= 200 and refused > 100 and same > 10 and other > 3 and failures == 0
    assert len(table) == 21 and all(int(row[0]) > 5 for row in table.values())


def test_a_failure_is_found_and_kept(tmp_path, fork_server):
    """What a loader must not do: crash, hang, take much memory, raise other errors, read other contents."""
    done = fork_server.run(FAULTS, tmp_path)
    assert done.poll() == 0, done.out + done.err
    found = json.loads(done.out.splitlines()[-1])
    assert found["crash"] and set(found["crash"]) == {"the process ended: -11"}
    assert set(found["hang"]) == {"more than 1 s"}
    assert set(found["memory"]) == {"MemoryError: "}
    assert set(found["other error"]) == {"KeyError: 'x'"}
    assert set(found["other contents"]) == {"loads with other contents"}
    reasons = [path.read_text() for path in tmp_path.glob("crash-0-*/reason.txt")]
    assert len(reasons) == len(found["crash"]) and "--seed 0 --repeat 'crash:" in reasons[0]
    assert all((path.parent / "files" / "f").read_bytes() != b"good" for path in tmp_path.glob("crash-0-*/reason.txt"))


FAULTS = """
import json, os, signal, sys, time
from pathlib import Path
from tools.fuzz import files
from tools.fuzz.loaders import Loader

def make(folder):
    (folder / "a").mkdir()
    (folder / "a" / "f").write_bytes(b"good")

def loader(name, fault):
    def load(folder):
        return "good" if (folder / "f").read_bytes() == b"good" else fault()
    return Loader(name, make, load, checked=True)

files.SECONDS = 1
faults = {
    "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "hang": lambda: time.sleep(60),
    "memory": lambda: bytes(2**31),
    "other error": lambda: {}["x"],
    "other contents": lambda: "other",
}
files.LOADERS = {name: loader(name, fault) for name, fault in faults.items()}
out = Path(sys.argv[1])
found = {}
for name in faults:
    count = files.run(3, 0, [name], out)[name]
    found[name] = [text for _, text in count.failures]
print(json.dumps(found))
"""


def test_mutations_change_files_and_are_repeatable():
    from tools.fuzz.mutations import ANYWHERE, change_json, mutate

    data = bytes(range(256)) * 4
    for mutation in ANYWHERE:
        changed = [mutation(data, random.Random(seed)) for seed in range(20)]
        assert sum(one != data for one in changed) > 10, mutation
        assert changed == [mutation(data, random.Random(seed)) for seed in range(20)]
    text = json.dumps({"sha256": "0", "a": [1, {"b": 2}]}).encode()
    found = [change_json(text, random.Random(seed)) for seed in range(300)]
    assert all("sha256" in json.loads(one) for one in found)
    assert any(one.count(b'"a"') == 2 for one in found) and any(b'"a"' not in one for one in found)
    assert mutate("x.json", text, random.Random(3)) == mutate("x.json", text, random.Random(3))
