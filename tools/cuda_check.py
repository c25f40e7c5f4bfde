"""Compiles everything CUDA without a GPU or a CUDA build of torch, and reports what each kernel uses.

    python tools/cuda_check.py [--jobs 2] [--table docs/performance.md]

Each csrc/cuda/*.cu is compiled for every architecture that the package names, and csrc/torch/cuda*.cpp against the
headers of the installed torch. Exit status 0: all compiled, and no kernel spills registers beyond ACCEPTED_SPILLS;
1: otherwise; 2: nvcc is missing (0 if NEURALPAINT_CUDA_CHECK=skip-if-missing).
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cuda_toolkit

CSRC = Path(__file__).resolve().parent.parent / "csrc"

# Spills that were measured and found worth it: demangled kernel name without its arguments -> bytes of spill stores
# and of spill loads, each at most.
ACCEPTED_SPILLS: dict[str, int] = {}


@dataclass
class Kernel:
    """What ptxas says of one function, in bytes but for the registers."""

    source: str
    architecture: str
    symbol: str
    name: str = ""
    registers: int = 0
    stack: int = 0
    spill_stores: int = 0
    spill_loads: int = 0
    shared: int = 0

    @property
    def spills_too_much(self) -> bool:
        return max(self.spill_stores, self.spill_loads) > ACCEPTED_SPILLS.get(self.name, 0)


def parse_ptxas(text: str, source: str) -> list[Kernel]:
    """Reads the output of `ptxas -v`. Functions that were not inlined into a kernel are listed too: they can spill."""
    kernels: list[Kernel] = []
    architecture = ""
    for line in text.splitlines():
        if found := re.search(r"Compiling entry function '\S+' for '(\w+)'", line):
            architecture = found[1]
        elif found := re.search(r"Function properties for (\S+)", line):
            kernels.append(Kernel(source, architecture, found[1].strip("'")))
        elif found := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            kernels[-1].stack, kernels[-1].spill_stores, kernels[-1].spill_loads = (int(n) for n in found.groups())
        elif found := re.search(r"Used (\d+) registers", line):
            kernels[-1].registers = int(found[1])
            if shared := re.search(r"(\d+) bytes smem", line):
                kernels[-1].shared = int(shared[1])
    return kernels


def demangle(kernels: list[Kernel], toolkit: Path) -> None:
    """Sets each kernel's name: demangled, without its arguments and return type."""
    tool = shutil.which(str(toolkit / "bin" / "cu++filt")) or shutil.which("c++filt")
    names = [kernel.symbol for kernel in kernels]
    if tool and names:
        output = subprocess.run([tool], input="\n".join(names), capture_output=True, text=True, check=True).stdout
        names = output.splitlines()
    for kernel, name in zip(kernels, names, strict=True):
        name = re.sub(r"<unnamed>::|\(anonymous namespace\)::|::_GLOBAL__N__\w+|\bneuralpaint::|^void ", "", name)
        kernel.name = re.sub(r"\((?!\w[\w: ]*\)[\w-]).*$", "", name)


def compile_kernels(nvcc: str, source: Path, architectures: list[str], folder: Path) -> tuple[Path, int, str]:
    targets = [f"-gencode=arch=compute_{a},code=sm_{a}" for a in architectures]
    command = [nvcc, "-c", str(source), "-o", str(folder / f"{source.stem}.cu.o"), "-std=c++17", f"-I{CSRC}"]
    return run(source, [*command, *cuda_toolkit.NVCC_FLAGS, *targets, "-Xptxas", "-v"])


def compile_glue(toolkit: Path, source: Path, folder: Path) -> tuple[Path, int, str]:
    import importlib.util

    # As csrc/CMakeLists.txt compiles them. The stable ABI's headers are in a CPU build of torch too.
    torch = importlib.util.find_spec("torch")
    if torch is None or not torch.submodule_search_locations:
        return source, 1, "torch is not installed"
    headers = Path(next(iter(torch.submodule_search_locations))) / "include"
    defines = ["-DUSE_CUDA", "-DTORCH_TARGET_VERSION=0x020a000000000000ULL"]
    includes = [f"-I{CSRC}", f"-isystem{headers}", f"-isystem{toolkit / 'include'}"]
    command = [os.environ.get("CXX", "g++"), "-c", str(source), "-o", str(folder / f"{source.stem}.cpp.o"), "-fPIC"]
    return run(source, [*command, "-std=c++17", "-O0", "-Wall", *defines, *includes])


def run(source: Path, command: list[str]) -> tuple[Path, int, str]:
    done = subprocess.run(command, capture_output=True, text=True)
    output = done.stdout + done.stderr
    if done.returncode:
        output = f"{shlex.join(command)}\n{output}"
    return source, done.returncode, output


def print_table(kernels: list[Kernel]) -> None:
    header = ["kernel", "source", "arch", "registers", "spill st/ld B", "stack B", "shared B", ""]
    rows = [
        [k.name, k.source, k.architecture, str(k.registers), f"{k.spill_stores}/{k.spill_loads}", str(k.stack)]
        + [str(k.shared), "SPILL" if k.spills_too_much else ""]
        for k in sorted(kernels, key=lambda k: (k.source, k.name, k.architecture))
    ]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        left = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        print("  ".join(left + right).rstrip())


BEGIN, END = "<!-- registers: begin (make cuda-check TABLE=docs/performance.md) -->", "<!-- registers: end -->"


def markdown(kernels: list[Kernel], version: str) -> str:
    """What kernels of each name use at most, whatever their brush and dtype, as a table in Markdown."""
    architectures = sorted({kernel.architecture for kernel in kernels})
    # Functions that kernels call use no registers of their own.
    groups: dict[tuple[str, str], list[Kernel]] = {}
    for kernel in kernels:
        if kernel.registers:
            name = re.sub(r"<.*$", "", kernel.name).removeprefix("cuda::")
            groups.setdefault((kernel.source, name), []).append(kernel)
    lines = [
        f"nvcc {version}; the most that any variant of a kernel takes, {len(kernels)} functions in all.",
        "",
        f"| source | kernel | variants | {' | '.join(f'registers, {name}' for name in architectures)} "
        "| static shared memory | spilled |",
        f"|---|---|---:|{'---:|' * len(architectures)}---:|---:|",
    ]
    for (source, name), group in sorted(groups.items()):
        registers = [max((k.registers for k in group if k.architecture == one), default=0) for one in architectures]
        spilled = max(max(k.spill_stores, k.spill_loads) for k in group)
        lines.append(
            f"| `{source}` | `{name}` | {len({k.symbol for k in group})} | {' | '.join(map(str, registers))} "
            f"| {max(k.shared for k in group):,} B | {spilled} B |"
        )
    return "\n".join(lines)


def write_table(path: Path, table: str) -> None:
    """Puts the table between its marks in a page, or makes it a page of its own."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"{BEGIN}\n{END}\n"
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} has no place for the table: it must contain {BEGIN!r} and {END!r}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")
    os.replace(temporary, path)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile the CUDA sources and list what each kernel uses.")
    parser.add_argument("--jobs", type=int, default=2, help="compilations at a time")
    parser.add_argument(
        "--arch", action="append", choices=cuda_toolkit.ARCHITECTURES, help="compile for this one alone (repeatable)"
    )
    parser.add_argument("--table", type=Path, help="write the table in Markdown too, between its marks in this page")
    arguments = parser.parse_args()
    jobs, architectures = arguments.jobs, arguments.arch or list(cuda_toolkit.ARCHITECTURES)

    nvcc = cuda_toolkit.find_nvcc()
    if nvcc is None:
        skip = os.environ.get("NEURALPAINT_CUDA_CHECK") == "skip-if-missing"
        result = "SKIPPED, the CUDA sources were not compiled" if skip else "failed"
        print(f"cuda-check: {result}: nvcc is not found; {cuda_toolkit.HOW_TO_GET_NVCC}")
        return 0 if skip else 2

    sources = sorted((CSRC / "cuda").glob("*.cu"))
    glue = sorted((CSRC / "torch").glob("cuda*.cpp"))
    if not sources or not glue:
        print("cuda-check: failed: no sources in csrc/cuda/*.cu or csrc/torch/cuda*.cpp")
        return 1

    toolkit = cuda_toolkit.toolkit_root(nvcc)
    version = ".".join(map(str, cuda_toolkit.nvcc_version(nvcc)))
    print(f"cuda-check: nvcc {version}, sm_{', sm_'.join(architectures)}", flush=True)
    kernels: list[Kernel] = []
    failures = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(compile_glue, toolkit, source, Path(folder)) for source in glue]
        tasks += [pool.submit(compile_kernels, nvcc, source, architectures, Path(folder)) for source in sources]
        for task in tasks:
            source, status, output = task.result()
            failures += status != 0
            print(f"  {'FAILED' if status else 'compiled'}  {source.relative_to(CSRC.parent)}", flush=True)
            messages = [line for line in output.splitlines() if not line.startswith("ptxas info") and line.strip()]
            messages = [line for line in messages if not re.match(r"\s+\d+ bytes stack frame", line)]
            if messages:
                print("\n".join(messages), flush=True)
            if source.suffix == ".cu":
                kernels += parse_ptxas(output, source.name)

    demangle(kernels, toolkit)
    print()
    print_table(kernels)
    if arguments.table and not failures:
        try:
            write_table(arguments.table, markdown(kernels, version))
        except (OSError, ValueError) as error:
            print(f"cuda-check: failed: {error}")
            return 1
    spilling = [kernel for kernel in kernels if kernel.spills_too_much]
    print(f"\ncuda-check: {len(kernels)} functions, {len(spilling)} with spills, {failures} files failed to compile")
    return 1 if failures or spilling else 0


if __name__ == "__main__":
    sys.exit(main())
