"""What `tools/cuda_check.py` reads in ptxas's output, and the table that it writes."""

import importlib
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
OUTPUT = """\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z4drawIfEvv' for 'sm_80'
ptxas info    : Function properties for _Z4drawIfEvv
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 88 registers, used 1 barriers, 1948 bytes smem, 392 bytes cmem[0]
ptxas info    : Compiling entry function '_Z4drawIdEvv' for 'sm_80'
ptxas info    : Function properties for _Z4drawIdEvv
    24 bytes stack frame, 20 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 128 registers, used 1 barriers, 392 bytes cmem[0]
ptxas info    : Compiling entry function '_Z4drawIfEvv' for 'sm_90'
ptxas info    : Function properties for _Z4drawIfEvv
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 72 registers, used 1 barriers, 4 bytes smem
"""


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    yield importlib.import_module("cuda_check")
    for name in ("cuda_check", "cuda_toolkit"):
        sys.modules.pop(name, None)


def kernels(tool):
    found = tool.parse_ptxas(OUTPUT, "draw.cu")
    for kernel in found:
        kernel.name = "cuda::draw<float>" if "If" in kernel.symbol else "cuda::draw<double>"
    return found


def test_what_ptxas_says(tool):
    found = [(k.architecture, k.registers, k.shared, k.stack, k.spills_too_much) for k in kernels(tool)]
    assert found == [("sm_80", 88, 1948, 0, False), ("sm_80", 128, 0, 24, True), ("sm_90", 72, 4, 0, False)]


def test_the_table_has_the_most_of_each_architecture(tool):
    lines = tool.markdown(kernels(tool), "13.0").splitlines()
    assert lines[0].startswith("nvcc 13.0") and "sm_80 | registers, sm_90" in lines[2]
    assert lines[-1] == "| `draw.cu` | `draw` | 2 | 128 | 72 | 1,948 B | 20 B |"


def test_it_goes_between_its_marks(tool, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{tool.BEGIN}\nold\n{tool.END}\nafter\n", encoding="utf-8")
    tool.write_table(page, "| new |")
    assert page.read_text(encoding="utf-8") == f"before\n{tool.BEGIN}\n\n| new |\n\n{tool.END}\nafter\n"
    tool.write_table(tmp_path / "own.md", "| new |")
    assert "| new |" in (tmp_path / "own.md").read_text(encoding="utf-8")
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match=r"page\.md has no place for the table"):
        tool.write_table(page, "| new |")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
