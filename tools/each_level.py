"""Runs the ops' tests at every level of the CPU kernels but the one that runs anyway.

    python tools/each_level.py [PYTEST ARGUMENT...]

A level that this processor lacks is emulated by qemu-x86_64 where it can be, and runs tools/smoke.py instead; one that
nothing here can run is named. Exit status 1 if a level failed.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from neuralpaint import _C
from neuralpaint import _extension as extension

# Level -> the value of ATEN_CPU_CAPABILITY, and the processor for qemu to emulate.
X86 = {"x86-64-v2": ("default", "Nehalem"), "x86-64-v3": ("avx2", "max,avx512f=off"), "x86-64-v4": ("avx512", None)}

# Tests of tracing, of what is refused and of how the ops are registered, which is the same at every level.
SAME = ["test_arguments.py", "test_direct_calls.py", "test_first_use.py", "test_transforms.py"]
LEAVE_OUT = [*(f"--ignore=tests/ops/{name}" for name in SAME), "-k", "not opcheck and not compile"]


def main() -> int:
    emulator = shutil.which("qemu-x86_64") if platform.machine() == "x86_64" else None
    failed = []
    for level in _C.levels:
        if level == extension.LEVEL or level not in X86:
            continue
        capability, processor = X86[level]
        environment = os.environ | {"ATEN_CPU_CAPABILITY": capability}
        if not _C.missing(level):
            print(f"--- {level}: tests/ops", flush=True)
            command = [sys.executable, "-m", "pytest", "tests/ops", *LEAVE_OUT, *sys.argv[1:]]
        elif emulator and processor:
            print(f"--- {level}: smoke test under {Path(emulator).name} -cpu {processor}", flush=True)
            command = [emulator, "-cpu", processor, sys.executable, "tools/smoke.py"]
            environment["OPENBLAS_CORETYPE"] = "Nehalem"  # NumPy's OpenBLAS does not see what is emulated
        else:
            print(f"--- {level}: not run, this processor lacks {', '.join(_C.missing(level))}", flush=True)
            continue
        if subprocess.run(command, env=environment).returncode:
            failed.append(level)
    if failed:
        print(f"failed at {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
