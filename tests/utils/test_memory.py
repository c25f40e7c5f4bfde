"""Memory limits of control groups."""

from __future__ import annotations

import pytest

from neuralpaint.utils.memory import _cgroup_free


def group(folder, limit: str, used: int, cache: int, names=("memory.max", "memory.current", "inactive_file")) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {cache}\n")


def test_the_tightest_of_the_groups_above_counts(tmp_path) -> None:
    group(tmp_path / "fs" / "user" / "job", "max", 100, 0)
    group(tmp_path / "fs" / "user", "1000", 700, 50)
    group(tmp_path / "fs" / "other", "10", 10, 0)
    (tmp_path / "cgroup").write_text("0::/user/job\n")
    assert min(_cgroup_free(tmp_path / "cgroup", tmp_path / "fs")) == 350


def test_version_one_and_a_path_of_the_host(tmp_path) -> None:
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    group(tmp_path / "fs" / "memory", "2000", 500, 100, names)
    (tmp_path / "cgroup").write_text("5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/docker/abc\n")
    assert _cgroup_free(tmp_path / "cgroup", tmp_path / "fs") == [1600]


@pytest.mark.parametrize("text", ["", "0::/nowhere\n"])
def test_no_limits(tmp_path, text: str) -> None:
    (tmp_path / "cgroup").write_text(text)
    assert _cgroup_free(tmp_path / "cgroup", tmp_path / "fs") == []
    assert _cgroup_free(tmp_path / "none", tmp_path / "fs") == []
