"""Whether the process that holds a lease is alive, where that can be told: on this very machine, in this very container."""

from __future__ import annotations

import os
import socket
from pathlib import Path

PROC = Path("/proc")


def this_place() -> str:
    """This boot of this machine and its view of processes; empty where that cannot be told."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()}/{boot}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def started_at(pid: int) -> int:
    """When a process started, in ticks since boot: a number that comes again begins later. 0: there is none, or it has ended."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


def is_dead(place: str, pid: int, started: int) -> bool:
    """Whether a process surely runs no more; False also where nobody here can tell."""
    return place != "" and place == this_place() and started_at(pid) != started


def is_alive(place: str, pid: int, started: int) -> bool:
    """Whether a process surely runs, if only stopped."""
    return place != "" and place == this_place() and started_at(pid) == started != 0


def this_process_started() -> int:
    """When this process started."""
    return started_at(os.getpid())
