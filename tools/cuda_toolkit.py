"""Where the CUDA toolkit is, and the flags that every build of csrc/cuda shares."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

# Kernels call constexpr std:: functions from the shared headers; line tables let profilers show the source.
NVCC_FLAGS = ["-O3", "--expt-relaxed-constexpr", "-lineinfo"]

# Native code for A100 and H100.
ARCHITECTURES = ("80", "90")

HOW_TO_GET_NVCC = "install the CUDA toolkit (https://developer.nvidia.com/cuda-downloads) or set CUDA_HOME to it"


def find_nvcc() -> str | None:
    """Path of nvcc: from CUDA_HOME or CUDA_PATH, else PATH, else the usual folder; None where there is none."""
    for name in ("CUDA_HOME", "CUDA_PATH"):
        if os.environ.get(name):
            return shutil.which(str(Path(os.environ[name]) / "bin" / "nvcc"))
    return shutil.which("nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")


def toolkit_root(nvcc: str) -> Path:
    """The toolkit's folder, which holds include/. It is nvcc that tells, for the file may be a wrapper elsewhere."""
    plan = subprocess.run([nvcc, "--dryrun", "x.cu"], capture_output=True, text=True).stderr
    top = re.search(r"TOP=(.+)", plan)
    return Path(top[1].strip()).resolve() if top else Path(nvcc).resolve().parent.parent


def runtime_library(nvcc: str) -> Path | None:
    """CUDA's runtime to link with; None: in no usual place. NVIDIA's PyPI packages have it as lib/libcudart.so.13."""
    found = (sorted((toolkit_root(nvcc) / folder).glob("libcudart.so*")) for folder in ("lib64", "lib"))
    return next((names[0] for names in found if names), None)


def nvcc_version(nvcc: str) -> tuple[int, int]:
    """nvcc's (major, minor) version."""
    text = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"release (\d+)\.(\d+)", text)
    if not found:
        raise RuntimeError(f"cannot read the version that {nvcc} prints")
    return int(found[1]), int(found[2])
