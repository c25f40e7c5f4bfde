"""What every group of rows is given: the machine's cores, the device, SNP's subprocesses."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch

from benchmarks.peers.snp import SNP
from benchmarks.peers.timing import Stats, Timer, cores, race


@dataclass
class Context:
    """Settings of a run. Use as a context manager: leaving it ends SNP's subprocesses."""

    threads: int
    device: str = "cpu"
    snp_folder: Path | None = None
    quick: bool = False
    timeout: float = 120
    painting_timeout: float = 1800
    photo: Path | None = None
    primitive: Path | None = None
    versions: dict[str, str] = field(default_factory=dict)
    _snp: dict[int, SNP] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        for snp in self._snp.values():
            self.versions.update({k: str(v) for k, v in snp.versions.items() if k == "opencv"})
        self._stack.close()

    def snp(self, threads: int) -> SNP | None:
        """SNP's subprocess on that many cores; None without a checkout."""
        if self.snp_folder is None:
            return None
        if threads not in self._snp:
            self._snp[threads] = self._stack.enter_context(SNP(self.snp_folder, threads, self.device, self.timeout))
        return self._snp[threads]

    def race(self, contestants: dict[str, Timer], threads: int | None = None, budget: float = 6.0) -> dict[str, Stats]:
        """`timing.race` on `threads` cores (of the whole run, if not given)."""
        with cores(threads or self.threads):
            return race(contestants, rounds=3 if self.quick else 7, budget=2.0 if self.quick else budget)

    def tensor(self, *shape: int, seed: int = 0) -> torch.Tensor:
        """Uniform in [0, 1)."""
        return torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(self.device)

    def on(self, threads: int) -> str:
        """How a case names its cores."""
        if self.device != "cpu":
            return "GPU"
        return "one core" if threads == 1 else f"{threads} cores"
