"""Runs one program to its end and says what it cost: time, CPU, memory, bytes written."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True, slots=True)
class Run:
    """One finished program. `written` counts what it handed to write(2), less its own stdout and stderr."""

    wall: float
    cpu: float
    rss_mib: float
    written: int
    code: int
    out: str
    err: str

    @property
    def written_mib(self) -> float:
        """Bytes written, as MiB."""
        return self.written / 2**20


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Run:
    """Runs a command; its figures are the kernel's own.

    The kernel counts into a child's memory what the parent had when it forked, so the bench itself stays small.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        # The child is looked at before it is reaped: its counters end with it.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall = time.perf_counter() - began
        handed_over = _handed_over(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said, complained = _content(out), _content(err)
        return Run(
            wall,
            used.ru_utime + used.ru_stime,
            used.ru_maxrss / 1024,
            handed_over - len(said) - len(complained),
            process.returncode,
            said.decode(errors="replace"),
            complained.decode(errors="replace"),
        )


def _handed_over(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    counters = dict(line.split(": ") for line in lines)
    return int(counters["wchar"])


def _content(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()
