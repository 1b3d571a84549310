"""Real processes that start in milliseconds: a server that has imported the command line once, and forks for each run.

Run as a program: one order per line on stdin, one answer per line on stdout. Its time runs as fast as the emulator's.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SAID = ".said"
_SHORTEST = 0.002  # seconds that a thread looks away at least
_PRELOADED = (
    "httpx",
    "reconciler.workflow",
    "reconciler.cli.apply",
    "reconciler.cli.destroy",
    "reconciler.cli.plan",
    "reconciler.clients.cloudflare",
    "reconciler.clients.registry",
    "reconciler.clients.transport",
    "reconciler.render.progress",
    "reconciler.storage.local_store",
)


@dataclass(frozen=True, slots=True)
class Order:
    """One run: where, with what, and how it is cut short."""

    folder: str
    args: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    at: int = 0  # the boundary at which it is sent signals; 0: at none
    act: str = "kill"
    kill_after: float = 0.0  # seconds until it is killed from outside; 0: never
    patience: float = 0.0  # seconds until it gives a request up; 0: as long as for a user


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of it: exit code or minus a signal, what it said, the boundaries it passed, the seconds it took.

    `after_signal`: the seconds from the signal to its end; -1: it got none.
    """

    code: int
    said: str
    seen: Mapping[str, int]
    seconds: float
    after_signal: float = -1.0
    written: int = 0  # bytes to durable files
    cpu: float = 0.0  # seconds
    struck: int = 0  # how often faults have struck by then


class Forks:
    """The server, as tests speak to it."""

    def __init__(self, process: subprocess.Popen[str], rate: float) -> None:
        self.rate = rate
        self._process = process

    def run(self, order: Order) -> Ran:
        """Runs it to its end, whichever."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asdict(order)), file=self._process.stdin, flush=True)
        return Ran(**json.loads(self._process.stdout.readline()))


@contextmanager
def forks(rate: float = 1000.0) -> Iterator[Forks]:
    """A server for as long as the block lasts, whose clock runs so fast."""
    command = [sys.executable, "-m", "tests.faults.forks", str(rate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Forks(process, rate)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    rate, monotonic = float(sys.argv[1]), time.monotonic
    _hurry(rate)
    for name in _PRELOADED:
        importlib.import_module(name)
    _hurry_threads(rate)
    _keep_connections(monotonic)
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(_serve(Order(**json.loads(line)))), flush=True)  # noqa: T201


def _hurry(rate: float) -> None:
    """Before anything of ours is imported: it takes the clock as a default argument."""
    monotonic, sleep = time.monotonic, time.sleep
    vars(time)["monotonic"] = lambda: monotonic() * rate
    vars(time)["sleep"] = lambda seconds: sleep(seconds / rate)


def _hurry_threads(rate: float) -> None:
    from reconciler.engine.crew import Crew
    from reconciler.model.stop import StopSignal

    wait, messages = StopSignal.wait, Crew.messages
    vars_of: Any = StopSignal
    vars_of.wait = lambda self, seconds: wait(self, max(seconds / rate, _SHORTEST))
    vars_of = Crew
    vars_of.messages = lambda self, patience: messages(self, max(patience / rate, _SHORTEST))


def _keep_connections(monotonic: Callable[[], float]) -> None:
    """A connection lies idle for as long as it does for a user.

    A pool whose connections end after milliseconds closes some in the moment in which another thread takes them up, which
    then waits in vain for an answer.
    """
    from httpcore._sync import http11

    assert vars(http11)["time"] is time
    vars(http11)["time"] = SimpleNamespace(monotonic=monotonic)


def _serve(order: Order) -> dict[str, Any]:
    reading, writing = os.pipe()
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be(order, writing)
    os.close(writing)
    watched = os.pidfd_open(pid)
    if order.kill_after and not select.select([watched], [], [], order.kill_after)[0]:
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        told = json.loads(f"[{','.join(pipe)}]")
    _, status, used = os.wait4(pid, 0)
    ended = time.perf_counter()
    os.close(watched)
    signalled = next((one["signalled"] for one in told if "signalled" in one), None)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "said": _said(Path(order.folder) / SAID),
        "seen": next((one["seen"] for one in told if "seen" in one), {}),
        "written": next((one["written"] for one in told if "written" in one), 0),
        "seconds": ended - began,
        "cpu": used.ru_utime + used.ru_stime,
        "after_signal": -1.0 if signalled is None else ended - signalled,
    }


def _said(path: Path) -> str:
    """Nothing where it was killed before it could say anything."""
    return path.read_text(errors="replace") if path.exists() else ""


def _be(order: Order, told: int) -> None:
    """The child: the command line, as `reconciler` would run it."""
    os.chdir(order.folder)
    os.environ.update(order.environ)
    said = os.open(SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    code = 99
    try:
        from reconciler.cli.main import run
        from tests.faults.boundaries import Boundaries

        gc.disable()
        boundaries = Boundaries(order.at, order.act, tell=lambda **facts: _tell(told, facts))
        boundaries.watch()
        if order.patience:
            _lose_patience(order.patience)
        code = run(list(order.args))
        sys.stdout.flush()
        _tell(told, {"seen": boundaries.seen, "written": boundaries.written})
    except BaseException:  # noqa: BLE001 - this process must not go on as its parent would
        traceback.print_exc()
    finally:
        os._exit(code)


def _lose_patience(seconds: float) -> None:
    """Every answer is waited for so long and no longer."""
    import httpx

    inner = httpx.HTTPTransport.handle_request

    def handle_request(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        request.extensions["timeout"] = {**request.extensions["timeout"], "read": seconds}
        return inner(self, request)

    vars_of: Any = httpx.HTTPTransport
    vars_of.handle_request = handle_request


def _tell(told: int, facts: Mapping[str, Any]) -> None:
    os.write(told, json.dumps(facts).encode() + b"\n")


if __name__ == "__main__":
    main()
