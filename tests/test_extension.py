"""Selection of the CPU kernel level, and the errors if there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from neuralpaint import _C
from neuralpaint import _extension as extension

X86 = ["x86-64-v2", "x86-64-v3", "x86-64-v4"]


def lacks(*levels: str):
    """Simulates a processor that does not support these levels."""
    return lambda level: ["AVX9"] if level in levels else []


@pytest.mark.parametrize(
    ("capability", "asked", "level"),
    [
        ("AVX512", None, "x86-64-v4"),
        ("AVX2", "avx2", "x86-64-v3"),
        ("DEFAULT", "default", "x86-64-v2"),
        ("NO AVX", None, "x86-64-v2"),
        ("something new", None, "x86-64-v2"),
    ],
)
def test_the_level_is_the_one_that_torch_finds(capability, asked, level, monkeypatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert extension.choose_level(X86, capability, asked, lacks()) == level


def test_a_level_that_the_processor_lacks_is_never_taken(monkeypatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert extension.choose_level(X86, "AVX512", None, lacks("x86-64-v4")) == "x86-64-v3"
    assert extension.choose_level(["x86-64-v2", "x86-64-v3"], "AVX512", None, lacks()) == "x86-64-v3"
    with pytest.raises(ImportError, match="ATEN_CPU_CAPABILITY is avx512, but this processor lacks AVX9: unset it"):
        extension.choose_level(X86, "AVX512", "avx512", lacks("x86-64-v4"))
    with pytest.raises(ImportError, match="needs a processor of level x86-64-v2 or better: it lacks AVX9"):
        extension.choose_level(X86, "DEFAULT", None, lacks(*X86))
    with pytest.raises(ImportError, match="level x86-64-v4 or better: ATEN_CPU_CAPABILITY is avx2"):
        extension.choose_level(["x86-64-v4"], "AVX2", "avx2", lacks())
    with pytest.raises(ImportError, match="'sse2', but must be one of avx512, avx2, default"):
        extension.choose_level(X86, "AVX2", "sse2", lacks())


def test_native_kernels_run_where_they_were_built(monkeypatch) -> None:
    assert extension.choose_level(["native"], "AVX2", None, lacks()) == "native"
    with pytest.raises(ImportError, match="built for another processor: this one lacks AVX9.*unset NEURALPAINT_ARCH"):
        extension.choose_level(["native"], "AVX2", None, lacks("native"))


def test_old_torch_is_named() -> None:
    with pytest.raises(ImportError, match="but 2.9.1.cu128 is installed: upgrade torch"):
        extension._check_torch("2.9.1+cu128")
    for version in ("2.10.0", "2.13.0+cpu", "3.0.0a0", "unknown"):
        extension._check_torch(version)


def test_facts_say_what_runs() -> None:
    facts = extension.build_facts()
    assert facts["level"] in facts["levels"] and not _C.missing(facts["level"])
    assert facts["cuda"] is (facts["no_cuda_reason"] == "")


@pytest.mark.skipif(not set(X86[:2]) <= set(_C.levels), reason="needs two levels of x86")
def test_the_variable_chooses_the_level(fork_server) -> None:
    code = "from neuralpaint import _extension as extension; print(extension.LEVEL)"
    for capability, level in (("default", "x86-64-v2"), ("avx2", "x86-64-v3")):
        if _C.missing(level):
            continue
        result = fork_server.run(code, env={"ATEN_CPU_CAPABILITY": capability})
        assert result.out.strip() == level, result.err


def test_missing_and_damaged_kernels_are_named(tmp_path, monkeypatch) -> None:
    shutil.copytree(extension.FOLDER, tmp_path / "lib")
    monkeypatch.setattr(extension, "FOLDER", tmp_path / "lib")
    path = tmp_path / "lib" / f"libneuralpaint_{extension.LEVEL}.so"
    whole = path.read_bytes()
    for damaged in (b"", whole[:5000], whole[:-1], b"x" * 5000):
        path.write_bytes(damaged)
        with pytest.raises(ImportError, match=f"{path.name} is damaged: reinstall neuralpaint"):
            extension._open(extension.LEVEL)
    path.unlink()
    with pytest.raises(ImportError, match=f"{path.name} is missing: reinstall neuralpaint"):
        extension._open(extension.LEVEL)


def test_the_command_says_so_in_one_line() -> None:
    command = [sys.executable, "-m", "neuralpaint", "info", "--build"]
    environment = os.environ | {"ATEN_CPU_CAPABILITY": "foo"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1
    assert "ATEN_CPU_CAPABILITY is 'foo'" in result.stderr


def test_info_shows_what_runs(run) -> None:
    assert extension.LEVEL in run("info", "--build").out
    assert f'"level": "{extension.LEVEL}"' in run("info", "--build", "--json").out
    for arguments in ((), ("strokes.safetensors", "--build")):
        outcome = run("info", *arguments)
        assert outcome.code == 2 and "--build" in outcome.err
